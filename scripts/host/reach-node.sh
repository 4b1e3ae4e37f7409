#!/usr/bin/env bash
# Waits, on the bastion, until a machine's SSH answers with the host key it was given: then cloud-init has been there.
# NODE_NAME, NODE_ADDRESS, HOST_KEY ("type base64"), MACHINE (its provider's id), MADE_OF (its type, disk and starts), LIMIT_SECONDS.
set -euo pipefail

answers_with_its_key() {
  local found
  found=$(ssh-keyscan -T 5 -t "${HOST_KEY%% *}" "$NODE_ADDRESS" 2>/dev/null | sed '/^#/d' | cut -d ' ' -f 2-3)
  [[ $found == "$HOST_KEY" ]] && return
  [[ -z $found ]] || echo "it answers with another host key, $found: cloud-init has not run, or another machine has its address"
  return 1
}

explain_silence() {
  explain_port "$NODE_ADDRESS" 22 "bastion reaches masters and workers on 22"
  echo "what the machine says: aws ec2 get-console-output --latest --output text --instance-id $MACHINE"
}

HOST_KEY=$(cut -d ' ' -f 1-2 <<<"$HOST_KEY")
# Who comes without logging in more often than once a second is shut out for a while by OpenSSH (PerSourcePenalties).
PAUSE=2 EXPLAIN=explain_silence wait_for "$LIMIT_SECONDS" "$NODE_NAME ($MACHINE, $NODE_ADDRESS) to boot and answer SSH" answers_with_its_key
echo "$NODE_NAME ($MADE_OF) answers"
