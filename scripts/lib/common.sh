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

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; what it printed then is ANSWER. When it does not, fails with WHAT, the last attempt's
# words and, if the variable EXPLAIN is set, what that command prints (say, EXPLAIN="show_journal etcd" wait_for ...).
# PAUSE: seconds between attempts, if half a second is too short.
wait_for() {
  local limit=$1 what=$2 end=$((SECONDS + $1)) said status
  shift 2
  while true; do
    status=0
    said=$("$@" 2>&1) || status=$?
    if ((status == 0)); then
      # shellcheck disable=SC2034 # for the scripts
      ANSWER=$said
      return 0
    elif ((status == 86 || SECONDS >= end)); then
      {
        [[ -z $said ]] || printf -- '--- last answer\n%s\n' "$(tail -n 10 <<<"$said" | cut -c1-300)"
        eval "${EXPLAIN:-}" || true
      } >&2
      ((status == 86)) && fail "gave up waiting for $what: $(tail -n 1 <<<"$said")"
      fail "waited $limit s in vain for $what"
    fi
    sleep "${PAUSE:-0.5}"
  done
}

# COMMAND ARGUMENT...: the command for each argument, ten at a time. Fails when all have ended, if one of them failed.
at_once() {
  local command=$1 argument pid pids failed=false
  shift
  while (($# > 0)); do
    pids=()
    for argument in "${@:1:10}"; do
      "$command" "$argument" &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do
      wait "$pid" || failed=true
    done
    shift "$(($# < 10 ? $# : 10))"
  done
  [[ $failed == false ]] || exit 1
}
