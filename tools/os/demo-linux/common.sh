# Shared by the scripts of this OS definition; sourced, not run.
#
# Layout of the first disk, which both kinds of guests understand:
#   sector 0  code of the boot-sector guest (zeroes for Linux)
#   sector 1  record of the guest: boots and ticks
#   sector 2  a line of text from here: name=... os=... [ip=...] [message]

fail() {
  echo "demo-linux: $*" >&2
  exit 1
}

# write_sector NUMBER DEVICE: the standard input, filled up with zeroes
write_sector() {
  dd of="$2" bs=512 seek="$1" count=1 conv=notrunc,sync iflag=fullblock 2>/dev/null ||
    fail "can not write sector $1 of $2"
}

describe() {
  line="name=$INSTANCE_NAME os=$INSTANCE_OS"
  address=${OSP_ADDRESS:-}
  if [ -z "$address" ] && [ -n "${NIC_0_IP:-}" ]; then
    address=$NIC_0_IP/24
  fi
  [ -z "$address" ] || line="$line ip=$address"
  [ -z "${OSP_MESSAGE:-}" ] || line="$line $OSP_MESSAGE"
  [ "${#line}" -lt 512 ] || fail "the text for the guest has ${#line} bytes, a sector holds 511"
  printf '%s' "$line"
}
