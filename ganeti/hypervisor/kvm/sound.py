"""Sound cards."""

from __future__ import annotations

from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest

#: Name in `soundhw` -> devices, the first of them takes the audio backend unless the second does;
#: True for those on the PCI bus
CARDS: dict[str, tuple[bool, str, str | None]] = {
    "ac97": (True, "AC97", None),
    "adlib": (False, "adlib", None),
    "cs4231a": (False, "cs4231a", None),
    "es1370": (True, "ES1370", None),
    "gus": (False, "gus", None),
    "hda": (True, "intel-hda", "hda-duplex"),
    "ich9-hda": (True, "ich9-intel-hda", "hda-duplex"),
    "sb16": (False, "sb16", None),
}
#: What `soundhw=all` means: one of each that does not need fixed ISA resources
_ALL = ("ac97", "es1370", "hda")


def names(soundhw: str) -> list[str]:
    """The cards that a `soundhw` value lists."""
    return list(_ALL) if soundhw == "all" else [name for name in soundhw.split(",") if name]


def arguments(guest: Guest, cmd: CommandLine) -> None:
    cards = names(guest.hvp["soundhw"])
    if not cards:
        return
    cmd.add("-audiodev", f"{'spice' if guest.hvp['spice_bind'] else 'none'},id=audio0")
    for name in cards:
        pci, card, codec = CARDS[name]
        if codec is None:
            cmd.device(pci=pci, driver=card, audiodev="audio0")
        else:
            cmd.device(pci=pci, driver=card, id=f"sound-{name}")
            cmd.device(driver=codec, bus=f"sound-{name}.0", audiodev="audio0")
