"""node-daemon-setup: give this machine the cluster's certificate and start its node daemon."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from ganeti import constants, errors, pathutils, ssconf
from ganeti.backend import node
from ganeti.tools import node_tool
from ganeti.utils import io, net, process

NAME = "node-daemon-setup"
FIELDS = {key: node_tool.FIELDS[key] for key in (
    "cluster_name", "node_daemon_certificate", "hmac_key", "ssconf", "start_node_daemon",
    "node_name")}


def _check_name(data: node_tool.Data) -> None:
    wanted = data.get("node_name")
    if wanted and wanted != net.hostname():
        raise errors.NodeSetupError(
            f"This machine's name is {net.hostname()}, it is to join as {wanted}; correct its "
            "host name or the name given to 'gnt-node add'")


def _check_ssconf(data: node_tool.Data) -> None:
    given = data.get("ssconf", {})
    for key in given:
        if not constants.is_ss_key(key):
            raise errors.ParameterError(f"There is no ssconf key '{key}'")
    name = given.get(constants.SS_CLUSTER_NAME, "").strip()
    if name and name != data.get("cluster_name"):
        raise errors.ParameterError(f"The ssconf values are of cluster '{name}'")


def work(data: node_tool.Data, options: argparse.Namespace) -> None:
    """Check first, then write; the daemon is started last."""
    node_tool.need(data, "cluster_name")
    node_tool.check_cluster_name(data)
    certificate = node_tool.full_certificate(data)
    _check_name(data)
    _check_ssconf(data)
    for path, mode in ((pathutils.DATA_DIR, 0o755), (pathutils.LOCK_DIR, 0o755)):
        if not os.path.isdir(path) and not options.dry_run:
            io.make_dirs(path, mode)
    _stop_daemon(options)
    if not options.dry_run:
        # What is left of a former membership must not decide who may call.
        node.clean_data_directory()
    node_tool.replace_file(pathutils.NODED_CERT_FILE, certificate, 0o440, options)
    if data.get("hmac_key"):
        node_tool.replace_file(pathutils.CONFD_HMAC_KEY, data["hmac_key"], 0o440, options)
    if data.get("ssconf"):
        changed = ssconf.SimpleStore().write(data["ssconf"], dry_run=options.dry_run)
        logging.info("ssconf values: %s", ", ".join(changed))
    if not options.dry_run:
        node.make_client_certificate(data.get("node_name") or net.hostname())
    if data.get("start_node_daemon", True):
        _start_daemon(options)


def _stop_daemon(options: argparse.Namespace) -> None:
    if options.dry_run:
        return
    result = process.run([pathutils.DAEMON_UTIL, "stop-all"], timeout=120)
    if result.failed:
        raise errors.NodeSetupError(f"Daemons of a former cluster do not stop: "
                                    f"{result.output.strip()}")


def _start_daemon(options: argparse.Namespace) -> None:
    if options.dry_run:
        logging.warning("Would start %s", constants.NODED)
        return
    result = process.run([pathutils.DAEMON_UTIL, "start", constants.NODED], timeout=120)
    if result.failed:
        raise errors.NodeSetupError(f"{constants.NODED} does not start: {result.output.strip()}")


def main() -> int:
    """Entry point of the program."""
    return node_tool.run(NAME, FIELDS, work)


if __name__ == "__main__":
    sys.exit(main())
