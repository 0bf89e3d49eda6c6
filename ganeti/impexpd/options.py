"""The command line of ``import-export``."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
from collections.abc import Sequence

from ganeti import constants, errors

IMPORT = "import"
EXPORT = "export"
MAGIC = re.compile(r"[-_.a-zA-Z0-9]{5,100}")
_TOOL = re.compile(r"[-_a-zA-Z0-9]{1,50}")


@dataclasses.dataclass(frozen=True)
class Options:
    """One end of a transfer; times in seconds, the expected size in MiB."""

    status_file: str
    mode: str
    key: str
    cert: str
    ca: str
    bind: str | None
    ipv6: bool
    host: str | None
    port: int | None
    connect_retries: int
    connect_timeout: int
    compress: str
    expected_size: float | None
    magic: str | None
    prefix: str
    suffix: str
    debug: int
    verbose: bool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="import-export", description="Sends or receives the contents of one disk over TLS.",
        epilog="Example: import-export /run/t/status export --key k.pem --cert c.pem --ca ca.pem"
               " --host 192.0.2.7 --port 40123 --cmd-prefix 'cat /srv/image'")
    add = parser.add_argument
    add("status_file", help="absolute path of the status file")
    add("mode", choices=(IMPORT, EXPORT))
    add("-d", "--debug", action="count", default=0, help="log more")
    add("-v", "--verbose", action="store_true", help="log more")
    add("--key", help="private key (PEM)")
    add("--cert", help="certificate (PEM)")
    add("--ca", help="what the other side's certificate has to be signed by (PEM)")
    add("--bind", help="address to listen on")
    family = parser.add_mutually_exclusive_group()
    family.add_argument("--ipv4", action="store_true", help="use IPv4")
    family.add_argument("--ipv6", action="store_true", help="use IPv6")
    add("--host", help="export: address to send to")
    add("--port", type=int, help="port to send to, or to listen on")
    add("--connect-retries", type=int, default=0, help="export: how often to try again")
    add("--connect-timeout", type=int, default=60, help="seconds for each try, or to wait")
    add("--compress", default=constants.IEC_GZIP, help="compression tool, or none")
    add("--expected-size", dest="exp_size", help="MiB that will come, for the progress")
    add("--magic", help="text by which the receiver knows the stream")
    add("--cmd-prefix", default="", help="shell command that writes the data")
    add("--cmd-suffix", default="", help="shell command that reads the data")
    return parser


def parse(argv: Sequence[str] | None = None) -> Options:
    """Read and check a command line; OpPrereqError names what is wrong."""
    given = _parser().parse_args(argv)
    _require(os.path.isabs(given.status_file), "The status file needs an absolute path")
    for name in ("key", "cert", "ca"):
        _require(bool(getattr(given, name)), f"--{name} is needed")
    if given.mode == EXPORT:
        _require(bool(given.host) and bool(given.port), "An export needs --host and --port")
    else:
        _require(not given.host, "--host is for exports")
    _require(given.port is None or 0 < given.port < 65536, f"{given.port} is no port number")
    _require(given.connect_timeout > 0, "--connect-timeout must be positive")
    _require(given.connect_retries >= 0, "--connect-retries can not be negative")
    _require(given.magic is None or MAGIC.fullmatch(given.magic) is not None,
             "--magic must be 5 to 100 letters, digits, '-', '_' or '.'")
    _require(_TOOL.fullmatch(given.compress) is not None,
             f"'{given.compress}' is no name of a compression tool")
    return Options(
        status_file=given.status_file, mode=given.mode, key=given.key, cert=given.cert,
        ca=given.ca, bind=given.bind, ipv6=given.ipv6, host=given.host, port=given.port,
        connect_retries=given.connect_retries, connect_timeout=given.connect_timeout,
        compress=given.compress, expected_size=_size(given.exp_size), magic=given.magic,
        prefix=given.cmd_prefix.strip().removesuffix("|"),
        suffix=given.cmd_suffix.strip().removeprefix("|"),
        debug=given.debug, verbose=given.verbose)


def _size(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        size = float(text)
    except ValueError:
        size = -1.0
    _require(size >= 0, f"'{text}' is no size in MiB")
    return size


def _require(good: bool, text: str) -> None:
    if not good:
        raise errors.OpPrereqError(text, errors.ECODE_INVAL)
