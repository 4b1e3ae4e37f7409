{
STEP='control-plane-join-master-1 on master-1'
NODE_NAME=master-1
NODE_ADDRESS=10.0.1.10
ROLE=control-plane
API_SERVERS='https://10.0.0.10:6443 https://10.0.1.10:6443 https://10.0.2.10:6443 https://api.demo.internal:6443'
CERTIFICATES=placed
STACKED_ETCD=''
NETWORK_LINKS='cni0 flannel.1'
NETWORK_PATHS='/run/flannel /var/lib/cni/networks /etc/cni/net.d/10-flannel.conflist'
NETWORK_CHAINS='FLANNEL- CNI-'
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
#!/usr/bin/env bash
# Talking to etcd members with curl: etcd's JSON gateway on a client port, and the few paths of a peer port.
# ETCD_CA, ETCD_CERT, ETCD_KEY: the files of a certificate that members let in. Comes after common.sh.
set -euo pipefail

# CURL'S ARGUMENTS...: the answer; what the member says against it too. (A peer port speaks no HTTP/2, and closes on it.)
etcd_curl() {
  curl --silent --show-error --fail-with-body --http1.1 --connect-timeout 3 --max-time 15 \
    --cacert "$ETCD_CA" --cert "$ETCD_CERT" --key "$ETCD_KEY" "$@"
}

# URL PATH JSON: asks the member with this client URL, say, etcd_api https://10.0.0.10:2379 /v3/cluster/member/list '{}'.
etcd_api() {
  etcd_curl --data "$3" "$1$2"
}

# NAME: etcd's key, as the gateway wants it, for the machine that this member is on.
machine_key() {
  printf 'kubeadm-aws/etcd-members/%s' "$1" | base64 --wrap=0
}

# URL NAME MACHINE: notes in etcd which machine the member is on.
note_machine() {
  etcd_api "$1" /v3/kv/put "{\"key\": \"$(machine_key "$2")\", \"value\": \"$(printf %s "$3" | base64 --wrap=0)\"}" >/dev/null
}

# The members in a gateway's answer (IDs are texts there) or in a peer port's /members (numbers), one a line:
# ID, name, peer URL, client URL, whether it is a learner. A member that never started has "-" for name and client URL.
members_from_json() {
  sed 's/.*"members" *: *//' | { grep --only-matching '{[^{}]*"peerURLs"[^{}]*}' || true; } | awk '
    function value(key) {
      if (!match($0, "\"" key "\" *: *\\[? *\"?[^][\",}]+")) return "-"
      found = substr($0, RSTART, RLENGTH)
      sub(/^[^:]*: *\[? *"?/, "", found)
      return found
    }
    { print value("[iI][dD]"), value("name"), value("peerURLs"), value("clientURLs"), value("isLearner") == "true" ? "true" : "false" }'
}
install_file /run/kubeadm-step/etcd-client/etcd/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgZXRjZC1jYQ==
END_OF_FILE
install_file /run/kubeadm-step/etcd-client/apiserver-etcd-client.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgZXRjZC1hcGlzZXJ2ZXItY2xpZW50
END_OF_FILE
install_file /run/kubeadm-step/etcd-client/apiserver-etcd-client.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIGV0Y2QtYXBpc2VydmVyLWNsaWVudC1rZXk=
END_OF_FILE
install_file /run/kubeadm-step/kubelet-pki/serving.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgY2x1c3Rlci1tYXN0ZXItMS1rdWJlbGV0
END_OF_FILE
install_file /run/kubeadm-step/kubelet-pki/serving.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIGNsdXN0ZXItbWFzdGVyLTEta3ViZWxldC1rZXk=
END_OF_FILE
install_file /run/kubeadm-step/patches/corednsdeployment.yaml 0644 root:root base64 --decode <<'END_OF_FILE'
c3BlYzoKICB0ZW1wbGF0ZToKICAgIHNwZWM6CiAgICAgIGFmZmluaXR5OgogICAgICAgIHBvZEFu
dGlBZmZpbml0eToKICAgICAgICAgIHJlcXVpcmVkRHVyaW5nU2NoZWR1bGluZ0lnbm9yZWREdXJp
bmdFeGVjdXRpb246CiAgICAgICAgICAtIGxhYmVsU2VsZWN0b3I6CiAgICAgICAgICAgICAgbWF0
Y2hFeHByZXNzaW9uczoKICAgICAgICAgICAgICAtIGtleTogazhzLWFwcAogICAgICAgICAgICAg
ICAgb3BlcmF0b3I6IEluCiAgICAgICAgICAgICAgICB2YWx1ZXM6CiAgICAgICAgICAgICAgICAt
IGt1YmUtZG5zCiAgICAgICAgICAgIHRvcG9sb2d5S2V5OiBrdWJlcm5ldGVzLmlvL2hvc3RuYW1l
CiAgICAgIGNvbnRhaW5lcnM6CiAgICAgIC0gbmFtZTogY29yZWRucwogICAgICAgIHJlYWRpbmVz
c1Byb2JlOgogICAgICAgICAgcGVyaW9kU2Vjb25kczogMgo=
END_OF_FILE
install_file /run/kubeadm-step/pki/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgY2x1c3Rlci1jYQ==
END_OF_FILE
install_file /run/kubeadm-step/pki/ca.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIGNsdXN0ZXItY2Eta2V5
END_OF_FILE
install_file /run/kubeadm-step/pki/front-proxy-ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgY2x1c3Rlci1mcm9udC1wcm94eS1jYQ==
END_OF_FILE
install_file /run/kubeadm-step/pki/front-proxy-ca.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIGNsdXN0ZXItZnJvbnQtcHJveHktY2Eta2V5
END_OF_FILE
install_file /run/kubeadm-step/pki/sa.pub 0644 root:root base64 --decode <<'END_OF_FILE'
cHVibGljIGNsdXN0ZXItc2VydmljZS1hY2NvdW50
END_OF_FILE
install_file /run/kubeadm-step/pki/sa.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIGNsdXN0ZXItc2VydmljZS1hY2NvdW50
END_OF_FILE
install_file /run/kubeadm-step/kubeadm.yaml 0600 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjoga3ViZWFkbS5rOHMuaW8vdjFiZXRhNApraW5kOiBKb2luQ29uZmlndXJhdGlv
bgpkaXNjb3Zlcnk6CiAgZmlsZToKICAgIGt1YmVDb25maWdQYXRoOiAvcnVuL2t1YmVhZG0tc3Rl
cC9ib290c3RyYXAuY29uZgpub2RlUmVnaXN0cmF0aW9uOgogIG5hbWU6IG1hc3Rlci0xCiAgY3Jp
U29ja2V0OiB1bml4Oi8vL3J1bi9jb250YWluZXJkL2NvbnRhaW5lcmQuc29jawogIGltYWdlUHVs
bFBvbGljeTogSWZOb3RQcmVzZW50CiAga3ViZWxldEV4dHJhQXJnczoKICAtIG5hbWU6IG5vZGUt
aXAKICAgIHZhbHVlOiAxMC4wLjEuMTAKICAtIG5hbWU6IHByb3ZpZGVyLWlkCiAgICB2YWx1ZTog
YXdzOi8vL3VzLWVhc3QtMWIvaS1tYXN0ZXItMS1tYXN0ZXItMS1tYWNoaW5lLWlkCnRpbWVvdXRz
OgogIGNvbnRyb2xQbGFuZUNvbXBvbmVudEhlYWx0aENoZWNrOiA4bTBzCiAga3ViZWxldEhlYWx0
aENoZWNrOiA4bTBzCiAga3ViZXJuZXRlc0FQSUNhbGw6IDNtMHMKICBldGNkQVBJQ2FsbDogNG0w
cwogIHRsc0Jvb3RzdHJhcDogOG0wcwogIGRpc2NvdmVyeTogOG0wcwpjb250cm9sUGxhbmU6CiAg
bG9jYWxBUElFbmRwb2ludDoKICAgIGFkdmVydGlzZUFkZHJlc3M6IDEwLjAuMS4xMAogICAgYmlu
ZFBvcnQ6IDY0NDMK
END_OF_FILE
install_file /run/kubeadm-step/bootstrap.conf 0600 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjogdjEKa2luZDogQ29uZmlnCmNsdXN0ZXJzOgotIG5hbWU6IGRlbW8KICBjbHVz
dGVyOgogICAgc2VydmVyOiBodHRwczovL2FwaS5kZW1vLmludGVybmFsOjY0NDMKICAgIGNlcnRp
ZmljYXRlLWF1dGhvcml0eS1kYXRhOiBZMlZ5ZEdsbWFXTmhkR1VnWTJ4MWMzUmxjaTFqWVE9PQp1
c2VyczoKLSBuYW1lOiBib290c3RyYXA6bWFzdGVyLTEKICB1c2VyOgogICAgY2xpZW50LWNlcnRp
ZmljYXRlLWRhdGE6IFkyVnlkR2xtYVdOaGRHVWdZMngxYzNSbGNpMXRZWE4wWlhJdE1TMWliMjkw
YzNSeVlYQT0KICAgIGNsaWVudC1rZXktZGF0YTogUzBWWklFOUdJR05zZFhOMFpYSXRiV0Z6ZEdW
eUxURXRZbTl2ZEhOMGNtRndMV3RsZVE9PQpjb250ZXh0czoKLSBuYW1lOiBib290c3RyYXA6bWFz
dGVyLTFAZGVtbwogIGNvbnRleHQ6CiAgICBjbHVzdGVyOiBkZW1vCiAgICB1c2VyOiBib290c3Ry
YXA6bWFzdGVyLTEKY3VycmVudC1jb250ZXh0OiBib290c3RyYXA6bWFzdGVyLTFAZGVtbwo=
END_OF_FILE
install_file /run/kubeadm-step/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgY2x1c3Rlci1jYQ==
END_OF_FILE
install_file /run/kubeadm-step/admin.conf 0600 root:root base64 --decode <<'END_OF_FILE'
YXBpVmVyc2lvbjogdjEKa2luZDogQ29uZmlnCmNsdXN0ZXJzOgotIG5hbWU6IGRlbW8KICBjbHVz
dGVyOgogICAgc2VydmVyOiBodHRwczovL2FwaS5kZW1vLmludGVybmFsOjY0NDMKICAgIGNlcnRp
ZmljYXRlLWF1dGhvcml0eS1kYXRhOiBZMlZ5ZEdsbWFXTmhkR1VnWTJ4MWMzUmxjaTFqWVE9PQp1
c2VyczoKLSBuYW1lOiBrdWJlcm5ldGVzLWFkbWluCiAgdXNlcjoKICAgIGNsaWVudC1jZXJ0aWZp
Y2F0ZS1kYXRhOiBZMlZ5ZEdsbWFXTmhkR1VnWTJ4MWMzUmxjaTFoWkcxcGJnPT0KICAgIGNsaWVu
dC1rZXktZGF0YTogUzBWWklFOUdJR05zZFhOMFpYSXRZV1J0YVc0dGEyVjUKY29udGV4dHM6Ci0g
bmFtZToga3ViZXJuZXRlcy1hZG1pbkBkZW1vCiAgY29udGV4dDoKICAgIGNsdXN0ZXI6IGRlbW8K
ICAgIHVzZXI6IGt1YmVybmV0ZXMtYWRtaW4KY3VycmVudC1jb250ZXh0OiBrdWJlcm5ldGVzLWFk
bWluQGRlbW8K
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Joins a machine to the cluster, as a master or a worker; does nothing on a member and never founds a cluster.
# NODE_NAME, NODE_ADDRESS, ROLE (control-plane or worker), API_SERVERS: URLs to join by, in order of preference.
# A master has CERTIFICATES (placed: what masters share comes with this step, or uploaded) and STACKED_ETCD as well.
# Needs a prepared node and a living API server.
set -euo pipefail

is_ready() {
  curl --silent --show-error --fail --max-time 5 --output /dev/null --cacert "$STAGE/ca.crt" "$1/readyz"
}

# While no target is healthy yet, a balancer tries all of them. Several answers in a row mean that it knows who lives.
is_ready_steadily() {
  for _ in {1..8}; do
    is_ready "$1" || return
  done
}

find_api_server() {
  local server
  for server in $API_SERVERS; do
    if is_ready_steadily "$server"; then
      echo "$server" >"$STAGE/api-server"
      return
    fi
  done
  return 1
}

# The other members let go of the one at this address: a half-done attempt's, or that of the machine that was here before. It
# would count as a dead voter, and one that comes back under its ID without its data breaks promises. An attempt's own member
# still runs meanwhile, because of two voters etcd needs both to let one go.
forget_member() {
  local url said id
  for url in ${STACKED_ETCD//,/ }; do
    [[ $url != "https://$NODE_ADDRESS:2379" ]] || continue
    if ! said=$(etcd_api "$url" /v3/cluster/member/list '{"linearizable": true}' 2>&1); then
      echo "$url: $said"
      continue
    fi
    id=$(members_from_json <<<"$said" | awk -v url="https://$NODE_ADDRESS:2380" '$3 == url {print $1}')
    if [[ -n $id ]]; then
      etcd_api "$url" /v3/cluster/member/remove "{\"ID\": \"$id\"}"
    fi
    return
  done
  return 1
}

explain_etcd() {
  local url address
  for url in ${STACKED_ETCD//,/ }; do
    address=${url#https://}
    explain_port "${address%:*}" 2379 "masters reach each other's etcd on 2379-2380"
  done
}

# kubeadm's own words for it name a command with a key that nobody is to know.
require_uploaded_certificates() {
  local found
  found=$(kubectl --kubeconfig "$STAGE/admin.conf" --server "$CHOSEN" --namespace kube-system \
    get secret kubeadm-certs --ignore-not-found --output name)
  [[ -n $found ]] ||
    fail "the Secret kubeadm-certs in namespace kube-system, from which $NODE_NAME gets the cluster's certificates, is not there: somebody deleted it, or it was withdrawn when all masters had joined. Set certificateDistribution to placed and run pulumi up again"
}

# kubeadm refuses to join beside a Node of this name that still looks Ready: the one of the machine that was here before.
forget_predecessor() {
  kubectl --kubeconfig "$STAGE/admin.conf" --server "$CHOSEN" delete node "$NODE_NAME" --ignore-not-found
}

# A worker may not delete its Node. If an attempt of its own left one, that Node stops looking Ready before long.
predecessor_is_silent() {
  [[ $(kubectl --kubeconfig "$STAGE/bootstrap.conf" get node "$NODE_NAME" --ignore-not-found \
    --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') != True ]]
}

# The kubelet of a master talks to its own API server, which it must first start itself. In the meantime each of its
# attempts fails and backs off, up to half a minute. Started afresh when that API server is ready, it asks at once.
wake_kubelet_in_time() {
  wait_for 900 "the API server of $NODE_NAME itself" is_ready "https://$NODE_ADDRESS:6443"
  systemctl restart kubelet
}

if is_member; then
  place_leaves
  echo "$NODE_NAME is a member already"
  exit 0
fi

if [[ $ROLE == control-plane && -n $STACKED_ETCD ]]; then
  export ETCD_CA=$STAGE/etcd-client/etcd/ca.crt
  export ETCD_CERT=$STAGE/etcd-client/etcd/healthcheck-client.crt ETCD_KEY=$STAGE/etcd-client/etcd/healthcheck-client.key
  EXPLAIN=explain_etcd wait_for 120 "the other masters' etcd to let go of the member at $NODE_ADDRESS" forget_member
fi
undo_half_done
refuse_foreign_data
FIRST=${API_SERVERS%% *}
EXPLAIN="explain_port $(cut -d/ -f3 <<<"${FIRST%:*}") ${FIRST##*:} 'who may reach the masters and the API balancer on 6443'" \
  wait_for 300 "an API server at $API_SERVERS" find_api_server
CHOSEN=$(<"$STAGE/api-server")
sed --in-place "s,server: https://.*,server: $CHOSEN," "$STAGE/bootstrap.conf"
place_files
if [[ $ROLE == control-plane ]]; then
  [[ $CERTIFICATES == placed ]] || require_uploaded_certificates
  forget_predecessor
  wake_kubelet_in_time &
  WAKER=$!
  trap 'kill "$WAKER" 2>/dev/null || true; clean_up' EXIT
  run_kubeadm join --config "$STAGE/kubeadm.yaml"
  # An upload that waited for days may have brought older ones.
  place_leaves
  wait "$WAKER"
else
  wait_for 180 "the Node $NODE_NAME of an earlier attempt to be NotReady" predecessor_is_silent
  run_kubeadm join --config "$STAGE/kubeadm.yaml"
fi
touch "$JOINED"
exit 0
} </dev/null
