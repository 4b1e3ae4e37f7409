{
STEP='etcd-admit-master-1 on master-2'
MEMBER=master-1
MACHINE=i-master-1-master-1-machine-id
PEER_URL=https://10.0.1.10:2380
CLIENT_URL=https://10.0.1.10:2379
OTHER_ENDPOINTS=https://10.0.0.10:2379,https://10.0.2.10:2379
CERTIFICATES=/run/etcd-admit-master-1
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
install_file /run/etcd-admit-master-1/ca.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWNh
END_OF_FILE
install_file /run/etcd-admit-master-1/client.crt 0644 root:root base64 --decode <<'END_OF_FILE'
Y2VydGlmaWNhdGUgcGtpLWFwaXNlcnZlci1jbGllbnQ=
END_OF_FILE
install_file /run/etcd-admit-master-1/client.key 0600 root:root base64 --decode <<'END_OF_FILE'
S0VZIE9GIHBraS1hcGlzZXJ2ZXItY2xpZW50LWtleQ==
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Makes a living etcd take a new machine in the place of a member; does nothing when etcd is not there yet, or on a member whose
# machine is the same as ever. Runs where clients of etcd may, with a client's certificate; needs common.sh and etcd-api.sh.
# MEMBER, MACHINE: the member's name and what tells its machine from the one before. PEER_URL, CLIENT_URL: its addresses.
# OTHER_ENDPOINTS: the other members' client URLs by comma (may be empty). CERTIFICATES: a folder of its own, gone afterwards.
set -euo pipefail

trap 'rm -rf "$CERTIFICATES"' EXIT
export ETCD_CA=$CERTIFICATES/ca.crt ETCD_CERT=$CERTIFICATES/client.crt ETCD_KEY=$CERTIFICATES/client.key

# The first of the others that takes part in a quorum.
find_endpoint() {
  local endpoint
  for endpoint in ${OTHER_ENDPOINTS//,/ }; do
    LISTED=$(etcd_api "$endpoint" /v3/cluster/member/list '{"linearizable": true}' 2>/dev/null | members_from_json) || true
    if [[ -n $LISTED ]]; then
      ENDPOINT=$endpoint
      return
    fi
  done
  return 1
}

known_machine() {
  etcd_api "$ENDPOINT" /v3/kv/range "{\"key\": \"$(machine_key "$MEMBER")\"}" | sed -n 's/.*"value": *"\([^"]*\)".*/\1/p' | base64 --decode
}

answers() {
  etcd_curl "$CLIENT_URL/health" >/dev/null 2>&1
}

# Without a quorum, or with certificates that have expired, a member still listens; a new machine does not.
listens() {
  local address=${CLIENT_URL#https://}
  [[ $(explain_port "${address%:*}" "${address##*:}" "masters reach etcd on 2379") == *"takes connections" ]]
}

# Both may have been done by an attempt whose answer was lost.
let_go() {
  local said
  said=$(etcd_api "$ENDPOINT" /v3/cluster/member/remove "{\"ID\": \"$1\"}" 2>&1) || [[ $said == *"member not found"* ]] || give_back "$said"
}

take() {
  local said
  said=$(etcd_api "$ENDPOINT" /v3/cluster/member/add "{\"peerURLs\": [\"$PEER_URL\"], \"isLearner\": true}" 2>&1) ||
    [[ $said == *"already exist"* ]] || give_back "$said"
}

give_back() {
  echo "$1"
  return 1
}

if ! find_endpoint; then
  if [[ -z $OTHER_ENDPOINTS || ! -e /etc/kubernetes/manifests/kube-apiserver.yaml ]]; then
    echo "no other member of etcd answers: the cluster is being born, and nobody needs to be let in"
  elif listens; then
    echo "$MEMBER is there, and no other member of etcd takes part in a quorum: nobody needs to be let in, or can be"
  else
    fail "no other member of etcd takes part in a quorum, and without one nobody can let $MEMBER in: bring the others back first ($OTHER_ENDPOINTS)"
  fi
  exit 0
fi
read -r id _ _ client learner < <(awk -v url="$PEER_URL" '$3 == url' <<<"$LISTED") || true
if [[ -n ${id:-} && $client == - && $learner == false ]]; then
  echo "$MEMBER is one of etcd's first members and has not started yet"
  exit 0
fi
known=$(known_machine) || fail "cannot read from etcd at $ENDPOINT which machine $MEMBER was on: run pulumi up again"
if [[ $known == "$MACHINE" && -n ${id:-} ]] || answers; then
  echo "$MEMBER is the member it was"
  exit 0
fi
if [[ -n ${id:-} ]]; then
  echo "the machine that was $MEMBER is gone: removing its member $id"
  wait_for 120 "etcd to let go of member $id" let_go "$id"
fi
wait_for 300 "etcd to take $MEMBER as a learner" take
note_machine "$ENDPOINT" "$MEMBER" "$MACHINE"
echo "$MEMBER may come as a learner"
exit 0
} </dev/null
