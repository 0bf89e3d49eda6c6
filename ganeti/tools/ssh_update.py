"""ssh-update: change the SSH keys of this node, at the master's request.

Prints the public key if it has made a new pair.
"""

from __future__ import annotations

import argparse
import logging
import sys

from ganeti import ht, serializer
from ganeti.backend import ssh
from ganeti.tools import node_tool

NAME = "ssh-update"
_CHANGE = ht.TupleOf(ht.NonEmptyString, ht.DictOf(ht.String, ht.ListOf(ht.String)))
FIELDS = {
    **{key: node_tool.FIELDS[key] for key in (
        "cluster_name", "node_daemon_certificate", "ssh_key_type", "ssh_key_bits")},
    "public_keys": _CHANGE, "authorized_keys": _CHANGE,
    "generate": ht.TupleOf(ht.NonEmptyString, ht.PositiveInt, ht.String),
}


def work(data: node_tool.Data, options: argparse.Namespace) -> None:
    """Take changes of the node's own cluster only."""
    node_tool.need(data, "cluster_name", "node_daemon_certificate")
    node_tool.check_cluster_name(data)
    node_tool.check_certificate(data)
    if options.dry_run:
        for key in ("authorized_keys", "public_keys", "generate"):
            if data.get(key):
                logging.warning("Would change %s: %s", key, data[key][0])
        return
    public = ssh.apply_update(data)
    if public is not None:
        print(serializer.dumps({"public_key": public}))


def main() -> int:
    """Entry point of the program."""
    return node_tool.run(NAME, FIELDS, work)


if __name__ == "__main__":
    sys.exit(main())
