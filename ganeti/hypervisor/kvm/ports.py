"""Sockets into a guest: monitors, serial console, guest agent."""

from __future__ import annotations

from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest


def arguments(guest: Guest, cmd: CommandLine) -> None:
    files = guest.files
    files.check_sockets()
    cmd.socket_chardev("monitor", files.monitor)
    cmd.add("-mon", "chardev=monitor,mode=readline")
    cmd.socket_chardev("qmp", files.qmp)
    cmd.add("-mon", "chardev=qmp,mode=control")
    if guest.hvp["user_shutdown"]:
        cmd.socket_chardev("kvmd", files.kvmd)
        cmd.add("-mon", "chardev=kvmd,mode=control")
    if guest.hvp["serial_console"]:
        cmd.socket_chardev("serial0", files.serial)
        cmd.device(driver="isa-serial", chardev="serial0", id="serial0")
    _virtio_ports(guest, cmd)


def _virtio_ports(guest: Guest, cmd: CommandLine) -> None:
    agent = guest.hvp["use_guest_agent"]
    vdagent = guest.hvp["spice_bind"] and guest.hvp["spice_use_vdagent"]
    if not agent and not vdagent:
        return
    cmd.device(pci=True, driver="virtio-serial-pci", id="virtio-serial0")
    if agent:
        cmd.socket_chardev("qga0", guest.files.guest_agent)
        cmd.device(driver="virtserialport", chardev="qga0", name="org.qemu.guest_agent.0")
    if vdagent:
        cmd.add("-chardev", "spicevmc,id=spice0,name=vdagent")
        cmd.device(driver="virtserialport", chardev="spice0", name="com.redhat.spice.0")
