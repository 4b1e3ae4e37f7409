#!/usr/bin/env bash
# Makes a machine ready for kubeadm: kernel settings, containerd, the Kubernetes packages held at one version, images.
# KUBERNETES_VERSION. MIRROR (may be empty: upstream). ROLE (master, worker or etcd). NETWORK_IMAGES: the add-on's, by space.
# ETCD_IMAGE: what runs etcd here, empty where no container does. Needs packages.sh.
# On a machine that is a member of a cluster already nothing is fetched but a tool that is missing.
set -euo pipefail

MINOR=v${KUBERNETES_VERSION%.*}
KUBERNETES_SOURCE=${MIRROR:+$MIRROR/kubernetes}
KUBERNETES_SOURCE=${KUBERNETES_SOURCE:-https://pkgs.k8s.io}/core:/stable:/$MINOR/deb/
PACKAGES=("${TOOLS[@]}" "${RUNTIME[@]}" cri-tools kubernetes-cni "kubelet=$KUBERNETES_VERSION-*" "kubeadm=$KUBERNETES_VERSION-*" "kubectl=$KUBERNETES_VERSION-*")

# Something of a cluster runs here, or soon will again.
is_in_use() {
  [[ -e /etc/kubernetes/kubelet.conf || ($ROLE == etcd && -e /etc/kubernetes/manifests/etcd.yaml) ]]
}

turn_off_swap() {
  if [[ -n $(tail --lines +2 /proc/swaps) ]]; then
    swapoff --all || fail "cannot turn swap off, which the kubelet demands"
  fi
  sed -i -E 's/^([^#]\S*\s+\S+\s+swap\s)/# \1/' /etc/fstab
}

# Some kernels have these built in, and no modules at all.
load_modules() {
  local module
  if [[ -d /lib/modules/$(uname -r) ]]; then
    printf '%s\n' overlay br_netfilter | install_file /etc/modules-load.d/kubernetes.conf 0644 root:root
    for module in overlay br_netfilter; do
      modprobe "$module" 2>/dev/null || true
    done
  fi
  grep --quiet --word-regexp overlay /proc/filesystems || fail "this kernel has no overlay file system, as a module or built in"
  [[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ]] || fail "this kernel has no br_netfilter, as a module or built in"
}

set_kernel_settings() {
  install_file /etc/sysctl.d/99-kubernetes.conf 0644 root:root <<'SYSCTL'
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
SYSCTL
  sysctl --quiet --load /etc/sysctl.d/99-kubernetes.conf
}

# No cluster survives an upgrade that nobody asked for, nor do pods one of what runs them.
hold_packages() {
  apt-mark hold kubelet kubeadm kubectl containerd runc >/dev/null
  systemctl enable --quiet containerd kubelet
}

# What an image of the machine brought in conf.d stays in force.
configure_containerd() {
  local pause
  pause=$(kubeadm_images | grep /pause:)
  install_file /etc/containerd/config.toml 0644 root:root <<CONFIG
version = 2
imports = ["/etc/containerd/conf.d/*.toml"]

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
CONFIG
  install_file /etc/crictl.yaml 0644 root:root <<'CRICTL'
runtime-endpoint: unix:///run/containerd/containerd.sock
image-endpoint: unix:///run/containerd/containerd.sock
CRICTL
  mkdir -p /etc/cni/net.d /etc/containerd/conf.d
  if ! sha256sum --check --status /etc/containerd/applied 2>/dev/null || ! systemctl is-active --quiet containerd; then
    systemctl restart containerd || {
      show_journal containerd >&2
      fail "containerd does not start; its last lines are above"
    }
    sha256sum /etc/containerd/config.toml >/etc/containerd/applied
  fi
}

# containerd reads these files for every pull, so they need no restart.
point_at_mirror() {
  local registry
  for registry in registry.k8s.io $(tr ' ' '\n' <<<"$NETWORK_IMAGES" | cut -d / -f 1 | sort --unique); do
    if [[ -n $MIRROR ]]; then
      printf 'server = "%s"\n[host."%s"]\ncapabilities = ["pull", "resolve"]\n' "$MIRROR" "$MIRROR" |
        install_file "/etc/containerd/certs.d/$registry/hosts.toml" 0644 root:root
    else
      rm -f "/etc/containerd/certs.d/$registry/hosts.toml"
    fi
  done
}

kubeadm_images() {
  kubeadm config images list --kubernetes-version "v$KUBERNETES_VERSION"
}

# DNS goes to whatever node it is scheduled to.
images_of_role() {
  local network=${NETWORK_IMAGES// /$'\n'}
  case $ROLE in
    master) kubeadm_images | grep --invert-match /etcd: && echo "$network" ;;
    worker) kubeadm_images | grep --extended-regexp '/(pause|kube-proxy):' && echo "$network" ;;
    etcd) kubeadm_images | grep /pause: ;;
  esac
  echo "$ETCD_IMAGE"
}

# A registry that was asked by many at once may refuse one of them.
pull_image() {
  ! crictl inspecti --quiet "$1" >/dev/null 2>&1 || return 0
  for _ in {1..3}; do
    ! crictl pull "$1" >/dev/null || return 0
    sleep 2
  done
  fail "image $1 cannot be had from ${MIRROR:-its registry}"
}

# What asks etcd, of the version that began to run here: of a later one no image may be here.
install_etcd_tools() {
  local tool
  ! is_in_use || [[ ! -x /usr/local/bin/etcdctl || ! -x /usr/local/bin/etcdutl ]] || return 0
  pull_image "$ETCD_IMAGE"
  IMAGE=$(mktemp --directory)
  trap '{ ctr --namespace k8s.io images unmount --rm "$IMAGE"; rmdir "$IMAGE"; } >/dev/null 2>&1 || true' EXIT
  ctr --namespace k8s.io images mount "$ETCD_IMAGE" "$IMAGE" >/dev/null
  for tool in etcdctl etcdutl; do
    install_file "/usr/local/bin/$tool" 0755 root:root <"$IMAGE/usr/local/bin/$tool"
  done
}

turn_off_swap
load_modules
set_kernel_settings
# No package of a member changes; a tool that the scripts need comes to it all the same.
! is_in_use || PACKAGES=("${TOOLS[@]}")
if ! have_packages "${PACKAGES[@]}"; then
  install_packages "${PACKAGES[@]}"
  # It would only crash and start again until kubeadm gives it its configuration.
  is_in_use || systemctl stop kubelet
fi
hold_packages
configure_containerd
point_at_mirror
# A registry far away gives each of them slowly.
# shellcheck disable=SC2046 # one a line
is_in_use || at_once pull_image $(images_of_role)
[[ -z $ETCD_IMAGE ]] || install_etcd_tools
echo "prepared: Kubernetes $(kubelet --version | cut -d ' ' -f 2), $(containerd --version | cut -d ' ' -f 3)"
