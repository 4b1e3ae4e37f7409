#!/usr/bin/env bash
# Waits until nodes are Ready, as long as they get on; gives those that have no network its pod anew, once; then names those
# that stay behind, and why. Put before a master's script; needs common.sh, jq and whoever kubectl asks as.
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
  said=$(kubectl --namespace "$1" --request-timeout 15s logs "$2" --container "$3" --tail 8 2>&1) || true
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
