#!/usr/bin/env bash
# Waits, on an etcd machine, until its member does its work, so that another may be stopped. Needs etcd-client.sh,
# root-disk.sh. NODE_NAME, NODE_ADDRESS, MADE_OF, WANTED: this machine. ETCD_PKI: the folder of its certificates. Notes WANTED for
# spare-machine.sh.
set -euo pipefail

be_etcd_client "$ETCD_PKI"
EXPLAIN=/usr/local/sbin/etcd-health wait_for 300 "etcd on $NODE_NAME to take part in the quorum, with a vote" is_healthy "https://$NODE_ADDRESS:2379"
grow_root_file_system
install_file /etc/kubeadm-aws/made-of 0644 root:root <<<"$WANTED"
echo "$NODE_NAME ($MADE_OF) does its work"
