#!/usr/bin/env bash
# Makes a machine ready for kubeadm: kernel settings, containerd, the Kubernetes packages held at one version, images.
# KUBERNETES_VERSION. MIRROR (may be empty: upstream). ROLE (master, worker or etcd). NETWORK_IMAGES: the add-on's, by space.
# ETCD_IMAGE: what runs etcd here, empty where no container does.
# On a machine that is a member of a cluster already no package changes but a missing tool, and no image is fetched.
set -euo pipefail

MINOR=v${KUBERNETES_VERSION%.*}
KUBERNETES_SOURCE=${MIRROR:+$MIRROR/kubernetes}
KUBERNETES_SOURCE=${KUBERNETES_SOURCE:-https://pkgs.k8s.io}/core:/stable:/$MINOR/deb/
SOURCE=${MIRROR:-"$KUBERNETES_SOURCE or the machine's own sources"}
SOURCES=/etc/apt/sources.list.d/kubeadm-aws.sources
# The region's mirror has these, and all that they depend on.
DEBIAN_PACKAGES=(containerd iptables jq)
PACKAGES=("${DEBIAN_PACKAGES[@]}" cri-tools kubernetes-cni "kubelet=$KUBERNETES_VERSION-*" "kubeadm=$KUBERNETES_VERSION-*" "kubectl=$KUBERNETES_VERSION-*")
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.pgp

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

have_packages() {
  local spec
  for spec in "${PACKAGES[@]}"; do
    # shellcheck disable=SC2053 # the right side is a pattern
    [[ $(dpkg-query --show --showformat '${db:Status-Abbrev}=${Version}' "${spec%%=*}" 2>/dev/null) == "?i ="${spec#"${spec%%=*}"}* ]] || return 1
  done
}

# With a mirror, it is the only source; a machine without the internet would wait for its own sources in vain.
write_sources() {
  {
    printf 'Types: deb\nURIs: %s\nSuites: /\nSigned-By: /etc/apt/keyrings/kubernetes.asc\n' "$KUBERNETES_SOURCE"
    if [[ -n $MIRROR ]]; then
      printf '\nTypes: deb\nURIs: %s/debian\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$MIRROR" "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$DEBIAN_KEYS"
    fi
  } | install_file "$SOURCES" 0644 root:root
  curl --silent --show-error --fail --location --connect-timeout 10 --retry 3 --retry-connrefused \
    "${KUBERNETES_SOURCE}Release.key" | install_file /etc/apt/keyrings/kubernetes.asc 0644 root:root ||
    fail "cannot get ${KUBERNETES_SOURCE}Release.key, the key of the Kubernetes packages"
}

apt() {
  local options=(--option DPkg::Lock::Timeout=120 --option Acquire::Retries=2 --option Acquire::Languages=none
    --option Acquire::http::Timeout=20 --option APT::Update::Error-Mode=any --option Dpkg::Use-Pty=0)
  if [[ -n $MIRROR ]]; then
    options+=(--option "Dir::Etc::SourceList=$SOURCES" --option Dir::Etc::SourceParts=-)
  fi
  apt-get "${options[@]}" "$@"
}

# A young machine writes its package sources and reads lists of its own accord, and apt waits for no lock on those.
leaves_packages_alone() {
  ! systemctl show --property ActiveState --value apt-daily.service apt-daily-upgrade.service | grep activating
}

install_packages() {
  local spec
  systemctl start cloud-config.service || true
  wait_for 600 "apt-daily.service or apt-daily-upgrade.service of this host to end" leaves_packages_alone
  [[ -z $(dpkg --audit) ]] || dpkg --configure -a
  write_sources
  apt --quiet --quiet update || fail "cannot read the package lists of $SOURCE: see above"
  if ! apt --quiet --quiet install --yes --no-install-recommends --allow-change-held-packages --allow-downgrades \
    --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "${PACKAGES[@]}" &>/var/log/kubeadm-aws-apt.log; then
    for spec in "${PACKAGES[@]}"; do
      apt --quiet --quiet install --simulate --no-install-recommends --allow-change-held-packages --allow-downgrades "$spec" >/dev/null ||
        fail "package $spec cannot be had from $SOURCE"
    done
    tail -n 15 /var/log/kubeadm-aws-apt.log >&2
    fail "apt could not install ${PACKAGES[*]}; its last lines are above"
  fi
  # It would only crash and start again until kubeadm gives it its configuration.
  is_in_use || systemctl stop kubelet
}

# No cluster survives an upgrade that nobody asked for.
hold_packages() {
  apt-mark hold kubelet kubeadm kubectl >/dev/null
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
  for registry in registry.k8s.io ghcr.io; do
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

pull_image() {
  crictl inspecti --quiet "$1" >/dev/null 2>&1 || crictl pull "$1" >/dev/null ||
    fail "image $1 cannot be had from ${MIRROR:-its registry}"
}

# All at once: a registry far away gives each of them slowly.
pull_images() {
  local image pid pids=() failed=false
  for image in $(images_of_role); do
    pull_image "$image" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" || failed=true
  done
  [[ $failed == false ]] || exit 1
}

turn_off_swap
load_modules
set_kernel_settings
# No package of a member changes; a tool that the scripts need comes to it all the same.
! is_in_use || PACKAGES=(jq)
have_packages || install_packages
hold_packages
configure_containerd
point_at_mirror
if ! is_in_use; then
  pull_images
fi
echo "prepared: Kubernetes $(kubelet --version | cut -d ' ' -f 2), $(containerd --version | cut -d ' ' -f 3)"
