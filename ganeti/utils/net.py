"""Names, addresses and ports; honours GANETI_HOSTNAME and the hosts file of a virtual root."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct

from ganeti import errors, pathutils

_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_MAX_NAME = 255
# linux/sockios.h and linux/ethtool.h
_SIOCETHTOOL, _ETHTOOL_GDRVINFO, _DRVINFO_SIZE = 0x8946, 3, 196


def hostname() -> str:
    """The full name of this node."""
    virtual = os.environ.get("GANETI_HOSTNAME")
    if virtual:
        return virtual
    name = socket.gethostname()
    return name if "." in name else socket.getfqdn(name)


def normalize_name(name: str) -> str:
    """A host name in lower case, without final dot; OpPrereqError when it is none."""
    if len(name) > _MAX_NAME or not _HOST.fullmatch(name):
        raise errors.OpPrereqError(f"'{name}' is not a valid host name", errors.ECODE_INVAL)
    return name.lower().rstrip(".")


def hosts_entries(path: str | None = None) -> list[tuple[str, list[str]]]:
    """Address and names of every line of a hosts file."""
    try:
        with open(path or pathutils.ETC_HOSTS, encoding="utf-8", errors="replace") as stream:
            words = [line.split("#", 1)[0].split() for line in stream]
    except FileNotFoundError:
        return []
    return [(line[0], line[1:]) for line in words if len(line) > 1]


def _from_virtual_hosts(name: str) -> tuple[str, str] | None:
    if not pathutils.ROOT:
        return None
    wanted = name.lower()
    for address, names in hosts_entries():
        if wanted in (known.lower() for known in names) or wanted == address:
            return names[0], address
    return None


def lookup(name: str, family: int = socket.AF_UNSPEC) -> tuple[str, str]:
    """The full name and the address of a host; ResolverError when it has none."""
    virtual = _from_virtual_hosts(name)
    if virtual is not None:
        return virtual
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM,
                                   flags=socket.AI_CANONNAME)
    except (socket.gaierror, UnicodeError) as err:
        code = err.args[0] if isinstance(err, socket.gaierror) else -2
        text = err.args[1] if isinstance(err, socket.gaierror) else "not a host name"
        raise errors.ResolverError(name, code, text) from None
    ordered = sorted(found, key=lambda item: item[0] != socket.AF_INET)
    canonical = found[0][3] or name
    return canonical.lower(), str(ordered[0][4][0])


def resolve(name: str, family: int = socket.AF_UNSPEC) -> str:
    """The address of a host; an address is given back as it is."""
    if is_ip(name):
        return name
    return lookup(name, family)[1]


def is_ip(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def ip_version(address: str) -> int:
    """4 or 6; IPAddressError when the text is no address."""
    try:
        return ipaddress.ip_address(address).version
    except ValueError:
        raise errors.IPAddressError(f"'{address}' is not an IP address") from None


def family_of(address: str) -> int:
    """AF_INET or AF_INET6."""
    return socket.AF_INET6 if ip_version(address) == 6 else socket.AF_INET


def tcp_ping(target: str, port: int, *, timeout: float = 10.0, live_port_needed: bool = False,
             source: str | None = None) -> bool:
    """Whether a host answers: accepts a connection or (without live_port_needed) refuses it."""
    try:
        address = resolve(target)
    except errors.ResolverError:
        return False
    with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout)
        try:
            if source is not None:
                sock.bind((source, 0))
            sock.connect((address, port))
        except ConnectionRefusedError:
            return not live_port_needed
        except OSError:
            return False
    return True


def is_own_address(address: str) -> bool:
    """Whether this machine has an address (any loopback address counts)."""
    try:
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True


def interface_addresses(interface: str) -> list[str]:
    """The addresses of a network interface; empty when it has none or is not there."""
    from ganeti.utils import process
    shown = process.run(["ip", "-o", "addr", "show", "dev", interface])
    if shown.failed:
        return []
    return re.findall(r"\binet6? ([0-9a-f.:]+)", shown.stdout)


def _driver(name: str) -> str:
    """The kernel's driver of an interface, empty when there is none.

    Asked by a socket, since /sys may show another network namespace than ours.
    """
    import ctypes
    import fcntl
    info = bytearray(struct.pack("=I", _ETHTOOL_GDRVINFO).ljust(_DRVINFO_SIZE, b"\0"))
    buffer = (ctypes.c_char * len(info)).from_buffer(info)
    request = struct.pack("=16sQ16x", os.fsencode(name)[:15], ctypes.addressof(buffer))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            fcntl.ioctl(asking, _SIOCETHTOOL, request)
        except OSError:
            return ""
    return bytes(info[4:36]).partition(b"\0")[0].decode()


def is_bridge(name: str) -> bool:
    """Whether this machine has a bridge of that name, of the kernel or of Open vSwitch."""
    if _driver(name) == "bridge":
        return True
    import shutil

    from ganeti.utils import process
    if shutil.which("ovs-vsctl") is None:
        return False
    return not process.run(["ovs-vsctl", "--timeout=10", "br-exists", name]).failed


def own_addresses() -> list[str]:
    """All addresses of this machine's interfaces."""
    from ganeti.utils import process
    shown = process.run(["ip", "-o", "addr", "show"]).require_success()
    return re.findall(r"\binet6? ([0-9a-f.:]+)", shown.stdout)


def free_port(address: str = "127.0.0.1", low: int | None = None, high: int | None = None) -> int:
    """A TCP port on which nobody listens now, within a range if one is given."""
    candidates = [0] if low is None or high is None else range(low, high + 1)
    for port in candidates:
        with socket.socket(family_of(address), socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((address, port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise errors.GenericError(f"No free port on {address} from {low} to {high}")


def default_bind(family: int = socket.AF_INET) -> str:
    """The address that a daemon listens on unless told otherwise.

    All addresses of the host; of a virtual node only its own, since its neighbours on the same
    machine listen on the same ports.
    """
    if pathutils.ROOT:
        return resolve(hostname())
    return "::" if family == socket.AF_INET6 else "0.0.0.0"


def own_service_address() -> str:
    """Where this node asks its own daemons: a virtual node's have no loopback of their own."""
    return resolve(hostname()) if pathutils.ROOT else "127.0.0.1"


def daemon_port(name: str) -> int:
    """Port of a daemon: from the services file, else the usual one."""
    from ganeti.constants import daemons
    protocol, default = daemons.DAEMON_PORTS[name]
    try:
        return socket.getservbyname(name, protocol)
    except OSError:
        return default


def format_address(address: str, port: int) -> str:
    """Address and port in one text, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
