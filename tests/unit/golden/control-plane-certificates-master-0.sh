{
STEP='control-plane-certificates-master-0 on master-0'
NODE_NAME=master-0
NODE_ADDRESS=10.0.0.10
EXPECTED='master-1=i-master-1-master-1-machine-id master-2=i-master-2-master-2-machine-id'
#!/usr/bin/env bash
# What every step on a node shares; the renderer puts it before the step's own script. Needs root.
# STEP: what runs and where, for people.
set -euo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Ends the step with a reason.
fail() {
  trap - ERR TERM
  echo "FAILED: $STEP: $*" >&2
  exit 1
}

# From here on a command that fails is named, and so is the time limit. (Not before: the files' content is no message.)
tell_failures() {
  set -E
  trap 'echo "FAILED: $STEP: status $? from: $BASH_COMMAND" >&2' ERR
  trap 'fail "stopped by its time limit, or from outside, during: $BASH_COMMAND"' TERM
}

# One run of a step at a time: an interrupted engine may have left one behind, still working.
# Children hold it too, so a step leaves daemons to systemd.
lock() {
  local file=/run/lock/${STEP//[^a-zA-Z0-9-]/_}
  exec {LOCK}>"$file"
  if ! flock --wait 300 "$LOCK"; then
    fail "another run of it has been at work on this host for more than 300 s: fuser -v $file"
  fi
}

# Installs stdin as a file: PATH MODE OWNER [DECODER...]. Nobody ever sees half of it, or its content under a wider mode.
# A file that is as wanted is not touched.
install_file() {
  local path=$1 mode=$2 owner=$3
  shift 3
  mkdir -p "$(dirname "$path")"
  rm -f "$path.new"
  (umask 077 && "${@:-cat}" >"$path.new")
  chown "$owner" "$path.new"
  chmod "$mode" "$path.new"
  if [[ -f $path && ! -L $path && $(stat --format '%a %U:%G' "$path") == $(stat --format '%a %U:%G' "$path.new") ]] &&
    cmp --silent "$path" "$path.new"; then
    rm -f "$path.new"
  else
    mv --force --no-target-directory "$path.new" "$path"
  fi
}

# The last lines that a unit logged.
show_journal() {
  echo "--- last lines of $1 (more: journalctl -u $1)"
  journalctl --unit "$1" --lines "${2:-15}" --no-pager --output cat 2>/dev/null | cut -c1-300 || true
}

# Why HOST's PORT does not answer, in words. RULE names the firewall row that should let it through.
explain_port() {
  local host=$1 port=$2 rule=$3 message
  # shellcheck disable=SC2016
  if message=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$host" "$port" 2>&1); then
    echo "$host:$port takes connections"
  elif [[ $message == *refused* ]]; then
    echo "$host:$port refused: the host is there and reachable, but nothing listens on that port"
  elif [[ $message == *"not known"* || $message == *"resolution"* || $message == *"No address"* ]]; then
    echo "$host: no such name for this host's resolver"
  else
    echo "$host:$port timed out: the host is down, or no firewall row lets this host in (look at: $rule)"
  fi
}

# In a command of wait_for: it can never succeed any more, and this is why.
give_up() {
  echo "$*" >&2
  exit 86
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds. When it does not, fails with WHAT, the last attempt's
# words and, if the variable EXPLAIN is set, what that command prints (say, EXPLAIN="show_journal etcd" wait_for ...).
# PAUSE: seconds between attempts, if half a second is too short.
wait_for() {
  local limit=$1 what=$2 end=$((SECONDS + $1)) said status
  shift 2
  while true; do
    status=0
    said=$("$@" 2>&1) || status=$?
    if ((status == 0)); then
      return 0
    elif ((status == 86 || SECONDS >= end)); then
      {
        [[ -z $said ]] || printf -- '--- last answer\n%s\n' "$(tail -n 10 <<<"$said" | cut -c1-300)"
        eval "${EXPLAIN:-}"
      } >&2
      ((status == 86)) && fail "gave up waiting for $what: $(tail -n 1 <<<"$said")"
      fail "waited $limit s in vain for $what"
    fi
    sleep "${PAUSE:-0.5}"
  done
}
lock
#!/usr/bin/env bash
# What founding and joining share: files waiting on tmpfs, undoing a half-done attempt, telling why kubeadm failed.
# Put before every script that runs kubeadm; needs common.sh. NODE_NAME: this host.
# NETWORK_LINKS and NETWORK_PATHS: what the network add-on leaves on a host, by space, for whoever undoes an attempt.
# STACKED_ETCD: the client URLs of all masters' members by comma, unset or empty where kubeadm does not run etcd.
set -euo pipefail

STAGE=/run/kubeadm-step
clean_up() {
  rm -rf "$STAGE"
}
trap clean_up EXIT
# kubeadm reset empties this folder, so the mark cannot outlive the membership it stands for.
JOINED=/var/lib/kubelet/joined
# Stays from before the reset, which removes all other traces of an attempt, until everything is undone.
UNDOING=/etc/kubernetes/undoing
ETCD_DATA=/var/lib/etcd

is_member() {
  [[ -f $JOINED && -f /etc/kubernetes/kubelet.conf ]]
}

# With the phase that is skipped, a reset would empty /var/lib/etcd under a living member of an etcd that is not kubeadm's.
# Nor is /etc/cni/net.d touched: containerd watches that very folder and would be blind until it restarts.
undo_half_done() {
  local left
  left=$(find /etc/kubernetes -maxdepth 2 \( -name '*.conf' -o -path '*/manifests/*.yaml' -o -path '*/pki/*' \) -print -quit 2>/dev/null || true)
  if [[ -n $left || -e /var/lib/kubelet/config.yaml || -e $UNDOING ]]; then
    echo "undoing an attempt that did not finish"
    mkdir -p /etc/kubernetes
    touch "$UNDOING"
    kubeadm reset --force --skip-phases=remove-etcd-member
    forget_pod_network
    # The folder itself stays: it may be a disk of its own.
    if [[ -n ${STACKED_ETCD:-} && -d $ETCD_DATA ]]; then
      find "$ETCD_DATA" -mindepth 1 -delete
    fi
    rm -f "$UNDOING"
  fi
}

# Data that no attempt of this cluster left here: a member must not start on it, and it may be all that is left of another.
refuse_foreign_data() {
  if [[ -n ${STACKED_ETCD:-} && -n $(find "$ETCD_DATA" -mindepth 1 -print -quit 2>/dev/null) ]]; then
    fail "$ETCD_DATA on this host is not empty: it is a data directory of another cluster. Save what you need of it, empty it, run pulumi up again"
  fi
}

# What the network add-on left here; its folder in /etc/cni stays, which containerd watches.
forget_pod_network() {
  local link paths
  for link in $NETWORK_LINKS; do
    ip link delete "$link" 2>/dev/null || true
  done
  read -ra paths <<<"$NETWORK_PATHS"
  rm -rf "${paths[@]}"
}

# Installs one staged folder into its place, keys readable by root only.
place() {
  local from=$STAGE/$1 to=$2 file mode
  [[ -d $from ]] || return 0
  while IFS= read -r -d '' file; do
    if [[ $file == *.key ]]; then mode=0600; else mode=0644; fi
    install -D --mode "$mode" "$from/$file" "$to/$file"
  done < <(find "$from" -type f -printf '%P\0')
}

place_files() {
  place pki /etc/kubernetes/pki
  place patches /etc/kubernetes/patches
  place_leaves
}

# Certificates that this host holds and that get renewed; the API server and the kubelet look at their files again and again.
place_leaves() {
  place etcd-client /etc/kubernetes/pki
  place kubelet-pki /var/lib/kubelet/pki
}

explain_kubeadm() {
  local container log
  show_journal kubelet
  for container in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    log=$(find /var/log/pods -path "*_$container-*" -name '*.log' -printf '%T@ %p\n' 2>/dev/null | sort --numeric-sort | tail -n 1 || true)
    log=${log#* }
    if [[ -n $log ]]; then
      echo "--- last lines of $container (more: $log)"
      tail -n 8 "$log" | cut -c1-300
    fi
  done
}

run_kubeadm() {
  local command="$*"
  if ! kubeadm "$@"; then
    explain_kubeadm >&2
    fail "kubeadm ${command%% --*} on $NODE_NAME; what it said and the last lines of the logs that matter are above"
  fi
}
install_file /run/kubeadm-step/kubeadm.yaml 0600 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjoga3ViZWFkbS5rOHMuaW8vdjFiZXRhNApraW5kOiBJbml0Q29uZmlndXJhdGlv
bgpib290c3RyYXBUb2tlbnM6Ci0gdHRsOiAxbTBzCmxvY2FsQVBJRW5kcG9pbnQ6CiAgYWR2ZXJ0
aXNlQWRkcmVzczogMTAuMC4wLjEwCiAgYmluZFBvcnQ6IDY0NDMKbm9kZVJlZ2lzdHJhdGlvbjoK
ICBuYW1lOiBtYXN0ZXItMAogIGNyaVNvY2tldDogdW5peDovLy9ydW4vY29udGFpbmVyZC9jb250
YWluZXJkLnNvY2sKICBpbWFnZVB1bGxQb2xpY3k6IElmTm90UHJlc2VudAogIGt1YmVsZXRFeHRy
YUFyZ3M6CiAgLSBuYW1lOiBub2RlLWlwCiAgICB2YWx1ZTogMTAuMC4wLjEwCiAgLSBuYW1lOiBw
cm92aWRlci1pZAogICAgdmFsdWU6IGF3czovLy91cy1lYXN0LTFhL2ktbWFzdGVyLTAtbWFzdGVy
LTAtbWFjaGluZS1pZApwYXRjaGVzOgogIGRpcmVjdG9yeTogL2V0Yy9rdWJlcm5ldGVzL3BhdGNo
ZXMKdGltZW91dHM6CiAgY29udHJvbFBsYW5lQ29tcG9uZW50SGVhbHRoQ2hlY2s6IDhtMHMKICBr
dWJlbGV0SGVhbHRoQ2hlY2s6IDhtMHMKICBrdWJlcm5ldGVzQVBJQ2FsbDogM20wcwogIGV0Y2RB
UElDYWxsOiA0bTBzCiAgdGxzQm9vdHN0cmFwOiA4bTBzCiAgZGlzY292ZXJ5OiA4bTBzCmNlcnRp
ZmljYXRlS2V5OiA3MmQxMGQzOGYyZjNiYjlhMmQ2MDA1OTgzMGMyZmMxMDU5MmJlZmJhYzdhYjk4
YTE4Y2Q4NTlkNjc0NjA2OTJkCi0tLQphcGlWZXJzaW9uOiBrdWJlYWRtLms4cy5pby92MWJldGE0
CmtpbmQ6IENsdXN0ZXJDb25maWd1cmF0aW9uCmNsdXN0ZXJOYW1lOiBkZW1vCmt1YmVybmV0ZXNW
ZXJzaW9uOiB2MS4zNy4xCmNvbnRyb2xQbGFuZUVuZHBvaW50OiBhcGkuZGVtby5pbnRlcm5hbDo2
NDQzCmNlcnRpZmljYXRlc0RpcjogL2V0Yy9rdWJlcm5ldGVzL3BraQplbmNyeXB0aW9uQWxnb3Jp
dGhtOiBFQ0RTQS1QMjU2Cm5ldHdvcmtpbmc6CiAgcG9kU3VibmV0OiAxMC4yNDQuMC4wLzE2CiAg
c2VydmljZVN1Ym5ldDogMTAuOTYuMC4wLzEyCiAgZG5zRG9tYWluOiBjbHVzdGVyLmxvY2FsCmFw
aVNlcnZlcjoKICBjZXJ0U0FOczoKICAtIGFwaS5kZW1vLmludGVybmFsCiAgLSBtYXN0ZXItMAog
IC0gbWFzdGVyLTEKICAtIG1hc3Rlci0yCiAgLSAxMC4wLjAuMTAKICAtIDEwLjAuMS4xMAogIC0g
MTAuMC4yLjEwCiAgLSAxMjcuMC4wLjEKICBleHRyYUFyZ3M6CiAgLSBuYW1lOiBrdWJlbGV0LWNl
cnRpZmljYXRlLWF1dGhvcml0eQogICAgdmFsdWU6IC9ldGMva3ViZXJuZXRlcy9wa2kvY2EuY3J0
CmV0Y2Q6CiAgbG9jYWw6CiAgICBpbWFnZVRhZzogMy43LjAtMAogICAgZXh0cmFBcmdzOgogICAg
LSBuYW1lOiBpbml0aWFsLWNsdXN0ZXItdG9rZW4KICAgICAgdmFsdWU6IDAwYWNhZWUzOTgyZWJk
MWRlMjU5Yjk0MmIwYzQyODk5OTQzN2I1OWIwNDQyMjI3M2RlNDNiNGY2ZmJlNzRkMzUKICAgIC0g
bmFtZTogaGVhcnRiZWF0LWludGVydmFsCiAgICAgIHZhbHVlOiAnMTAwJwogICAgLSBuYW1lOiBl
bGVjdGlvbi10aW1lb3V0CiAgICAgIHZhbHVlOiAnMTAwMCcKICAgIC0gbmFtZTogcXVvdGEtYmFj
a2VuZC1ieXRlcwogICAgICB2YWx1ZTogJzg1ODk5MzQ1OTInCiAgICAtIG5hbWU6IGF1dG8tY29t
cGFjdGlvbi1tb2RlCiAgICAgIHZhbHVlOiBwZXJpb2RpYwogICAgLSBuYW1lOiBhdXRvLWNvbXBh
Y3Rpb24tcmV0ZW50aW9uCiAgICAgIHZhbHVlOiAxaAo=
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Uploads what masters share, encrypted, as the Secret kubeadm-certs, for the masters about to join. Runs on the first master.
# NODE_NAME, NODE_ADDRESS: this master. EXPECTED: "name=identity ..." of the others, so that a new machine gets a new upload.
set -euo pipefail

# This master's own API server: a balancer may still send us to one that is gone.
sed "s,server: https://.*,server: https://$NODE_ADDRESS:6443," /etc/kubernetes/admin.conf | install_file "$STAGE/admin.conf" 0600 root:root
export KUBECONFIG=$STAGE/admin.conf
EXPLAIN=explain_kubeadm wait_for 120 "the API server of $NODE_NAME" kubectl get --raw /readyz
run_kubeadm init phase upload-certs --upload-certs --skip-certificate-key-print --config "$STAGE/kubeadm.yaml" --kubeconfig "$KUBECONFIG"
# Its owner is a token that ends in two hours, and the Secret with it: too soon for an interrupted `pulumi up`.
kubectl --namespace kube-system patch secret kubeadm-certs --type=json --patch '[{"op": "remove", "path": "/metadata/ownerReferences"}]'
echo "uploaded for $EXPECTED"
exit 0
} </dev/null
