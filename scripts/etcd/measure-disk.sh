#!/usr/bin/env bash
# Measures how long the disk under etcd's data directory takes to make a small write safe, and warns when that is too long.
# HEARTBEAT_MILLISECONDS, ELECTION_MILLISECONDS: how patient the members will be with each other.
set -euo pipefail

DATA=/var/lib/etcd
# "99th percentile of fsync durations less than 10 ms" (etcd, Hardware recommendations and FAQ); 2300 bytes are a write of etcd's.
THRESHOLD_MICROSECONDS=10000
PROBE=$DATA/disk-probe

# Microseconds of each synchronous write, one a line, for a second and at most a hundred of them. dd tells its own time, so
# that of starting it is not in it.
sync_durations() {
  local end=$((${EPOCHREALTIME/[.,]/} + 1000000)) said
  for _ in {1..100}; do
    said=$(dd if=/dev/zero of="$PROBE" bs=2300 count=1 conv=notrunc oflag=dsync 2>&1) || {
      echo "$said" >&2
      return 1
    }
    awk '/copied/ {for (i = 1; i <= NF; i++) if ($(i + 1) ~ /^s,?$/) printf "%d\n", $i * 1000000}' <<<"$said"
    ((${EPOCHREALTIME/[.,]/} < end)) || break
  done
}

milliseconds() {
  printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

mkdir --parents "$DATA"
chmod 0700 "$DATA"
trap 'rm -f "$PROBE"' EXIT
measured=$(sync_durations) || fail "cannot write to $DATA: see above"
mapfile -t durations < <(sort --numeric-sort <<<"$measured")
# Of a hundred, the second longest; of few, the longest.
slowest=${durations[$(((${#durations[@]} * 99 - 1) / 100))]}
said="99 % of ${#durations[@]} writes to $DATA were safe within $(milliseconds "$slowest") ms"
if ((slowest > THRESHOLD_MICROSECONDS)); then
  echo "WARNING: this disk is slow for etcd: $said, etcd wants $(milliseconds $THRESHOLD_MICROSECONDS) ms at most." \
    "A leader that waits for its disk misses heartbeats (every $HEARTBEAT_MILLISECONDS ms) and loses elections (after $ELECTION_MILLISECONDS ms)." \
    "Give the machine a faster disk, or raise heartbeatMilliseconds and electionMilliseconds."
else
  echo "the disk is fast enough for etcd: $said"
fi
