#!/usr/bin/env bash
# Waits until nodes are Ready, each as long as it gets on; gives one that has no network its pod anew, once; then names those that
# stay behind, and why. Put before a master's script; needs common.sh, jq and whoever kubectl asks as.
# NETWORK_NAMESPACE: where the network add-on's pods are. PATIENCE_SECONDS: for how long a node may get no further.
set -euo pipefail

ask() {
  kubectl --request-timeout 10s "$@"
}

# On one line, and no longer than people read.
ONE_LINE='def one_line: (. // "") | gsub("[\\n\\t]+"; " ") | .[:300];'

pods_on() {
  ask get pods --all-namespaces --field-selector "spec.nodeName=$1" --output json
}

# NODE...: those that are not Ready, one a line: the name, the condition's status and what it says, with tabs between.
unready() {
  # shellcheck disable=SC2016 # jq's own variables
  ask get nodes --output json | jq --raw-output "$ONE_LINE"'
    (.items | map({(.metadata.name): (.status.conditions[]? | select(.type == "Ready"))}) | add) as $ready
    | $ARGS.positional[] | select($ready[.].status != "True") | [., $ready[.].status // "None",
      ($ready[.].message // "it has no Node: its kubelet has not reached the API server" | one_line)] | @tsv' --args "$@"
}

# How far what runs on a node has come, a number that does not grow by what only starts again and again.
started_on() {
  pods_on "$1" | jq '[.items[] | 1, ((.status.initContainerStatuses[]?, .status.containerStatuses[]?)
    | select(.started == true or .state.terminated.exitCode == 0) | 1)] | add // 0'
}

waits_for_network() {
  [[ $1 == *[Nn]etwork* || $1 == *cni* ]]
}

renew_network() {
  echo "$1 is not Ready ($2): it gets its network's pod anew"
  ask --namespace "$NETWORK_NAMESPACE" delete pods --field-selector "spec.nodeName=$1" --grace-period 5 --wait=false
}

# PODS IN JSON ON STDIN: each container that is not well: namespace, pod, container and why, with tabs between.
unwell_containers() {
  jq --raw-output "$ONE_LINE"'.items[] | select(.status.phase != "Succeeded") | .metadata as $of
    | if (.status.containerStatuses // []) == [] then
        ["-", "\(.status.phase): \([.status.conditions[]? | .message // empty] | join("; ") | one_line)"]
      else
        (.status.initContainerStatuses[]?, .status.containerStatuses[]) | select((.ready or .state.terminated.exitCode == 0) | not)
        | [.name, "\(.state | to_entries[0] | "\(.key) \(.value.reason // "") \(.value.message | one_line)"), restarted \(.restartCount) times"]
      end | [$of.namespace, $of.name] + . | @tsv'
}

# NAMESPACE POD CONTAINER: its last lines.
show_container() {
  echo "--- last lines of $3 of pod $1/$2"
  ask --namespace "$1" logs "$2" --container "$3" --tail 8 2>&1 | cut -c1-300 || true
}

# NAMESPACE POD: the last warnings about it.
show_warnings() {
  ask --namespace "$1" get events --field-selector "involvedObject.name=$2,type=Warning" \
    --output 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' 2>&1 | tail -n 2 | cut -c1-300 || true
}

# PODS IN JSON ON STDIN: those that are not well, with their logs and what was said of them.
explain_pods() {
  local namespace pod container reason
  while IFS=$'\t' read -r namespace pod container reason; do
    echo "pod $namespace/$pod, container $container: $reason"
    [[ $container == - ]] || show_container "$namespace" "$pod" "$container"
    show_warnings "$namespace" "$pod"
  done < <(unwell_containers)
}

# Where all pods look well, the network's still have something to say.
show_network() {
  jq --raw-output --arg namespace "$NETWORK_NAMESPACE" '.items[] | select(.metadata.namespace == $namespace)
    | .metadata.name as $pod | .status.containerStatuses[]? | select(.ready) | [$pod, .name] | @tsv' |
    while IFS=$'\t' read -r pod container; do
      show_container "$NETWORK_NAMESPACE" "$pod" "$container"
    done
}

# NODE STATUS MESSAGE
explain_node() {
  local pods
  echo "--- $1 is not Ready: $3"
  # Nobody gives logs for a kubelet that is silent.
  [[ $2 == False ]] || return 0
  pods=$(pods_on "$1") || return 0
  explain_pods <<<"$pods"
  show_network <<<"$pods"
}

# NODE, STATUS AND MESSAGE A LINE ON STDIN: all of them first, in words, then what is known of each.
name_unready() {
  local node status message said=()
  while IFS=$'\t' read -r node status message; do
    explain_node "$node" "$status" "$message" >&2
    said+=("$node: $message")
  done
  fail "not Ready and getting no further: $(printf '%s. ' "${said[@]}")What is known of it is above; what the kubelet of such a\
 node says: python -m operate ssh --stack STACK NODE sudo journalctl --unit kubelet --lines 50. A machine that is beyond help is\
 replaced when it is terminated and pulumi up runs again"
}

# NODE...: until all of them are Ready.
wait_for_nodes() {
  local behind said node status message started answered=$SECONDS stuck
  local -A best=() changed=() renewed=()
  while true; do
    if said=$(unready "$@" 2>&1); then
      behind=$said answered=$SECONDS
      [[ -n $behind ]] || return 0
    elif ((SECONDS - answered >= PATIENCE_SECONDS)); then
      echo "$said" >&2
      fail "for $PATIENCE_SECONDS s no API server has said which nodes are Ready; its last answer is above"
    fi
    stuck=""
    while IFS=$'\t' read -r node status message; do
      [[ -n $node ]] || continue
      started=$(started_on "$node" 2>/dev/null) || started=0
      if ((started > ${best[$node]:--1})); then
        best[$node]=$started changed[$node]=$SECONDS
      elif ((SECONDS - changed[$node] < PATIENCE_SECONDS)); then
        continue
      elif waits_for_network "$message" && [[ -z ${renewed[$node]:-} ]]; then
        renew_network "$node" "$message" || true
        renewed[$node]=yes best[$node]=-1 changed[$node]=$SECONDS
      else
        stuck+="$node"$'\t'"$status"$'\t'"$message"$'\n'
      fi
    done <<<"${behind:-}"
    [[ -z $stuck ]] || name_unready <<<"${stuck%$'\n'}"
    sleep 1
  done
}
