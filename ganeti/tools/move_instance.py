"""move-instance: move instances from one cluster to another, through the RAPI of both.

The clusters need the same cluster domain secret; the disks go from node to node directly.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import os
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.cli import types
from ganeti.rapi import client
from ganeti.utils import io

NAME = "move-instance"
_PORT = 5080
_FINAL = frozenset(constants.JOBS_FINALIZED)
_NIC_KEYS = ("name", "uuid", "ip", "mac", "mode", "link", "vlan", "network", "netinfo")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False,
        description="Moves instances to another cluster, by the RAPI of both.",
        epilog="Example: move-instance --src-ca-file a.pem --src-username mover"
               " --src-password-file a.pw --dest-ca-file b.pem --dest-username mover"
               " --dest-password-file b.pw --dest-primary-node node1.b a.example.org"
               " b.example.org web1")
    add = parser.add_argument
    add("source", help="name of the source cluster (host of its RAPI)")
    add("destination", help="name of the destination cluster")
    add("instances", nargs="+", metavar="instance", help="instances to move")
    add("-d", "--debug", action="count", default=0, help="show every message of the jobs")
    add("-v", "--verbose", action="store_true", help="tell more")
    add("-I", "--iallocator", help="allocator of the destination that chooses the nodes")
    for flags, dest, kind in ((("-B", "--backend-parameters"), "beparams", types.key_values),
                              (("-H", "--hypervisor-parameters"), "hvparams", types.key_values),
                              (("-O", "--os-parameters"), "osparams", types.key_values)):
        add(*flags, dest=dest, type=_word(kind), default={}, metavar="k=v,...",
            help="parameters that the instance gets in place of its own")
    add("--net", dest="nics", action="append", type=_word(types.ident_key_values), default=[],
        metavar="N:k=v,...", help="changes to an interface; may be repeated")
    for side, what in (("src", "source"), ("dest", "destination")):
        add(f"--{side}-rapi-port", type=int, default=_PORT, help=f"RAPI port of the {what}")
        add(f"--{side}-ca-file", help=f"certificates by which the {what} is trusted")
        add(f"--{side}-username", help=f"RAPI user at the {what}")
        add(f"--{side}-password-file", help="file with the password of that user")
    add("--dest-instance-name", help="name at the destination (for one instance)")
    add("--dest-primary-node", help="primary node at the destination")
    add("--dest-secondary-node", help="secondary node at the destination")
    add("--dest-disk-template", help="disk template at the destination")
    add("--compress", default=constants.IEC_NONE, help="compression during the transfer")
    add("-p", "--parallel", type=int, default=1, metavar="N", help="how many at the same time")
    add("--opportunistic-tries", type=int, metavar="N",
        help="creations with nodes that are free at the moment, before it waits for all")
    add("--opportunistic-delay", type=int, metavar="SECONDS", help="pause between these tries")
    add("--keep-source-instance", action="store_true",
        help="leave the instance on the source cluster, stopped")
    return parser


def _word(kind: Any) -> Any:
    def read(text: str) -> Any:
        try:
            return kind(text)
        except errors.GenericError as err:
            raise argparse.ArgumentTypeError(errors.text(err)) from None
    return read


def _check(options: argparse.Namespace) -> None:
    def require(good: bool, text: str) -> None:
        if not good:
            raise errors.OpPrereqError(text, errors.ECODE_INVAL)
    require(len(options.instances) == 1 or not options.dest_instance_name,
            "A new name is for one instance only")
    require(options.source != options.destination or bool(options.dest_instance_name),
            "Within one cluster the instance needs another name (--dest-instance-name)")
    require(not (options.iallocator and options.dest_primary_node),
            "Give either nodes or an allocator, not both")
    require(bool(options.dest_primary_node) or not options.dest_secondary_node,
            "A secondary node needs a primary node")
    require(options.parallel > 0, "-p has to be positive")
    require(options.opportunistic_tries is None or options.opportunistic_tries >= 0,
            "--opportunistic-tries can not be negative")
    require(options.opportunistic_delay is None or bool(options.opportunistic_tries),
            "--opportunistic-delay goes with --opportunistic-tries")


def _connect(options: argparse.Namespace, side: str, host: str) -> client.Client:
    def get(name: str) -> Any:
        return getattr(options, f"{side}_{name}")
    context = (ssl.create_default_context(cafile=get("ca_file")) if get("ca_file")
               else ssl.create_default_context())
    if get("ca_file"):
        # The certificate of a cluster names no host; it is trusted as such.
        context.check_hostname = False
    password = io.read_first_line(get("password_file")) if get("password_file") else None
    return client.Client(host, get("rapi_port"), username=get("username"), password=password,
                         context=context)


@dataclasses.dataclass
class _Move:
    """One instance on its way. Each has its own connections, for it may run in a thread."""

    name: str
    options: argparse.Namespace

    def say(self, text: str) -> None:
        """Tell the person at the terminal."""
        print(f"{self.name}: {text}", flush=True)

    def run(self) -> None:
        """Move it, and clean up behind a failure."""
        options = self.options
        with _connect(options, "src", options.source) as source, \
                _connect(options, "dest", options.destination) as target:
            found = self._details(source)
            self.say("preparing its export")
            prepared = source.wait(source.instance_action(
                self.name, "prepare-export", query={"mode": constants.EXPORT_MODE_REMOTE}))[0]
            job, listening = self._create(target, found, prepared)
            try:
                self._send(source, prepared, listening)
            except client.RapiError:
                target.cancel_job(job)
                raise
            target.wait(job)
        self.say(f"has moved to {options.destination}")

    def _details(self, source: client.Client) -> Mapping[str, Any]:
        answer = source.wait(source.instance_info(self.name, static=True))[0]
        [found] = answer.values()
        return dict(found)

    def _create(self, target: client.Client, found: Mapping[str, Any],
                prepared: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Start the creation; its job, and where it waits for the disks."""
        wanted = self._wanted(found, prepared)
        tries = self.options.opportunistic_tries or 0
        for left in range(tries, -1, -1):
            job = int(target.create_instance(
                self.options.dest_instance_name or self.name,
                **wanted, opportunistic_locking=left > 0))
            self.say(f"job {job} of {self.options.destination} makes its new place")
            try:
                return job, self._listening(target, job)
            except client.JobFailed as err:
                if not left or errors.ECODE_TEMP_NORES not in str(err.job.get("opresult")):
                    raise
                self.say("no free node had room, trying again")
                threading.Event().wait(self.options.opportunistic_delay or 0)
        raise errors.ProgrammerError("a loop with at least one round did not run")

    def _wanted(self, found: Mapping[str, Any], prepared: Mapping[str, Any]) -> dict[str, Any]:
        options = self.options
        return {
            "mode": constants.INSTANCE_REMOTE_IMPORT,
            "disk_template": options.dest_disk_template or found["disk_template"],
            "disks": [_disk(disk) for disk in found["disks"]],
            "nics": _nics(found["nics"], dict(options.nics)),
            "pnode": options.dest_primary_node, "snode": options.dest_secondary_node,
            "iallocator": options.iallocator, "os_type": found["os"],
            "hypervisor": found["hypervisor"],
            "beparams": {**found["be_instance"], **options.beparams},
            "hvparams": {**found["hv_instance"], **options.hvparams},
            "osparams": {**found["os_instance"], **options.osparams},
            "tags": list(found.get("tags") or ()),
            "start": found["config_state"] == constants.ADMINST_UP,
            "name_check": False, "ip_check": False, "compress": options.compress,
            "source_handshake": prepared["handshake"], "source_x509_ca": prepared["x509_ca"],
            "source_instance_name": found["name"],
        }

    def _listening(self, target: client.Client, job: int) -> Mapping[str, Any]:
        """Wait for the log entry that tells where the disks are to be sent."""
        status, serial = None, -1
        while True:
            change = target.wait_for_change(job, ["status"], status, serial)
            if change is None:
                continue
            status = change["job_info"]
            for entry in change["log_entries"] or []:
                serial = max(serial, entry[0])
                if entry[2] == constants.ELOG_REMOTE_IMPORT:
                    return dict(entry[3])
                if self.options.debug or self.options.verbose:
                    self.say(f"  {entry[3]}")
            if status and status[0] in _FINAL:
                raise client.JobFailed(target.job(job))

    def _send(self, source: client.Client, prepared: Mapping[str, Any],
              listening: Mapping[str, Any]) -> None:
        self.say("sending its disks")
        source.wait(source.instance_action(
            self.name, "export", mode=constants.EXPORT_MODE_REMOTE,
            destination=listening["disks"], shutdown=True,
            remove_instance=not self.options.keep_source_instance,
            x509_key_name=prepared["x509_key_name"],
            destination_x509_ca=listening["x509_ca"], compress=self.options.compress))


def _disk(disk: Mapping[str, Any]) -> dict[str, Any]:
    wish = {"size": disk["size"], "mode": disk["mode"]}
    return {**wish, **({"name": disk["name"]} if disk.get("name") else {})}


def _nics(rows: Sequence[Sequence[Any]], changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Interfaces as they are, with the changes of --net."""
    wishes = []
    for index, row in enumerate(rows):
        nic = dict(zip(_NIC_KEYS, row, strict=False))
        keys = ["ip", "mac", "name", *(() if nic.get("netinfo") else ("mode", "link", "vlan"))]
        wish = {key: nic[key] for key in keys if nic.get(key)}
        if nic.get("netinfo"):
            wish["network"] = nic["netinfo"]["name"]
        wishes.append({**wish, **(changes.get(str(index)) or {})})
    unknown = sorted(set(changes) - {str(index) for index in range(len(rows))})
    if unknown:
        raise errors.OpPrereqError(
            f"There is no interface {', '.join(unknown)} to be changed", errors.ECODE_INVAL)
    return wishes


def _move(task: _Move) -> bool:
    try:
        task.run()
    except (client.RapiError, errors.GenericError, OSError) as err:
        text = errors.text(err) if isinstance(err, errors.GenericError) else err
        print(f"{NAME}: {task.name}: {text}", file=sys.stderr, flush=True)
        return False
    return True


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the program; 0 when all instances have moved."""
    options = _parser().parse_args(argv)
    try:
        _check(options)
    except errors.OpPrereqError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    pool = concurrent.futures.ThreadPoolExecutor(options.parallel)
    try:
        moved = list(pool.map(_move, [_Move(name, options) for name in options.instances]))
    except KeyboardInterrupt:
        print(f"{NAME}: interrupted; jobs that have begun go on", file=sys.stderr, flush=True)
        # Threads that wait for jobs would hold up an ordinary end.
        os._exit(constants.EXIT_FAILURE)
    return constants.EXIT_SUCCESS if all(moved) else constants.EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
