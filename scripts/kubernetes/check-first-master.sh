#!/usr/bin/env bash
# Says on the bastion, before anything is tried on it, whether the first master is there to upload the shared certificates.
# NODE_NAME, NODE_ADDRESS: the first master. EXPECTED: "name=identity ..." of the masters that come for them.
# LIMIT_SECONDS: how long to look.
set -euo pipefail

takes_connections() {
  local said
  said=$(explain_port "$NODE_ADDRESS" 22 "bastion reaches masters and workers on 22")
  echo "$said"
  [[ $said == *"takes connections" ]]
}

# Who comes without logging in more often than once a second is shut out for a while by OpenSSH (PerSourcePenalties).
PAUSE=2 wait_for "$LIMIT_SECONDS" "the first master, $NODE_NAME ($NODE_ADDRESS): it is down, and only from it can\
 the other masters get the cluster's certificates. Bring it back, or set certificateDistribution to placed and run pulumi up.\
 Do not terminate it as long as another master is missing: etcd might lose its quorum" takes_connections
echo "$NODE_NAME is there for $EXPECTED"
