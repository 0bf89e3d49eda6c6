"""ssl-update: make or take away this node's client certificate, at the master's request."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from ganeti import constants, errors, pathutils
from ganeti.backend import node
from ganeti.tools import node_tool
from ganeti.utils import io, x509

NAME = "ssl-update"
FIELDS = {key: node_tool.FIELDS[key] for key in (
    "cluster_name", "node_daemon_certificate", "node_name", "action")}

ACTION_CREATE = constants.CRYPTO_ACTION_CREATE
ACTION_DELETE = "delete"


def work(data: node_tool.Data, options: argparse.Namespace) -> None:
    """Take the cluster's certificate if it is a new one, then make the client's from it."""
    node_tool.need(data, "cluster_name", "node_name")
    node_tool.check_cluster_name(data)
    action = data.get("action", ACTION_CREATE)
    if action == ACTION_DELETE:
        if options.dry_run:
            logging.warning("Would remove %s", pathutils.NODED_CLIENT_CERT_FILE)
        else:
            io.remove_file(pathutils.NODED_CLIENT_CERT_FILE)
        return
    if action != ACTION_CREATE:
        raise errors.ParameterError(f"Unknown action '{action}'; known are {ACTION_CREATE} and "
                                    f"{ACTION_DELETE}")
    if data.get("node_daemon_certificate"):
        node_tool.replace_file(pathutils.NODED_CERT_FILE, node_tool.full_certificate(data), 0o440,
                               options)
    if options.dry_run:
        logging.warning("Would make %s", pathutils.NODED_CLIENT_CERT_FILE)
        return
    if not os.path.exists(pathutils.NODED_CERT_FILE):
        raise errors.X509CertError(pathutils.NODED_CERT_FILE, "is missing, and none was given")
    node.make_client_certificate(data["node_name"])
    print(x509.file_digest(pathutils.NODED_CLIENT_CERT_FILE))


def main() -> int:
    """Entry point of the program."""
    return node_tool.run(NAME, FIELDS, work)


if __name__ == "__main__":
    sys.exit(main())
