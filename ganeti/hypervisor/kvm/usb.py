"""USB: pointing device and passed-through or emulated devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ganeti import errors
from ganeti.hypervisor.kvm.command import CommandLine
from ganeti.hypervisor.kvm.guest import Guest

_CONTROLLER = "qemu-xhci"
_SIMPLE = {"tablet": "usb-tablet", "mouse": "usb-mouse", "keyboard": "usb-kbd",
           "wacom-tablet": "usb-wacom-tablet", "braille": "usb-braille", "ccid": "usb-ccid"}
_BY_PLACE = re.compile(r"host:(\d+)\.(\d+)$")
_BY_PRODUCT = re.compile(r"host:([0-9a-fA-F]{1,4}):([0-9a-fA-F]{1,4})$")


def arguments(guest: Guest, cmd: CommandLine) -> None:
    devices = [device(word) for word in split(guest.hvp["usb_devices"])]
    pointer = pointing_device(guest.hvp)
    if pointer:
        devices.insert(0, device(pointer))
    if not devices:
        return
    cmd.device(pci=True, driver=_CONTROLLER, id="usb")
    for number, properties in enumerate(devices):
        cmd.add_device({**properties, "bus": "usb.0", "id": f"usb-dev{number}"})


def pointing_device(hvp: Mapping[str, Any]) -> str:
    """The mouse asked for, or the tablet that a VNC console needs for its pointer to fit."""
    return hvp["usb_mouse"] or ("tablet" if hvp["vnc_bind_address"] else "")


def split(text: str) -> list[str]:
    """Devices of `usb_devices`: by commas or blanks."""
    return text.replace(",", " ").split()


def device(word: str) -> dict[str, Any]:
    """Properties of one device of `usb_devices`."""
    if word in _SIMPLE:
        return {"driver": _SIMPLE[word]}
    if place := _BY_PLACE.match(word):
        return {"driver": "usb-host", "hostbus": int(place[1]), "hostaddr": int(place[2])}
    if product := _BY_PRODUCT.match(word):
        return {"driver": "usb-host", "vendorid": f"0x{product[1]}", "productid": f"0x{product[2]}"}
    raise errors.OpPrereqError(
        f"Hypervisor parameter 'usb_devices': '{word}' is none of host:BUS.ADDRESS,"
        f" host:VENDOR:PRODUCT, {', '.join(sorted(_SIMPLE))}", errors.ECODE_INVAL)
