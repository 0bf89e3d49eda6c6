"""Judges of a node by itself: its daemon, clock, set-up, hypervisors, network, paths, SSH."""

from __future__ import annotations

from collections.abc import Iterator

from ganeti import constants
from ganeti.cmdlib.cluster.verify.report import Problem, warning
from ganeti.cmdlib.cluster.verify.view import GroupView
from ganeti.utils.text import merge_time

Problems = Iterator[Problem]
SYSRQ = "/proc/sysrq-trigger"


def rpc(view: GroupView) -> Problems:
    """The node daemon has to answer, and with values of the agreed form."""
    for answer in view.member_answers():
        name = answer.node.name
        if answer.offline:
            continue
        if answer.error:
            yield Problem(name, f"cannot be verified: {answer.error}")
        for text in answer.malformed:
            yield Problem(name, f"gave an answer of the wrong form: {text}")
        if answer.missing:
            yield Problem(name, f"did not answer: {', '.join(answer.missing)}")


def version(view: GroupView) -> Problems:
    """All nodes speak one protocol; another release of the same protocol is worth a line."""
    for answer in view.arrived():
        value = answer.get(constants.NV_VERSION)
        if value is None:
            continue
        protocol, release = value
        if protocol != constants.PROTOCOL_VERSION:
            yield Problem(answer.node.name, f"speaks protocol {protocol}, the master "
                                            f"{constants.PROTOCOL_VERSION}")
        elif release != constants.RELEASE_VERSION:
            yield warning(answer.node.name, f"runs release {release}, the master "
                                            f"{constants.RELEASE_VERSION}")


def clock(view: GroupView) -> Problems:
    """Clocks may differ by NODE_MAX_CLOCK_SKEW seconds from the frame of the call."""
    skew = constants.NODE_MAX_CLOCK_SKEW
    for answer in view.arrived():
        value = answer.get(constants.NV_TIME)
        if value is None:
            continue
        theirs = merge_time(value)
        off = 0.0
        if theirs < view.started - skew:
            off = view.started - theirs
        elif theirs > view.ended + skew:
            off = theirs - view.ended
        if off:
            yield Problem(answer.node.name,
                          f"clock is at least {off:.1f}s away from the master's")


def node_setup(view: GroupView) -> Problems:
    """The kernel's interfaces that a node needs."""
    for answer in view.arrived():
        for text in answer.texts(constants.NV_NODESETUP):
            if SYSRQ not in text:
                yield Problem(answer.node.name, f"set-up: {text}")


def sysrq(view: GroupView) -> Problems:
    """Without sysrq a node only can not be power-cycled: containers have none."""
    for answer in view.arrived():
        for text in answer.texts(constants.NV_NODESETUP):
            if SYSRQ in text:
                yield warning(answer.node.name, f"set-up: {text}")


def user_scripts(view: GroupView) -> Problems:
    """Scripts that the cluster is configured to call have to be there and executable."""
    for answer in view.arrived():
        bad = answer.texts(constants.NV_USERSCRIPTS)
        if bad:
            yield Problem(answer.node.name,
                          f"user scripts missing or not executable: {', '.join(sorted(bad))}")


def oob_paths(view: GroupView) -> Problems:
    """The out-of-band program of each node is called on the master."""
    for answer in view.arrived():
        for text in answer.texts(constants.NV_OOB_PATHS):
            if text:
                yield Problem(answer.node.name, f"out-of-band program: {text}")


def hypervisors(view: GroupView) -> Problems:
    """Each enabled hypervisor looks at its own requirements."""
    for answer in view.arrived(vm_only=True):
        for name, text in sorted((answer.get(constants.NV_HYPERVISOR) or {}).items()):
            if text is not None:
                yield Problem(answer.node.name, f"hypervisor {name} is not usable: {text}")


def hypervisor_parameters(view: GroupView) -> Problems:
    """Hypervisor parameters of cluster, OSes and instances as the nodes see them."""
    for answer in view.arrived(vm_only=True):
        for source, name, text in answer.get(constants.NV_HVPARAMS) or ():
            yield Problem(answer.node.name,
                          f"hypervisor {name} refuses the parameters of {source}: {text}")


def bridges(view: GroupView) -> Problems:
    """Bridges that the NICs of the cluster and of the group's instances are linked to."""
    for answer in view.arrived(vm_only=True):
        missing = answer.texts(constants.NV_BRIDGES)
        if missing:
            yield Problem(answer.node.name, f"missing bridges: {', '.join(sorted(missing))}")


def reachability(view: GroupView) -> Problems:
    """Every node reaches the addresses of the others and of the master."""
    for answer in view.arrived():
        failures = answer.get(constants.NV_NODENETTEST) or {}
        for peer, text in sorted(failures.items()):
            yield Problem(answer.node.name, f"no TCP connection to node '{peer}': {text}")
        if answer.get(constants.NV_MASTERIP) is False:
            which = "does not hold" if answer.node.uuid == view.master.uuid else "cannot reach"
            yield Problem(answer.node.name,
                          f"{which} the master IP {view.config.cluster.master_ip}")


def ssh(view: GroupView) -> Problems:
    """SSH from each node to the others, the host names they give, and their key files."""
    for answer in view.arrived():
        name = answer.node.name
        failures = answer.get(constants.NV_NODELIST) or {}
        for peer, text in sorted(failures.items()):
            yield Problem(name, f"ssh to node '{peer}' failed: {text}")
        for text in answer.texts(constants.NV_SSH_SETUP):
            yield Problem(name, f"ssh set-up: {text}")


def ssh_clutter(view: GroupView) -> Problems:
    """Keys in authorized_keys that look like the cluster's but belong to nobody."""
    for answer in view.arrived():
        for text in answer.texts(constants.NV_SSH_CLUTTER):
            yield warning(answer.node.name, f"ssh: {text}")


def forbidden_storage_paths(view: GroupView) -> Problems:
    """Directories of the system may not be allowed for file storage."""
    for answer in view.arrived():
        paths = answer.texts(constants.NV_ACCEPTED_STORAGE_PATHS)
        if paths:
            yield Problem(answer.node.name,
                          f"forbidden paths are allowed for file storage: {', '.join(paths)}")


def _storage_path(view: GroupView, key: str) -> Problems:
    for answer in view.arrived():
        text = answer.get(key)
        if text:
            yield Problem(answer.node.name, text)


def file_storage_path(view: GroupView) -> Problems:
    """The cluster's directory for file storage is usable."""
    yield from _storage_path(view, constants.NV_FILE_STORAGE_PATH)


def shared_file_storage_path(view: GroupView) -> Problems:
    """The cluster's directory for shared file storage is usable."""
    yield from _storage_path(view, constants.NV_SHARED_FILE_STORAGE_PATH)


def gluster_storage_path(view: GroupView) -> Problems:
    """The directory under which Gluster volumes are mounted is usable."""
    yield from _storage_path(view, constants.NV_GLUSTER_STORAGE_PATH)


def client_certificates(view: GroupView) -> Problems:
    """Each node's client certificate is the one listed for it; candidates must be listed.

    A node answers [code or null, digest or text]; a code tells that the file itself is bad.
    """
    listed = view.config.cluster.candidate_certs
    digests: dict[str, str] = {}
    for answer in view.arrived():
        value = answer.get(constants.NV_CLIENT_CERT)
        if value is None:
            continue
        node, (code, text) = answer.node, value
        if code:
            severity = constants.CV_WARNING if code == constants.CV_WARNING else constants.CV_ERROR
            yield Problem("", f"client certificate of node {node.name}: {text}", severity)
            continue
        other = digests.setdefault(text, node.name)
        if other != node.name:
            yield Problem("", f"nodes {other} and {node.name} use the same client certificate")
        if node.master_candidate and listed.get(node.uuid) is None:
            yield Problem("", f"no certificate is listed for master candidate {node.name}")
        elif node.master_candidate and text not in listed[node.uuid].split(","):
            yield Problem("", f"the client certificate of {node.name} is not the listed one: "
                              f"node has {text}, listed is {listed[node.uuid]}")
        elif not node.master_candidate and node.uuid in listed:
            yield Problem("", f"a certificate is listed for {node.name}, "
                              "which is no master candidate")
