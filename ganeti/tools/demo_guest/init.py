"""What runs in the demo's guest: its first and only program, a shell script for busybox.

On the console it says
    GUEST-UP <boot id> boot=<n> kernel=<release>     once; the boot id is new at every boot
    DISK <text>                                      what the OS definition wrote on the disk
    TICK <n> <uptime>                                twice a second
    POWER-OFF                                        when the power button was pressed
and it gives a shell to whoever types something. Sector 1 of its disk keeps "BOOT n TICK n", so
that boots are counted; sector 2 holds the text.
"""

SCRIPT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
echo 1 >/proc/sys/kernel/printk
for module in /modules/*.ko; do insmod "$module" 2>/dev/null; done
ip link set lo up

# Xen asks by having the kernel run these
mkdir -p /sbin
for command in poweroff reboot; do
  printf '#!/bin/sh\necho POWER-OFF >/dev/console\nsync\nexec /bin/busybox %s -f\n' \
    "$command" >"/sbin/$command"
  chmod 755 "/sbin/$command"
done

# The power button is an input device; 24 bytes from it are one event
for event in /sys/class/input/event*; do
  case "$(cat "$event/device/name" 2>/dev/null)" in
  *[Pp]ower*)
    ( dd if="/dev/input/${event##*/}" bs=24 count=1 >/dev/null 2>&1
      echo POWER-OFF >/dev/console
      sync
      poweroff -f ) &
    ;;
  esac
done

disk=
i=0
while [ ! -b /dev/xvda ] && [ -d /sys/bus/xen/devices/vbd-51712 ] && [ $i -lt 50 ]; do
  i=$((i + 1))
  sleep 0.1
done
for name in vda xvda sda hda; do
  [ -b "/dev/$name" ] && { disk=/dev/$name; break; }
done
sector() { dd if="$disk" bs=512 skip="$1" count=1 2>/dev/null | tr -d '\000'; }

boots=0
text=
if [ -n "$disk" ]; then
  record=$(sector 1)
  case "$record" in
  "BOOT "*)
    set -- $record
    boots=$2
    # leading zeros, as the boot-sector guest writes them, would make it octal
    while [ "${boots#0}" != "$boots" ]; do boots=${boots#0}; done
    ;;
  esac
  text=$(sector 2)
fi
boots=$(( ${boots:-0} + 1 ))
read boot_id </proc/sys/kernel/random/boot_id
echo "GUEST-UP $boot_id boot=$boots kernel=$(uname -r)"
echo "DISK ${text:-no text on ${disk:-any disk}}"

for word in $text; do
  case "$word" in
  name=*) hostname "${word#name=}";;
  ip=*) ip addr add "${word#ip=}" dev eth0 && ip link set eth0 up;;
  esac
done

( n=0
  while :; do
    n=$((n + 1))
    read uptime idle </proc/uptime
    echo "TICK $n $uptime" >/dev/console
    [ -n "$disk" ] && printf '%-511s\n' "BOOT $boots TICK $n" |
      dd of="$disk" bs=512 seek=1 count=1 conv=notrunc,fsync >/dev/null 2>&1
    sleep 0.5
  done ) &

while :; do
  setsid cttyhack sh
  sleep 0.2
done
"""
