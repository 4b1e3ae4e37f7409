#!/usr/bin/env bash
# Debian packages on a host. Needs common.sh. MIRROR: where all packages come from, empty for upstream's places.
# KUBERNETES_SOURCE: the archive of the Kubernetes packages, empty where none of them is wanted.
set -euo pipefail

# The region's mirror has these, and all that they depend on: what scripts need on every machine, and what runs containers.
# shellcheck disable=SC2034 # for the scripts
TOOLS=(jq)
# shellcheck disable=SC2034 # for the scripts
RUNTIME=(containerd iptables)
TIMERS=(apt-daily.timer apt-daily-upgrade.timer)
SOURCES=/etc/apt/sources.list.d/kubeadm-aws.sources
DEBIAN_KEYS=/usr/share/keyrings/debian-archive-keyring.pgp

# SPECS...: are they installed, name or name=version-pattern?
have_packages() {
  local spec
  for spec in "$@"; do
    # shellcheck disable=SC2053 # the right side is a pattern
    [[ $(dpkg-query --show --showformat '${db:Status-Abbrev}=${Version}' "${spec%%=*}" 2>/dev/null) == ?"i "${spec#"${spec%%=*}"}* ]] || return 1
  done
}

# With a mirror, it is the only source; a machine without the internet would wait for its own sources in vain.
write_sources() {
  {
    if [[ -n $KUBERNETES_SOURCE ]]; then
      printf 'Types: deb\nURIs: %s\nSuites: /\nSigned-By: /etc/apt/keyrings/kubernetes.asc\n\n' "$KUBERNETES_SOURCE"
    fi
    if [[ -n $MIRROR ]]; then
      printf 'Types: deb\nURIs: %s/debian\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$MIRROR" "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$DEBIAN_KEYS"
    fi
  } | install_file "$SOURCES" 0644 root:root
  [[ -z $KUBERNETES_SOURCE ]] ||
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

# SPECS...: at least these, in these versions.
install_packages() {
  local spec source=${MIRROR:-"${KUBERNETES_SOURCE:+$KUBERNETES_SOURCE or }the machine's own sources"}
  systemctl start cloud-config.service || true
  # If the step fails here they stay stopped until it is run again, or the machine is booted.
  systemctl stop "${TIMERS[@]}" 2>/dev/null || true
  wait_for 600 "apt-daily.service or apt-daily-upgrade.service of this host to end" leaves_packages_alone
  [[ -z $(dpkg --audit) ]] || dpkg --configure -a
  write_sources
  apt --quiet --quiet update || fail "cannot read the package lists of $source: see above"
  if ! apt --quiet --quiet install --yes --no-install-recommends --allow-change-held-packages --allow-downgrades \
    --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "$@" &>/var/log/kubeadm-aws-apt.log; then
    for spec in "$@"; do
      apt --quiet --quiet install --simulate --no-install-recommends --allow-change-held-packages --allow-downgrades "$spec" >/dev/null ||
        fail "package $spec cannot be had from $source"
    done
    tail -n 15 /var/log/kubeadm-aws-apt.log >&2
    fail "apt could not install $*; its last lines are above"
  fi
  systemctl start "${TIMERS[@]}" 2>/dev/null || true
}
