#!/usr/bin/env bash
# Proves on the first master that the whole cluster works, and fails with what does not. Leaves nothing behind.
# RELEASE: the versions that must run. RUNS: the release, a JSON object. PROMOTED_IMAGES: the digests by name that it was proved with
# elsewhere, another. MACHINES: "name=identity ..." and MADE_OF: "name=what; ..." of all, so that any new or
# changed machine is verified. DIGEST: of firewall and certificates, for the same reason.
# KUBERNETES_VERSION, MASTERS ("name=address ..."), WORKERS ("name ..."), API_NAME, INGRESS_NAME and
# NODE_PORTS ("balancer's port:node port ..."), MANIFEST: the probe's manifest on this host. Needs the command etcd-health, and
# node-readiness.sh and api-server.sh with their settings before it.
# NETWORK_DAEMON_SET: the network add-on's, whose image every node has.
set -euo pipefail

PROBE=cluster-verification

nodes_are_what_they_should_be() {
  local listed name version taints
  listed=$(kubectl get nodes --output \
    'jsonpath={range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion} {range .spec.taints[*]}{.key}:{.effect},{end}{"\n"}{end}')
  while read -r name version taints; do
    [[ $version == "v$KUBERNETES_VERSION" ]] || fail "the kubelet of $name is $version, this release is v$KUBERNETES_VERSION"
    if [[ " $MASTERS" == *" $name="* ]]; then
      [[ $taints == *node-role.kubernetes.io/control-plane:NoSchedule* ]] || fail "master $name is not tainted: it takes ordinary pods"
    fi
  done <<<"$listed"
  at_once kubelet_answers "${nodes[@]}"
}

kubelet_answers() {
  wait_for 30 "the kubelet of $1, asked by the API server (10250 open from the masters? serving certificate?)" \
    kubectl get --raw "/api/v1/nodes/$1/proxy/healthz"
}

api_servers_are_ready() {
  local master
  for master in $MASTERS; do
    wait_for 120 "the API server of ${master%%=*}" is_ready "https://${master#*=}:6443"
  done
  wait_for 120 "the API server behind the balancer, https://$API_NAME:6443" is_ready "https://$API_NAME:6443"
}

etcd_is_healthy() {
  wait_for 60 "a healthy etcd" etcd-health
  echo "$ANSWER"
}

# NAMESPACE WORKLOAD LABEL FAILURE: until all its pods run, which have that label.
await_rollout() {
  kubectl --namespace "$1" rollout status "$2" --timeout=180s || {
    kubectl --namespace "$1" get pods --selector "$3" --output json | explain_pods >&2 || true
    fail "$4"
  }
}

dns_is_spread() {
  local count
  await_rollout kube-system deployment/coredns k8s-app=kube-dns "cluster DNS does not run; what its pods say is above"
  count=$(kubectl --namespace kube-system get pods --selector k8s-app=kube-dns --field-selector status.phase=Running \
    --output 'jsonpath={range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort --unique | wc --lines)
  [[ $count -ge 2 || ${#nodes[@]} -eq 1 ]] || fail "cluster DNS runs on $count node only"
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

start_probe() {
  kubectl delete namespace "$PROBE" --ignore-not-found --timeout=120s >/dev/null
  sed -e "s,COREDNS_IMAGE,$(image_of kube-system deployment/coredns)," -e "s,NETWORK_IMAGE,$(image_of "$NETWORK_NAMESPACE" "daemonset/$NETWORK_DAEMON_SET")," \
    "$MANIFEST" | kubectl apply --filename - >/dev/null
  EXPOSED=$(expose)
}

pods_have_dns_and_answer_through_the_balancer() {
  local pair
  await_rollout "$PROBE" daemonset/web app=web \
    "a pod did not start, or could not resolve kubernetes.default.svc.cluster.local; see the pods above"
  for pair in $NODE_PORTS; do
    if [[ $EXPOSED == *"service/web-${pair#*:} created"* ]]; then
      wait_for 120 "a NodePort (${pair#*:}) through the ingress balancer, http://$INGRESS_NAME:${pair%:*}" says_ok "${pair%:*}"
    else
      wait_for 60 "the Service that holds NodePort ${pair#*:} through the ingress balancer, $INGRESS_NAME:${pair%:*}" accepts "${pair%:*}"
    fi
  done
}

# Of the control plane, etcd and the network, where they run: each image's digests by its name, as the nodes' runtimes tell them.
images_that_run() {
  kubectl get pods --all-namespaces --field-selector status.phase=Running --output json | jq --arg network "$NETWORK_NAMESPACE" '
    [.items[] | .metadata.namespace as $namespace | select($namespace == "kube-system" or $namespace == $network)
    | .status.initContainerStatuses[]?, .status.containerStatuses[]?
    | select($namespace == $network or (.image | test("^registry[.]k8s[.]io/(kube-(apiserver|controller-manager|scheduler|proxy)|etcd|coredns/coredns):")))
    | {name: .image, digest: (.imageID | capture("(?<digest>sha256:[0-9a-f]{64})$").digest)}]
    | unique | group_by(.name) | map({(.[0].name): map(.digest)}) | add // {}'
}

# What runs under the same name must be the same, on all nodes and where the release was proved.
images_are_those_of_the_release() {
  local others
  IMAGES=$(images_that_run)
  [[ $IMAGES != '{}' ]] || fail "no node tells which images its control plane and its network run"
  others=$(jq --raw-output --argjson promoted "$PROMOTED_IMAGES" 'to_entries[] | (.value - [$promoted[.key] // .value[0]]) as $others
    | select($others != []) | "\(.key) is \($others | join(" and ")) on a node, and should be \($promoted[.key] // .value[0])"' <<<"$IMAGES")
  [[ -z $others ]] || fail "not the images of one release: $(paste --serial --delimiters=';' <<<"$others")"
}

tell_what_was_proved() {
  local runtimes
  runtimes=$(kubectl get nodes --output 'jsonpath={range .items[*]}{.status.nodeInfo.containerRuntimeVersion}{"\n"}{end}' |
    sed 's,.*://,,' | sort --unique | paste --serial --delimiters=' ')
  jq --compact-output --argjson runs "$RUNS" --arg containerd "$runtimes" --arg time "$(date --utc +%FT%TZ)" \
    '{runs: $runs, verifiedAt: $time, containerd: $containerd, images: map_values(.[0])}' <<<"$IMAGES" | sed 's/^/proved: /'
}

# The ports are free again at once; the rest goes while nobody waits for it.
clean_up() {
  kubectl --namespace "$PROBE" delete services --all >/dev/null 2>&1 || true
  kubectl delete namespace "$PROBE" --ignore-not-found --wait=false >/dev/null 2>&1 || true
  rm -f "$MANIFEST"
}

mapfile -t nodes < <(tr ' ' '\n' <<<"$MASTERS $WORKERS" | cut -d = -f 1)
echo "release $RELEASE, of commit $(jq --raw-output '.commit // "none"' <<<"$RUNS")"
be_administrator
wait_for_nodes "${nodes[@]}"
trap clean_up EXIT
# Its pods start while the rest is looked at.
start_probe
nodes_are_what_they_should_be
api_servers_are_ready
etcd_is_healthy
dns_is_spread
pods_have_dns_and_answer_through_the_balancer
images_are_those_of_the_release
tell_what_was_proved
echo "verified: $MACHINES ($MADE_OF), firewall and certificates ${DIGEST:0:12}"
