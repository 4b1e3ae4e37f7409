#!/usr/bin/env bash
# A root disk that was made larger while its machine ran.
set -euo pipefail

# Partition and file system would find out at the next boot only. Done for what Debian's images have; elsewhere a boot does it.
grow_root_file_system() {
  local device kind disk number
  read -r device kind < <(findmnt --noheadings --output SOURCE,FSTYPE /) || true
  [[ $device =~ ^/dev/[a-z0-9]+$ && $kind == ext4 ]] || return 0
  read -r disk number < <(lsblk --noheadings --nodeps --output PKNAME,PARTN "$device")
  [[ -n $number ]] || return 0
  growpart "/dev/$disk" "$number" || (($? == 1)) || fail "partition $number of /dev/$disk cannot be made as large as the disk"
  resize2fs "$device"
}
