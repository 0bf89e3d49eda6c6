"""Screen and keyboard: graphics card, VNC and SPICE servers and their passwords."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.hypervisor.kvm.command import CommandLine, escape, option
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.qmp import Session
from ganeti.utils import io, net


def arguments(guest: Guest, cmd: CommandLine) -> None:
    hvp = guest.hvp
    cmd.add("-display", "none")
    card = hvp["vga"] or ("qxl" if hvp["spice_bind"] else "std" if hvp["vnc_bind_address"] else "")
    if card and card != "none":
        cmd.add("-vga", card)
        cmd.count_pci()
    if hvp["keymap"]:
        cmd.add("-k", hvp["keymap"])
    if hvp["vnc_bind_address"]:
        _vnc(guest, cmd)
    if hvp["spice_bind"]:
        cmd.add("-spice", option("", _spice(guest)))


def set_passwords(hvp: Mapping[str, Any], session: Session) -> None:
    """Tell a guest that does not run yet its passwords; they never are on a command line."""
    for protocol, key in (("vnc", "vnc_password_file"), ("spice", "spice_password_file")):
        bound = hvp["vnc_bind_address" if protocol == "vnc" else "spice_bind"]
        if hvp[key] and bound:
            session.execute("set_password", protocol=protocol, password=_password(hvp[key]))


def password_file(path: str) -> str:
    """The real path: what lies below /etc/ganeti is the node's, everything else the host's."""
    own = path.startswith(pathutils.logical(pathutils.CONF_DIR) + "/")
    return pathutils.local(path) if own else path


def _password(path: str) -> str:
    try:
        word = io.read_first_line(password_file(path))
    except OSError as err:
        raise errors.HypervisorError(
            f"Can not read the console's password from {path}: {err.strerror}") from err
    if not word:
        raise errors.HypervisorError(f"The password file {path} is empty")
    return word


def _vnc(guest: Guest, cmd: CommandLine) -> None:
    hvp = guest.hvp
    options: dict[str, Any] = {"password": True if hvp["vnc_password_file"] else None}
    if hvp["vnc_tls"]:
        options["tls-creds"] = "vnc-tls"
        if hvp["vnc_x509_path"]:
            cmd.object("tls-creds-x509", id="vnc-tls", endpoint="server",
                       dir=hvp["vnc_x509_path"], verify_peer=hvp["vnc_x509_verify"])
        else:
            cmd.object("tls-creds-anon", id="vnc-tls", endpoint="server")
    cmd.add("-vnc", option(_vnc_address(guest), options))


def vnc_socket(hvp: Mapping[str, Any], name: str) -> str | None:
    """The socket of VNC; None where it has a port."""
    bind = hvp["vnc_bind_address"]
    return os.path.join(bind, f"{name}.vnc") if os.path.isabs(bind) else None


def _vnc_address(guest: Guest) -> str:
    bind = guest.hvp["vnc_bind_address"]
    if path := vnc_socket(guest.hvp, guest.name):
        return f"unix:{escape(path)}"
    display = guest.display_port - constants.VNC_BASE_PORT
    if display < 0:
        raise errors.HypervisorError(
            f"Instance {guest.name} has network port {guest.display_port}; VNC needs one from"
            f" {constants.VNC_BASE_PORT} on")
    address = _bind_address(bind, 0)
    if address == "0.0.0.0":
        return f":{display}"
    return f"[{address}]:{display}" if ":" in address else f"{address}:{display}"


def _bind_address(bind: str, family: int) -> str:
    """An address as it is, an interface by its first address of the family (0: any)."""
    try:
        return str(ipaddress.ip_address(bind))
    except ValueError:
        found = net.interface_addresses(bind)
    fitting = [ip for ip in found if family in (0, ipaddress.ip_address(ip).version)]
    if not fitting:
        raise errors.HypervisorError(
            f"'{bind}' is neither an address nor an interface of this node with an"
            f" IPv{family or '4 or IPv6'} address; check the console's bind parameter")
    return fitting[0]


def _spice(guest: Guest) -> dict[str, Any]:
    hvp = guest.hvp
    address = _bind_address(hvp["spice_bind"], hvp["spice_ip_version"])
    options: dict[str, Any] = {"addr": address}
    if hvp["spice_use_tls"]:
        options |= {"tls-port": guest.display_port, "x509-cacert-file": pathutils.SPICE_CACERT_FILE,
                    "x509-key-file": pathutils.SPICE_CERT_FILE,
                    "x509-cert-file": pathutils.SPICE_CERT_FILE,
                    "tls-ciphers": hvp["spice_tls_ciphers"] or None}
    else:
        options["port"] = guest.display_port
    version = ipaddress.ip_address(address).version
    options[f"ipv{version}"] = True
    if not hvp["spice_password_file"]:
        options["disable-ticketing"] = True
    options |= {
        "image-compression": hvp["spice_image_compression"] or None,
        "jpeg-wan-compression": hvp["spice_jpeg_wan_compression"] or None,
        "zlib-glz-wan-compression": hvp["spice_zlib_glz_wan_compression"] or None,
        "streaming-video": hvp["spice_streaming_video"] or None,
        "playback-compression": hvp["spice_playback_compression"],
        "agent-mouse": None if hvp["spice_use_vdagent"] else False,
    }
    return options
