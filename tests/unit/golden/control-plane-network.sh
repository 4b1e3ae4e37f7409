{
STEP='control-plane-network on master-0'
MANIFEST=/run/network-addon/manifest.yaml
MASTER_ADDRESS=10.0.0.10
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
install_file /run/network-addon/manifest.yaml 0644 root:root base64 --decode <<'END_OF_FILE'
a2luZDogTmFtZXNwYWNlCmFwaVZlcnNpb246IHYxCm1ldGFkYXRhOgogIG5hbWU6IGt1YmUtZmxh
bm5lbAogIGxhYmVsczoKICAgIGs4cy1hcHA6IGZsYW5uZWwKICAgIHBvZC1zZWN1cml0eS5rdWJl
cm5ldGVzLmlvL2VuZm9yY2U6IHByaXZpbGVnZWQKLS0tCmtpbmQ6IENsdXN0ZXJSb2xlCmFwaVZl
cnNpb246IHJiYWMuYXV0aG9yaXphdGlvbi5rOHMuaW8vdjEKbWV0YWRhdGE6CiAgbGFiZWxzOgog
ICAgazhzLWFwcDogZmxhbm5lbAogIG5hbWU6IGZsYW5uZWwKcnVsZXM6Ci0gYXBpR3JvdXBzOgog
IC0gJycKICByZXNvdXJjZXM6CiAgLSBwb2RzCiAgdmVyYnM6CiAgLSBnZXQKLSBhcGlHcm91cHM6
CiAgLSAnJwogIHJlc291cmNlczoKICAtIG5vZGVzCiAgdmVyYnM6CiAgLSBnZXQKICAtIGxpc3QK
ICAtIHdhdGNoCi0gYXBpR3JvdXBzOgogIC0gJycKICByZXNvdXJjZXM6CiAgLSBub2Rlcy9zdGF0
dXMKICB2ZXJiczoKICAtIHBhdGNoCi0tLQpraW5kOiBDbHVzdGVyUm9sZUJpbmRpbmcKYXBpVmVy
c2lvbjogcmJhYy5hdXRob3JpemF0aW9uLms4cy5pby92MQptZXRhZGF0YToKICBsYWJlbHM6CiAg
ICBrOHMtYXBwOiBmbGFubmVsCiAgbmFtZTogZmxhbm5lbApyb2xlUmVmOgogIGFwaUdyb3VwOiBy
YmFjLmF1dGhvcml6YXRpb24uazhzLmlvCiAga2luZDogQ2x1c3RlclJvbGUKICBuYW1lOiBmbGFu
bmVsCnN1YmplY3RzOgotIGtpbmQ6IFNlcnZpY2VBY2NvdW50CiAgbmFtZTogZmxhbm5lbAogIG5h
bWVzcGFjZToga3ViZS1mbGFubmVsCi0tLQphcGlWZXJzaW9uOiB2MQpraW5kOiBTZXJ2aWNlQWNj
b3VudAptZXRhZGF0YToKICBsYWJlbHM6CiAgICBrOHMtYXBwOiBmbGFubmVsCiAgbmFtZTogZmxh
bm5lbAogIG5hbWVzcGFjZToga3ViZS1mbGFubmVsCi0tLQpraW5kOiBDb25maWdNYXAKYXBpVmVy
c2lvbjogdjEKbWV0YWRhdGE6CiAgbmFtZToga3ViZS1mbGFubmVsLWNmZwogIG5hbWVzcGFjZTog
a3ViZS1mbGFubmVsCiAgbGFiZWxzOgogICAgdGllcjogbm9kZQogICAgazhzLWFwcDogZmxhbm5l
bAogICAgYXBwOiBmbGFubmVsCmRhdGE6CiAgY25pLWNvbmYuanNvbjogIntcbiAgXCJuYW1lXCI6
IFwiY2JyMFwiLFxuICBcImNuaVZlcnNpb25cIjogXCIwLjMuMVwiLFxuICBcInBsdWdpbnNcIlwK
ICAgIDogW1xuICAgIHtcbiAgICAgIFwidHlwZVwiOiBcImZsYW5uZWxcIixcbiAgICAgIFwiZGVs
ZWdhdGVcIjoge1xuICAgICAgICBcImhhaXJwaW5Nb2RlXCJcCiAgICA6IHRydWUsXG4gICAgICAg
IFwiaXNEZWZhdWx0R2F0ZXdheVwiOiB0cnVlXG4gICAgICB9XG4gICAgfSxcbiAgICB7XG4gICAg
ICBcIlwKICAgIHR5cGVcIjogXCJwb3J0bWFwXCIsXG4gICAgICBcImNhcGFiaWxpdGllc1wiOiB7
XG4gICAgICAgIFwicG9ydE1hcHBpbmdzXCI6IHRydWVcblwKICAgIFwgICAgICB9XG4gICAgfVxu
ICBdXG59XG4iCiAgbmV0LWNvbmYuanNvbjogIntcbiAgXCJOZXR3b3JrXCI6IFwiMTAuMjQ0LjAu
MC8xNlwiLFxuICBcIkVuYWJsZU5GVGFibGVzXCI6IGZhbHNlLFxuXAogICAgXCAgXCJCYWNrZW5k
XCI6IHtcbiAgICBcIlR5cGVcIjogXCJ2eGxhblwiXG4gIH1cbn1cbiIKLS0tCmFwaVZlcnNpb246
IGFwcHMvdjEKa2luZDogRGFlbW9uU2V0Cm1ldGFkYXRhOgogIG5hbWU6IGt1YmUtZmxhbm5lbC1k
cwogIG5hbWVzcGFjZToga3ViZS1mbGFubmVsCiAgbGFiZWxzOgogICAgdGllcjogbm9kZQogICAg
YXBwOiBmbGFubmVsCiAgICBrOHMtYXBwOiBmbGFubmVsCnNwZWM6CiAgc2VsZWN0b3I6CiAgICBt
YXRjaExhYmVsczoKICAgICAgYXBwOiBmbGFubmVsCiAgdGVtcGxhdGU6CiAgICBtZXRhZGF0YToK
ICAgICAgbGFiZWxzOgogICAgICAgIHRpZXI6IG5vZGUKICAgICAgICBhcHA6IGZsYW5uZWwKICAg
IHNwZWM6CiAgICAgIGFmZmluaXR5OgogICAgICAgIG5vZGVBZmZpbml0eToKICAgICAgICAgIHJl
cXVpcmVkRHVyaW5nU2NoZWR1bGluZ0lnbm9yZWREdXJpbmdFeGVjdXRpb246CiAgICAgICAgICAg
IG5vZGVTZWxlY3RvclRlcm1zOgogICAgICAgICAgICAtIG1hdGNoRXhwcmVzc2lvbnM6CiAgICAg
ICAgICAgICAgLSBrZXk6IGt1YmVybmV0ZXMuaW8vb3MKICAgICAgICAgICAgICAgIG9wZXJhdG9y
OiBJbgogICAgICAgICAgICAgICAgdmFsdWVzOgogICAgICAgICAgICAgICAgLSBsaW51eAogICAg
ICBob3N0TmV0d29yazogdHJ1ZQogICAgICBwcmlvcml0eUNsYXNzTmFtZTogc3lzdGVtLW5vZGUt
Y3JpdGljYWwKICAgICAgdG9sZXJhdGlvbnM6CiAgICAgIC0gb3BlcmF0b3I6IEV4aXN0cwogICAg
ICAgIGVmZmVjdDogTm9TY2hlZHVsZQogICAgICBzZXJ2aWNlQWNjb3VudE5hbWU6IGZsYW5uZWwK
ICAgICAgaW5pdENvbnRhaW5lcnM6CiAgICAgIC0gbmFtZTogaW5zdGFsbC1jbmktcGx1Z2luCiAg
ICAgICAgaW1hZ2U6IGdoY3IuaW8vZmxhbm5lbC1pby9mbGFubmVsLWNuaS1wbHVnaW46djEuOS4x
LWZsYW5uZWwzCiAgICAgICAgY29tbWFuZDoKICAgICAgICAtIGNwCiAgICAgICAgYXJnczoKICAg
ICAgICAtIC1mCiAgICAgICAgLSAvZmxhbm5lbAogICAgICAgIC0gL29wdC9jbmkvYmluL2ZsYW5u
ZWwKICAgICAgICB2b2x1bWVNb3VudHM6CiAgICAgICAgLSBuYW1lOiBjbmktcGx1Z2luCiAgICAg
ICAgICBtb3VudFBhdGg6IC9vcHQvY25pL2JpbgogICAgICBjb250YWluZXJzOgogICAgICAtIG5h
bWU6IGt1YmUtZmxhbm5lbAogICAgICAgIGltYWdlOiBnaGNyLmlvL2ZsYW5uZWwtaW8vZmxhbm5l
bDp2MC4yOC45CiAgICAgICAgY29tbWFuZDoKICAgICAgICAtIC9vcHQvYmluL2ZsYW5uZWxkCiAg
ICAgICAgYXJnczoKICAgICAgICAtIC0taXAtbWFzcQogICAgICAgIC0gLS1rdWJlLXN1Ym5ldC1t
Z3IKICAgICAgICAtIC0taGVhbHRoei1wb3J0PTgwODEKICAgICAgICBwb3J0czoKICAgICAgICAt
IG5hbWU6IGhlYWx0aHoKICAgICAgICAgIGNvbnRhaW5lclBvcnQ6IDgwODEKICAgICAgICAgIHBy
b3RvY29sOiBUQ1AKICAgICAgICBsaXZlbmVzc1Byb2JlOgogICAgICAgICAgaHR0cEdldDoKICAg
ICAgICAgICAgcGF0aDogL2hlYWx0aHoKICAgICAgICAgICAgcG9ydDogaGVhbHRoegogICAgICAg
ICAgaW5pdGlhbERlbGF5U2Vjb25kczogMTAKICAgICAgICAgIHBlcmlvZFNlY29uZHM6IDMwCiAg
ICAgICAgcmVhZGluZXNzUHJvYmU6CiAgICAgICAgICBodHRwR2V0OgogICAgICAgICAgICBwYXRo
OiAvcmVhZHl6CiAgICAgICAgICAgIHBvcnQ6IGhlYWx0aHoKICAgICAgICAgIGluaXRpYWxEZWxh
eVNlY29uZHM6IDUKICAgICAgICAgIHBlcmlvZFNlY29uZHM6IDEwCiAgICAgICAgcmVzb3VyY2Vz
OgogICAgICAgICAgcmVxdWVzdHM6CiAgICAgICAgICAgIGNwdTogMTAwbQogICAgICAgICAgICBt
ZW1vcnk6IDUwTWkKICAgICAgICBzZWN1cml0eUNvbnRleHQ6CiAgICAgICAgICBwcml2aWxlZ2Vk
OiBmYWxzZQogICAgICAgICAgY2FwYWJpbGl0aWVzOgogICAgICAgICAgICBhZGQ6CiAgICAgICAg
ICAgIC0gTkVUX0FETUlOCiAgICAgICAgICAgIC0gTkVUX1JBVwogICAgICAgIGVudjoKICAgICAg
ICAtIG5hbWU6IFBPRF9OQU1FCiAgICAgICAgICB2YWx1ZUZyb206CiAgICAgICAgICAgIGZpZWxk
UmVmOgogICAgICAgICAgICAgIGZpZWxkUGF0aDogbWV0YWRhdGEubmFtZQogICAgICAgIC0gbmFt
ZTogUE9EX05BTUVTUEFDRQogICAgICAgICAgdmFsdWVGcm9tOgogICAgICAgICAgICBmaWVsZFJl
ZjoKICAgICAgICAgICAgICBmaWVsZFBhdGg6IG1ldGFkYXRhLm5hbWVzcGFjZQogICAgICAgIC0g
bmFtZTogRVZFTlRfUVVFVUVfREVQVEgKICAgICAgICAgIHZhbHVlOiAnNTAwMCcKICAgICAgICAt
IG5hbWU6IENPTlRfV0hFTl9DQUNIRV9OT1RfUkVBRFkKICAgICAgICAgIHZhbHVlOiAnZmFsc2Un
CiAgICAgICAgLSBuYW1lOiBLVUJFUk5FVEVTX1NFUlZJQ0VfSE9TVAogICAgICAgICAgdmFsdWU6
IGFwaS5kZW1vLmludGVybmFsCiAgICAgICAgLSBuYW1lOiBLVUJFUk5FVEVTX1NFUlZJQ0VfUE9S
VAogICAgICAgICAgdmFsdWU6ICc2NDQzJwogICAgICAgIHZvbHVtZU1vdW50czoKICAgICAgICAt
IG5hbWU6IHJ1bgogICAgICAgICAgbW91bnRQYXRoOiAvcnVuL2ZsYW5uZWwKICAgICAgICAtIG5h
bWU6IGZsYW5uZWwtY2ZnCiAgICAgICAgICBtb3VudFBhdGg6IC9ldGMva3ViZS1mbGFubmVsLwog
ICAgICAgIC0gbmFtZTogeHRhYmxlcy1sb2NrCiAgICAgICAgICBtb3VudFBhdGg6IC9ydW4veHRh
Ymxlcy5sb2NrCiAgICAgIC0gbmFtZTogaW5zdGFsbC1jbmkKICAgICAgICBpbWFnZTogZ2hjci5p
by9mbGFubmVsLWlvL2ZsYW5uZWw6djAuMjguOQogICAgICAgIGNvbW1hbmQ6CiAgICAgICAgLSAv
YmluL3NoCiAgICAgICAgLSAtYwogICAgICAgIC0gInNldCAtZVxudHJhcCAnZXhpdCAwJyBURVJN
XG51bnRpbCBbIC1lIC9ydW4vZmxhbm5lbC9zdWJuZXQuZW52IF07IGRvIHNsZWVwXAogICAgICAg
ICAgXCAwLjI7IGRvbmVcbndoaWxlIHRydWU7IGRvXG4gIC9vcHQvYmluL2luc3RhbGwtY29uZiAv
ZXRjL2t1YmUtZmxhbm5lbC9jbmktY29uZi5qc29uXAogICAgICAgICAgXCAvZXRjL2NuaS9uZXQu
ZC8xMC1mbGFubmVsLmNvbmZsaXN0XG4gIHdoaWxlIFsgLWUgL2V0Yy9jbmkvbmV0LmQvMTAtZmxh
bm5lbC5jb25mbGlzdFwKICAgICAgICAgIFwgXTsgZG8gc2xlZXAgMjsgZG9uZVxuZG9uZVxuIgog
ICAgICAgIHZvbHVtZU1vdW50czoKICAgICAgICAtIG5hbWU6IGNuaQogICAgICAgICAgbW91bnRQ
YXRoOiAvZXRjL2NuaS9uZXQuZAogICAgICAgIC0gbmFtZTogZmxhbm5lbC1jZmcKICAgICAgICAg
IG1vdW50UGF0aDogL2V0Yy9rdWJlLWZsYW5uZWwvCiAgICAgICAgLSBuYW1lOiBydW4KICAgICAg
ICAgIG1vdW50UGF0aDogL3J1bi9mbGFubmVsCiAgICAgICAgICByZWFkT25seTogdHJ1ZQogICAg
ICB2b2x1bWVzOgogICAgICAtIG5hbWU6IHJ1bgogICAgICAgIGhvc3RQYXRoOgogICAgICAgICAg
cGF0aDogL3J1bi9mbGFubmVsCiAgICAgIC0gbmFtZTogY25pLXBsdWdpbgogICAgICAgIGhvc3RQ
YXRoOgogICAgICAgICAgcGF0aDogL29wdC9jbmkvYmluCiAgICAgIC0gbmFtZTogY25pCiAgICAg
ICAgaG9zdFBhdGg6CiAgICAgICAgICBwYXRoOiAvZXRjL2NuaS9uZXQuZAogICAgICAtIG5hbWU6
IGZsYW5uZWwtY2ZnCiAgICAgICAgY29uZmlnTWFwOgogICAgICAgICAgbmFtZToga3ViZS1mbGFu
bmVsLWNmZwogICAgICAtIG5hbWU6IHh0YWJsZXMtbG9jawogICAgICAgIGhvc3RQYXRoOgogICAg
ICAgICAgcGF0aDogL3J1bi94dGFibGVzLmxvY2sKICAgICAgICAgIHR5cGU6IEZpbGVPckNyZWF0
ZQo=
END_OF_FILE
tell_failures
#!/usr/bin/env bash
# Gives the pods their network: applies the network add-on's manifest, on the first master. Needs a founded cluster.
# MANIFEST: the file to apply. MASTER_ADDRESS: this master, whose own API server is asked.
set -euo pipefail

# A machine that has taken the first master's place is one only when its join is done.
wait_for 500 "this master to be a member of the cluster" test -e /etc/kubernetes/admin.conf
kubectl --kubeconfig /etc/kubernetes/admin.conf --server "https://$MASTER_ADDRESS:6443" \
  apply --server-side --force-conflicts --filename "$MANIFEST"
rm -f "$MANIFEST"
exit 0
} </dev/null
