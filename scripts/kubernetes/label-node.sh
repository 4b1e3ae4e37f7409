#!/usr/bin/env bash
# Gives a node the labels and taints of its pool, and takes away those that it had from an earlier run. Runs on a master; needs
# api-server.sh. NODE_NAME. LABELS: "key=value ...", TAINTS: "key=value:Effect ...", each may be empty.
set -euo pipefail

# What this step has given the node: annotations, written before it is given and again when it is all that is there.
noted() {
  jq --raw-output --arg name "kubeadm-aws/$1" '.metadata.annotations[$name] // empty' <<<"$NODE"
}

note() {
  kubectl annotate node "$NODE_NAME" --overwrite "kubeadm-aws/labels=$1" "kubeadm-aws/taints=$2" >/dev/null
}

# Those of the first list whose identity, what is left when the pattern is cut out, is not in the second, each with a dash.
without() {
  comm -23 <(tr ' ' '\n' <<<"$1" | sed -E "s/$3//" | sort --unique) <(tr ' ' '\n' <<<"$2" | sed -E "s/$3//" | sort --unique) |
    sed -n 's/.\+/&-/p'
}

be_administrator
NODE=$(kubectl get node "$NODE_NAME" --output json)
read -ra wanted_labels <<<"$LABELS $(without "$(noted labels)" "$LABELS" '=.*' | paste --serial --delimiters=' ')"
read -ra wanted_taints <<<"$TAINTS $(without "$(noted taints)" "$TAINTS" '=[^:]*' | paste --serial --delimiters=' ')"
note "$LABELS $(noted labels)" "$TAINTS $(noted taints)"
((${#wanted_labels[@]} == 0)) || kubectl label node "$NODE_NAME" --overwrite "${wanted_labels[@]}" >/dev/null
for taint in "${wanted_taints[@]}"; do
  kubectl taint node "$NODE_NAME" --overwrite "$taint" >/dev/null || [[ $taint == *- ]]
done
note "$LABELS" "$TAINTS"
echo "$NODE_NAME has labels ${LABELS:-(none)} and taints ${TAINTS:-(none)}"
