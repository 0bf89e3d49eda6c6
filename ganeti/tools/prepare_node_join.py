"""prepare-node-join: give this machine the SSH keys with which it can join a cluster.

Prints the public key of its root user, which the master enters into its list.
"""

from __future__ import annotations

import argparse
import logging
import sys

from ganeti import constants, errors, serializer
from ganeti.tools import node_tool
from ganeti.utils import net, process, sshkeys

NAME = "prepare-node-join"
FIELDS = {key: node_tool.FIELDS[key] for key in (
    "cluster_name", "node_daemon_certificate", "ssh_host_key", "ssh_root_key", "authorized_keys",
    "ssh_key_type", "ssh_key_bits")}


def _triple(entry: list[str]) -> tuple[str, str, str]:
    if len(entry) != 3:
        raise errors.ParameterError("A key is given as [type, private, public]")
    kind, private, public = entry
    if kind not in constants.SSHK_ALL:
        raise errors.ParameterError(f"Unknown type of SSH keys '{kind}'")
    return kind, private, public


def _host_keys(data: node_tool.Data, options: argparse.Namespace) -> bool:
    """All nodes of a cluster show the same host key."""
    changed = False
    for entry in data.get("ssh_host_key", ()):
        kind, private, public = _triple(entry)
        private_file, public_file = sshkeys.host_key_files()[kind]
        for path, text, mode in ((private_file, private, 0o600), (public_file, public, 0o644)):
            node_tool.replace_file(path, text, mode, options)
        changed = True
    return changed and not options.dry_run


def _root_keys(data: node_tool.Data, options: argparse.Namespace) -> str | None:
    """Write the given keys of root, or make a pair if there is none; the public key."""
    for entry in data.get("ssh_root_key", ()):
        kind, private, public = _triple(entry)
        private_file, public_file = sshkeys.user_key_files(kind)
        node_tool.replace_file(private_file, private, 0o600, options)
        node_tool.replace_file(public_file, public, 0o644, options)
    if options.dry_run:
        logging.warning("Would make a key pair of root unless there is one")
        return None
    return sshkeys.ensure_user_key(
        data.get("ssh_key_type", constants.SSH_DEFAULT_KEY_TYPE), data.get("ssh_key_bits"),
        f"{constants.SSH_LOGIN_USER}@{net.hostname()}")


def work(data: node_tool.Data, options: argparse.Namespace) -> None:
    """Check that the machine is in no other cluster, then change its keys."""
    node_tool.need(data, "cluster_name", "node_daemon_certificate")
    node_tool.check_cluster_name(data)
    node_tool.check_certificate(data)
    reload_needed = _host_keys(data, options)
    public = _root_keys(data, options)
    keys = [key for own in data.get("authorized_keys", {}).values() for key in own]
    if keys and not options.dry_run:
        sshkeys.add_authorized(sshkeys.authorized_keys_file(), keys)
    if reload_needed:
        _reload_sshd()
    if public is not None:
        print(serializer.dumps({"public_key": public}))


def _reload_sshd() -> None:
    from ganeti import pathutils
    result = process.run([pathutils.DAEMON_UTIL, "reload-ssh-keys"], timeout=60)
    if result.failed:
        logging.warning("The SSH server could not be told of its new keys: %s",
                        result.output.strip())


def main() -> int:
    """Entry point of the program."""
    return node_tool.run(NAME, FIELDS, work)


if __name__ == "__main__":
    sys.exit(main())
