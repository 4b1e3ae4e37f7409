{
STEP='verification-master-0 on master-0'
RELEASE='kubernetes 1.37.1, etcd 3.7.1, flannel 0.28.9'
MACHINES='master-0=i-master-0-master-0-machine-id master-1=i-master-1-master-1-machine-id master-2=i-master-2-master-2-machine-id worker-0=i-worker-0-worker-0-machine-id worker-1=i-worker-1-worker-1-machine-id worker-2=i-worker-2-worker-2-machine-id'
KUBERNETES_VERSION=1.37.1
MASTERS='master-0=10.0.0.10 master-1=10.0.1.10 master-2=10.0.2.10'
WORKERS='worker-0 worker-1 worker-2'
API_NAME=api.demo.internal
INGRESS_NAME=ingress.test
NODE_PORTS=80:30080
MANIFEST=/run/cluster-verification/probe.yaml
NETWORK_NAMESPACE=kube-flannel
NETWORK_DAEMON_SET=kube-flannel-ds
PATIENCE_SECONDS=50
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
# Waits until nodes are Ready, as long as they get on; gives those that have no network its pod anew, once; then names those
# that stay behind, and why. Put before a master's script; needs common.sh, jq and KUBECONFIG.
# NETWORK_NAMESPACE: where the network add-on's pods are. PATIENCE_SECONDS: for how long nodes may get no further.
set -euo pipefail

NODES_LIMIT_SECONDS=300

pods_on() {
  kubectl get pods --all-namespaces --field-selector "spec.nodeName=$1" --output json
}

# NODE...: those that are not Ready, one a line: the name, a tab, and what its Node says.
unready() {
  # shellcheck disable=SC2016 # jq's own variables
  kubectl get nodes --output json | jq --raw-output '
    (.items | map({(.metadata.name): (.status.conditions[]? | select(.type == "Ready"))}) | add) as $ready
    | $ARGS.positional[] | select($ready[.].status != "True")
    | "\(.)\t\($ready[.].message // "it has no Node: its kubelet has not reached the API server")"' --args "$@"
}

# NODE...: how far what runs on them has come, a number that does not grow by what only starts again and again.
started_on() {
  local node
  for node in "$@"; do
    pods_on "$node"
  done | jq --slurp '[.[].items[] | 1, ((.status.initContainerStatuses[]?, .status.containerStatuses[]?)
    | select(.started == true or .state.terminated.exitCode == 0) | 1)] | add // 0'
}

# NODE...: those that wait for their network get another pod of the add-on; fails when none does.
renew_network() {
  local node behind renewed=1
  while IFS=$'\t' read -r node behind; do
    if [[ $behind == *[Nn]etwork* || $behind == *cni* ]]; then
      echo "$node is not Ready ($behind): it gets its network's pod anew"
      kubectl --namespace "$NETWORK_NAMESPACE" delete pods --field-selector "spec.nodeName=$node" --wait=false
      renewed=0
    fi
  done
  return $renewed
}

# PODS IN JSON ON STDIN: each container that is not well, and why; NAMESPACE POD CONTAINER, a tab, the reason.
unwell_containers() {
  jq --raw-output '.items[] | select(.status.phase != "Succeeded") | . as $pod
    | if (.status.containerStatuses // []) == [] then
        "\(.metadata.namespace) \(.metadata.name) -\t\(.status.phase): \([.status.conditions[]? | .message // empty] | join("; "))"
      else
        (.status.initContainerStatuses[]?, .status.containerStatuses[]) | select((.ready or .state.terminated.exitCode == 0) | not)
        | "\($pod.metadata.namespace) \($pod.metadata.name) \(.name)\t\(.state | to_entries[0] | "\(.key) \(.value.reason // "") \(.value.message // "")"), restarted \(.restartCount) times"
      end'
}

# NAMESPACE POD CONTAINER: its last lines, those of its last end if it waits for its next start.
show_container() {
  local said
  said=$(timeout 15 kubectl --namespace "$1" logs "$2" --container "$3" --tail 8 2>&1) || true
  echo "--- last lines of $3 of pod $1/$2"
  cut -c1-300 <<<"$said"
}

# PODS IN JSON ON STDIN: those that are not well, with their logs and what was said of them.
explain_pods() {
  local namespace pod container reason
  while IFS=$' \t' read -r namespace pod container reason; do
    echo "pod $namespace/$pod, container $container: $reason"
    [[ $container == - ]] || show_container "$namespace" "$pod" "$container"
    kubectl --namespace "$namespace" get events --field-selector "involvedObject.name=$pod,type=Warning" \
      --output 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' 2>&1 | tail -n 2 | cut -c1-300
  done < <(unwell_containers)
}

explain_node() {
  local pods
  echo "--- $1 is not Ready: $2"
  pods=$(pods_on "$1") || return 0
  explain_pods <<<"$pods"
  # Where all of them look well, the network's still has something to say.
  jq --raw-output --arg namespace "$NETWORK_NAMESPACE" '.items[] | select(.metadata.namespace == $namespace)
    | .metadata.name as $pod | .status.containerStatuses[]? | select(.ready) | "\($pod) \(.name)"' <<<"$pods" |
    while read -r pod container; do
      show_container "$NETWORK_NAMESPACE" "$pod" "$container"
    done
}

name_unready() {
  local node behind said=()
  while IFS=$'\t' read -r node behind; do
    explain_node "$node" "$behind" >&2
    said+=("$node: $behind")
  done
  fail "${#said[@]} nodes are not Ready and get no further; what is known of them is above. $(printf '%s. ' "${said[@]}")\
What the kubelet of such a node says: python -m operate ssh --stack STACK NODE sudo journalctl --unit kubelet --lines 50.\
 A machine that is beyond help is replaced when it is terminated and pulumi up runs again"
}

# NODE...: until all of them are Ready.
wait_for_nodes() {
  local begin=$SECONDS changed=$SECONDS behind names started progress best=-1 renewed=false
  while true; do
    if behind=$(unready "$@"); then
      [[ -n $behind ]] || return 0
      mapfile -t names < <(cut -f 1 <<<"$behind")
      started=$(started_on "${names[@]}") || started=0
      progress=$((($# - ${#names[@]}) * 1000 + started))
      if ((progress > best)); then
        best=$progress changed=$SECONDS
      fi
    else
      behind="the API server"$'\t'"it does not say which nodes are Ready; see above"
    fi
    if ((SECONDS - changed >= PATIENCE_SECONDS || SECONDS - begin >= NODES_LIMIT_SECONDS)); then
      if [[ $renewed == true ]] || ! renew_network <<<"$behind"; then
        name_unready <<<"$behind"
      fi
      renewed=true best=-1 changed=$SECONDS
    fi
    sleep 1
  done
}
install_file /run/cluster-verification/probe.yaml 0644 root:root base64 --decode <<'END_OF_FILE'
IyBXaGF0IHNjcmlwdHMvdmVyaWZ5LWNsdXN0ZXIuc2ggcnVucyBmb3IgYSBmZXcgc2Vjb25kczog
b24gZXZlcnkgbm9kZSBvbmUgcG9kIHRoYXQgbXVzdCBmaXJzdCByZXNvbHZlIGEgbmFtZSB0aHJv
dWdoIHRoZQojIGNsdXN0ZXIncyBETlMsIGFzIGFueSBwcm9ncmFtIHdvdWxkLCBhbmQgdGhlbiBh
bnN3ZXJzIEhUVFAgdGhyb3VnaCBhIE5vZGVQb3J0LiBCb3RoIGltYWdlcyBhcmUgdGhvc2Ugb2Yg
dGhlIGNsdXN0ZXIKIyBpdHNlbGYgKENvcmVETlMgaGFzIGEgd2ViIHNlcnZlciBpbiBpdHMgaGVh
bHRoIHBsdWdpbiwgZmxhbm5lbCdzIGltYWdlIGhhcyBnZXRlbnQpLCBzbyBub3RoaW5nIG1vcmUg
aXMgZXZlciBwdWxsZWQgZnJvbSBhZmFyLgphcGlWZXJzaW9uOiB2MQpraW5kOiBOYW1lc3BhY2UK
bWV0YWRhdGE6CiAgbmFtZTogY2x1c3Rlci12ZXJpZmljYXRpb24KLS0tCmFwaVZlcnNpb246IHYx
CmtpbmQ6IENvbmZpZ01hcAptZXRhZGF0YToKICBuYW1lOiB3ZWIKICBuYW1lc3BhY2U6IGNsdXN0
ZXItdmVyaWZpY2F0aW9uCmRhdGE6CiAgQ29yZWZpbGU6IHwKICAgIC46MTA1MyB7CiAgICAgICAg
aGVhbHRoIDo4MDgwCiAgICB9Ci0tLQphcGlWZXJzaW9uOiBhcHBzL3YxCmtpbmQ6IERhZW1vblNl
dAptZXRhZGF0YToKICBuYW1lOiB3ZWIKICBuYW1lc3BhY2U6IGNsdXN0ZXItdmVyaWZpY2F0aW9u
CnNwZWM6CiAgc2VsZWN0b3I6CiAgICBtYXRjaExhYmVsczoKICAgICAgYXBwOiB3ZWIKICB0ZW1w
bGF0ZToKICAgIG1ldGFkYXRhOgogICAgICBsYWJlbHM6CiAgICAgICAgYXBwOiB3ZWIKICAgIHNw
ZWM6CiAgICAgIGF1dG9tb3VudFNlcnZpY2VBY2NvdW50VG9rZW46IGZhbHNlCiAgICAgIHRlcm1p
bmF0aW9uR3JhY2VQZXJpb2RTZWNvbmRzOiAwCiAgICAgIHRvbGVyYXRpb25zOgogICAgICAtIGtl
eTogbm9kZS1yb2xlLmt1YmVybmV0ZXMuaW8vY29udHJvbC1wbGFuZQogICAgICAgIGVmZmVjdDog
Tm9TY2hlZHVsZQogICAgICBpbml0Q29udGFpbmVyczoKICAgICAgLSBuYW1lOiByZXNvbHZlCiAg
ICAgICAgaW1hZ2U6IE5FVFdPUktfSU1BR0UKICAgICAgICBjb21tYW5kOiBbIi9iaW4vc2giLCAi
LWMiLCAidW50aWwgZ2V0ZW50IGhvc3RzIGt1YmVybmV0ZXMuZGVmYXVsdC5zdmMuY2x1c3Rlci5s
b2NhbDsgZG8gc2xlZXAgMC41OyBkb25lIl0KICAgICAgICBzZWN1cml0eUNvbnRleHQ6CiAgICAg
ICAgICBhbGxvd1ByaXZpbGVnZUVzY2FsYXRpb246IGZhbHNlCiAgICAgICAgICBjYXBhYmlsaXRp
ZXM6CiAgICAgICAgICAgIGRyb3A6IFsiQUxMIl0KICAgICAgY29udGFpbmVyczoKICAgICAgLSBu
YW1lOiB3ZWIKICAgICAgICBpbWFnZTogQ09SRUROU19JTUFHRQogICAgICAgIGFyZ3M6IFsiLWNv
bmYiLCAiL2V0Yy93ZWIvQ29yZWZpbGUiXQogICAgICAgIHBvcnRzOgogICAgICAgIC0gbmFtZTog
aHR0cAogICAgICAgICAgY29udGFpbmVyUG9ydDogODA4MAogICAgICAgIHJlYWRpbmVzc1Byb2Jl
OgogICAgICAgICAgaHR0cEdldDoKICAgICAgICAgICAgcGF0aDogL2hlYWx0aAogICAgICAgICAg
ICBwb3J0OiBodHRwCiAgICAgICAgICBwZXJpb2RTZWNvbmRzOiAxCiAgICAgICAgc2VjdXJpdHlD
b250ZXh0OgogICAgICAgICAgYWxsb3dQcml2aWxlZ2VFc2NhbGF0aW9uOiBmYWxzZQogICAgICAg
ICAgcmVhZE9ubHlSb290RmlsZXN5c3RlbTogdHJ1ZQogICAgICAgICAgY2FwYWJpbGl0aWVzOgog
ICAgICAgICAgICBhZGQ6IFsiTkVUX0JJTkRfU0VSVklDRSJdCiAgICAgICAgICAgIGRyb3A6IFsi
QUxMIl0KICAgICAgICB2b2x1bWVNb3VudHM6CiAgICAgICAgLSBuYW1lOiBjb25maWcKICAgICAg
ICAgIG1vdW50UGF0aDogL2V0Yy93ZWIKICAgICAgdm9sdW1lczoKICAgICAgLSBuYW1lOiBjb25m
aWcKICAgICAgICBjb25maWdNYXA6CiAgICAgICAgICBuYW1lOiB3ZWIK
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Proves on the first master that the whole cluster works, and fails with what does not. Leaves nothing behind.
# RELEASE: the versions that must run.  MACHINES: "name=identity ..." of all, so that any new machine is verified.
# KUBERNETES_VERSION, MASTERS ("name=address ..."), WORKERS ("name ..."), API_NAME, INGRESS_NAME and
# NODE_PORTS ("balancer's port:node port ..."), MANIFEST: the probe's manifest on this host. Needs the command etcd-health, and
# node-readiness.sh with its settings before it.
# NETWORK_DAEMON_SET: the network add-on's, whose image every node has.
set -euo pipefail

export KUBECONFIG=/etc/kubernetes/admin.conf
CA=/etc/kubernetes/pki/ca.crt
PROBE=cluster-verification

all_nodes() {
  local master worker
  for master in $MASTERS; do echo "${master%%=*}"; done
  for worker in $WORKERS; do echo "$worker"; done
}

answers() {
  curl --silent --fail --max-time 5 --output /dev/null --cacert "$CA" "$1"
}

nodes_are_what_they_should_be() {
  local name version taints node
  while read -r name version taints; do
    [[ $version == "v$KUBERNETES_VERSION" ]] || fail "the kubelet of $name is $version, this release is v$KUBERNETES_VERSION"
    if [[ " $MASTERS" == *" $name="* ]]; then
      [[ $taints == *node-role.kubernetes.io/control-plane:NoSchedule* ]] || fail "master $name is not tainted: it takes ordinary pods"
    fi
  done < <(kubectl get nodes --output \
    'jsonpath={range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion} {range .spec.taints[*]}{.key}:{.effect},{end}{"\n"}{end}')
  for node in $(all_nodes); do
    wait_for 30 "the kubelet of $node, asked by the API server (10250 open from the masters? serving certificate?)" \
      kubectl get --raw "/api/v1/nodes/$node/proxy/healthz"
  done
}

api_servers_are_ready() {
  local master
  for master in $MASTERS; do
    wait_for 120 "the API server of ${master%%=*}" answers "https://${master#*=}:6443/readyz"
  done
  wait_for 120 "the API server behind the balancer, https://$API_NAME:6443" answers "https://$API_NAME:6443/readyz"
}

etcd_is_healthy() {
  wait_for 60 "a healthy etcd" etcd-health
  etcd-health
}

dns_is_spread() {
  local nodes
  kubectl --namespace kube-system rollout status deployment/coredns --timeout=180s || {
    kubectl --namespace kube-system get pods --selector k8s-app=kube-dns --output json | explain_pods >&2
    fail "cluster DNS does not run; what its pods say is above"
  }
  nodes=$(kubectl --namespace kube-system get pods --selector k8s-app=kube-dns --field-selector status.phase=Running \
    --output 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort --unique | wc --lines)
  [[ $nodes -ge 2 || $(all_nodes | wc --lines) -eq 1 ]] || fail "cluster DNS runs on $nodes node only"
}

image_of() {
  kubectl --namespace "$1" get "$2" --output 'jsonpath={.spec.template.spec.containers[0].image}'
}

# A port that a Service of the cluster's users holds is refused to ours: then theirs is what answers behind the balancer.
expose() {
  local pair
  for pair in $NODE_PORTS; do
    cat <<SERVICE
---
apiVersion: v1
kind: Service
metadata: {name: web-${pair#*:}, namespace: $PROBE}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: http, nodePort: ${pair#*:}}]}
SERVICE
  done | kubectl apply --filename - 2>&1 || true
}

says_ok() {
  [[ $(curl --silent --fail --max-time 3 "http://$INGRESS_NAME:$1/health") == OK ]]
}

accepts() {
  timeout 3 bash -c "exec 3<>/dev/tcp/$INGRESS_NAME/$1" 2>/dev/null
}

pods_have_dns_and_answer_through_the_balancer() {
  local pair exposed
  sed -e "s,COREDNS_IMAGE,$(image_of kube-system deployment/coredns)," -e "s,NETWORK_IMAGE,$(image_of "$NETWORK_NAMESPACE" "daemonset/$NETWORK_DAEMON_SET")," \
    "$MANIFEST" | kubectl apply --filename - >/dev/null
  exposed=$(expose)
  if ! kubectl --namespace "$PROBE" rollout status daemonset/web --timeout=180s; then
    kubectl --namespace "$PROBE" get pods --output json | explain_pods >&2
    fail "a pod did not start, or could not resolve kubernetes.default.svc.cluster.local; see the pods above"
  fi
  for pair in $NODE_PORTS; do
    if [[ $exposed == *"service/web-${pair#*:} created"* ]]; then
      wait_for 120 "a NodePort (${pair#*:}) through the ingress balancer, http://$INGRESS_NAME:${pair%:*}" says_ok "${pair%:*}"
    else
      wait_for 60 "the Service that holds NodePort ${pair#*:} through the ingress balancer, $INGRESS_NAME:${pair%:*}" accepts "${pair%:*}"
    fi
  done
}

# The ports are free again at once; the rest goes while nobody waits for it.
clean_up() {
  kubectl --namespace "$PROBE" delete services --all >/dev/null 2>&1 || true
  kubectl delete namespace "$PROBE" --ignore-not-found --wait=false >/dev/null 2>&1 || true
  rm -f "$MANIFEST"
}

mapfile -t nodes < <(all_nodes)
echo "release $RELEASE"
wait_for_nodes "${nodes[@]}"
nodes_are_what_they_should_be
api_servers_are_ready
etcd_is_healthy
dns_is_spread
kubectl delete namespace "$PROBE" --ignore-not-found --timeout=120s >/dev/null
trap clean_up EXIT
pods_have_dns_and_answer_through_the_balancer
echo "verified: $MACHINES"
exit 0
} </dev/null
