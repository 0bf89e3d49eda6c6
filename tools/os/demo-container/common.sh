# Shared by the scripts of this OS definition; sourced, not run.
#
# The first disk is an ext4 file system with busybox on it. /etc/guest holds a line of text from
# here: name=... os=... [ip=...] [message]; /var/boots counts the boots.

fail() {
  echo "demo-container: $*" >&2
  exit 1
}

describe() {
  line="name=$INSTANCE_NAME os=$INSTANCE_OS"
  address=${OSP_ADDRESS:-}
  if [ -z "$address" ] && [ -n "${NIC_0_IP:-}" ]; then
    address=$NIC_0_IP/24
  fi
  [ -z "$address" ] || line="$line ip=$address"
  [ -z "${OSP_MESSAGE:-}" ] || line="$line $OSP_MESSAGE"
  printf '%s\n' "$line"
}
