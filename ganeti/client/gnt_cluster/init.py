"""gnt-cluster init."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors
from ganeti.cli import policy
from ganeti.cli.command import HOST, Command, one
from ganeti.cli.option import STORE_FALSE, Option, Values
from ganeti.cli.report import to_stderr
from ganeti.client.gnt_cluster import settings


def _ip_version(word: Any) -> int:
    try:
        version = int(word)
    except ValueError:
        version = 0
    if version not in (constants.IP4_VERSION, constants.IP6_VERSION):
        raise errors.OpPrereqError(f"'{word}' is no version of IP; write 4 or 6",
                                   errors.ECODE_INVAL)
    return version


def init(values: Values, args: list[str]) -> int:
    """Make this machine the first node and master of a new cluster."""
    from ganeti.masterd import bootstrap
    given = settings.read(values)
    given["gluster_storage_dir"] = values.gluster_storage_dir
    given["ipolicy"] = policy.from_options(values, group=False) or None
    wishes = bootstrap.Wishes(
        cluster_name=args[0], secondary_ip=values.secondary_ip,
        primary_ip_version=_ip_version(values.primary_ip_version),
        modify_etc_hosts=values.modify_etc_hosts, modify_ssh_setup=values.modify_ssh_setup,
        ssh_key_type=values.ssh_key_type or constants.SSH_DEFAULT_KEY_TYPE,
        ssh_key_bits=values.ssh_key_bits,
        settings={name: value for name, value in given.items() if value is not None})
    bootstrap.init_cluster(wishes, to_stderr)
    return 0


INIT = Command(
    init, args=[one(HOST, "cluster name")], options=[
        *settings.shared_options(),
        Option("--no-etc-hosts", dest="modify_etc_hosts", action=STORE_FALSE, default=True,
               help="Leave /etc/hosts of the nodes alone"),
        Option("--no-ssh-init", dest="modify_ssh_setup", action=STORE_FALSE, default=True,
               help="Leave the SSH keys of the nodes alone"),
        Option("-s", "--secondary-ip", dest="secondary_ip", metavar="ADDRESS",
               help="Address of this node for replication"),
        Option("--primary-ip-version", dest="primary_ip_version", default=4, metavar="4|6",
               help="Version of IP between the nodes"),
        Option("--gluster-storage-dir", dest="gluster_storage_dir", metavar="GLUSTERDIR",
               help="Directory where Gluster volumes are mounted"),
        Option("--ssh-key-type", dest="ssh_key_type", choices=sorted(constants.SSHK_ALL),
               help="Type of the SSH keys that are made"),
        Option("--ssh-key-bits", dest="ssh_key_bits", type="int",
               help="Length of the SSH keys that are made"),
        *policy.CLUSTER_OPTIONS, *policy.SPLIT_OPTIONS],
    help="Make this machine the master of a new cluster",
    example="gnt-cluster init --enabled-hypervisors=kvm --master-netdev=br0 cluster.example.org")
