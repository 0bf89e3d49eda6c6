"""What the programs that the master calls over ssh share: options, their JSON input, its checks.

Each of them changes one thing on the machine where it runs and says nothing when all is well.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ganeti import constants, errors, ht, pathutils, serializer, ssconf
from ganeti.utils import io, x509

Data = dict[str, Any]

_KEY_LIST = ht.ListOf(ht.ListOf(ht.String))
_KEYS = ht.DictOf(ht.String, ht.ListOf(ht.String))
#: Every key that one of the programs reads, with its type.
FIELDS: dict[str, Any] = {
    "cluster_name": ht.NonEmptyString, "node_daemon_certificate": ht.NonEmptyString,
    "hmac_key": ht.NonEmptyString, "ssconf": ht.DictOf(ht.String, ht.String),
    "start_node_daemon": ht.Bool, "node_name": ht.NonEmptyString,
    "ssh_host_key": _KEY_LIST, "ssh_root_key": _KEY_LIST, "authorized_keys": _KEYS,
    "ssh_key_type": ht.NonEmptyString, "ssh_key_bits": ht.PositiveInt,
    "action": ht.NonEmptyString,
}


def run(name: str, fields: Mapping[str, Any], work: Callable[[Data, argparse.Namespace], None],
        argv: list[str] | None = None) -> int:
    """Read the input, check it, do the work; the exit status."""
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("-d", "--debug", action="count", default=0)
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--dry-run", action="store_true",
                        help="check the input and say what would be done")
    parser.add_argument("--version", action="version",
                        version=f"{name} (ganeti) {constants.RELEASE_VERSION}")
    options = parser.parse_args(argv)
    set_up_logging(options)
    try:
        work(_read_input(fields), options)
    except errors.GenericError as err:
        print(f"{name}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    except OSError as err:
        print(f"{name}: {err.filename or 'error'}: {err.strerror or err}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


def set_up_logging(options: argparse.Namespace) -> None:
    """Messages on standard error, as many as asked for."""
    level = (logging.DEBUG if options.debug else
             logging.INFO if options.verbose else logging.WARNING)
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s: %(message)s")


def _read_input(fields: Mapping[str, Any]) -> Data:
    data = serializer.load(sys.stdin.buffer.read(), "Standard input")
    if not isinstance(data, dict):
        raise errors.ParameterError("Standard input holds no JSON object")
    for key, value in data.items():
        if key not in fields:
            raise errors.ParameterError(f"Standard input has the unknown key '{key}'")
        fields[key].check(value, key)
    return data


def need(data: Data, *keys: str) -> None:
    """Refuse input without these keys."""
    missing = [key for key in keys if not data.get(key)]
    if missing:
        raise errors.ParameterError(f"Standard input lacks {', '.join(missing)}")


def check_cluster_name(data: Data) -> None:
    """Refuse data of another cluster than the one that this machine is in, if it is in one."""
    store = ssconf.SimpleStore()
    if not os.path.exists(store.path(constants.SS_CLUSTER_NAME)):
        return
    own = store.cluster_name()
    if own != data["cluster_name"]:
        raise errors.NodeSetupError(
            f"This machine is in cluster {own}, the data is of {data['cluster_name']}; "
            "'tools/node-cleanup' on it takes it out of its old cluster")


def check_certificate(data: Data) -> None:
    """Refuse data of a cluster with another certificate than the one this machine has."""
    given = data.get("node_daemon_certificate")
    if not given:
        return
    digest = x509.digest(given)
    if os.path.exists(pathutils.NODED_CERT_FILE) and digest != x509.file_digest(
            pathutils.NODED_CERT_FILE):
        raise errors.NodeSetupError(
            f"{pathutils.NODED_CERT_FILE} is the certificate of another cluster; "
            "'tools/node-cleanup' on this machine takes it out of its old cluster")


def full_certificate(data: Data) -> bytes:
    """Certificate and key of the cluster; refused unless they belong together."""
    need(data, "node_daemon_certificate")
    pem = str(data["node_daemon_certificate"]).encode("utf-8")
    certificate, key = x509.load(pem, "node_daemon_certificate"), x509.load_key(
        pem, "node_daemon_certificate")
    if not x509.key_fits(certificate, key):
        raise errors.X509CertError("node_daemon_certificate",
                                   "key and certificate do not belong together")
    return pem


def replace_file(path: str, data: str | bytes, mode: int, options: argparse.Namespace) -> None:
    """Write a file with a copy of the former one beside it, unless nothing would change."""
    content = data.encode("utf-8") if isinstance(data, str) else data
    try:
        if io.read_bytes(path) == content:
            logging.info("%s is as it should be", path)
            return
        backup = True
    except FileNotFoundError:
        backup = False
    if options.dry_run:
        logging.warning("Would write %s", path)
        return
    if not os.path.isdir(os.path.dirname(path)):
        io.make_dirs(os.path.dirname(path), 0o755)
    io.write_file(path, content, mode=mode, backup=backup)
    logging.info("Wrote %s", path)
