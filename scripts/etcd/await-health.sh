#!/usr/bin/env bash
# Waits until every etcd member answers and takes part in the quorum, then notes in etcd which machine each member is on, for
# admit.sh. Runs on one member; needs the command etcd-health, etcd-api.sh, and ETCD_PKI: the folder of its certificates.
# ADDRESS: this member's. MACHINES: "name=identity ..." of all members' machines, so that a new machine is waited for.
set -euo pipefail

export ETCD_CA=$ETCD_PKI/ca.crt ETCD_CERT=$ETCD_PKI/healthcheck-client.crt ETCD_KEY=$ETCD_PKI/healthcheck-client.key

wait_for 240 "a healthy etcd" /usr/local/sbin/etcd-health
/usr/local/sbin/etcd-health
for machine in $MACHINES; do
  note_machine "https://$ADDRESS:2379" "${machine%%=*}" "${machine#*=}"
done
