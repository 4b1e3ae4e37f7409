#!/usr/bin/env bash
# A root disk that was made larger while its machine ran.
set -euo pipefail

# Partition and file system would find out at the next boot only.
grow_root_file_system() {
  local device disk number
  device=$(findmnt --noheadings --output SOURCE / || true)
  [[ $device =~ ^/dev/[a-z0-9]+$ ]] || return 0
  read -r disk number < <(lsblk --noheadings --nodeps --output PKNAME,PARTN "$device")
  growpart "/dev/$disk" "$number" || (($? == 1)) || fail "partition $number of /dev/$disk cannot be made as large as the disk"
  resize2fs "$device"
}
