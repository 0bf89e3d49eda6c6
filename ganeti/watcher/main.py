"""ganeti-watcher: one run for the node, and on the master for every node group."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence

from ganeti import constants, errors, pathutils, ssconf
from ganeti.luxi import client as luxi
from ganeti.utils import io, log, net, process, text
from ganeti.watcher import local
from ganeti.watcher.group import GroupWatcher

_LOG = logging.getLogger(__name__)
NAME = "ganeti-watcher"
_RESOLVER_TROUBLE = 12
_ARCHIVE_TIME = 30.0


def _duration(word: str) -> float:
    try:
        return text.parse_duration(word)
    except errors.UnitParseError as err:
        raise argparse.ArgumentTypeError(str(err)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, allow_abbrev=False, description=__doc__)
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    parser.add_argument("-d", "--debug", action="count", default=0,
                        help="log everything, and to the terminal too")
    parser.add_argument("-g", "--node-group", dest="nodegroup", metavar="GROUP",
                        help="watch this node group only, as the run for all does for each")
    parser.add_argument("-A", "--job-age", type=_duration, metavar="AGE",
                        default=constants.WATCHER_JOB_AGE,
                        help="archive jobs that ended longer ago than this (default: 6h)")
    parser.add_argument("--ignore-pause", action="store_true", help="work although it is paused")
    parser.add_argument("--wait-children", action="store_true", dest="wait_children",
                        default=True, help="wait for the runs for the groups (default)")
    parser.add_argument("--no-wait-children", action="store_false", dest="wait_children",
                        help="let the runs for the groups go on alone")
    parser.add_argument("--no-verify-disks", action="store_true",
                        help="do not look for disks that are not complete")
    parser.add_argument("--no-strict", action="store_true",
                        help="look only at disks that nobody is using at the moment")
    parser.add_argument("--rapi-ip", default=None, metavar="ADDRESS",
                        help="where the REST interface must answer (default: 127.0.0.1)")
    return parser


def _watch_group(options: argparse.Namespace) -> int:
    with luxi.Client() as client:
        rows = client.query_groups([options.nodegroup], ["uuid"])
        GroupWatcher(client, rows[0][0], verify_disks=not options.no_verify_disks,
                     strict=not options.no_strict).run()
    return constants.EXIT_SUCCESS


def _watch_all(options: argparse.Namespace) -> int:
    local.ensure_daemons()
    local.run_hooks()
    if not ssconf.SimpleStore().is_master():
        _LOG.debug("This is not the master")
        return constants.EXIT_NOTMASTER
    with luxi.Client() as client:
        _archive_jobs(client, options.job_age)
        groups = [row[0] for row in client.query_groups([], ["uuid"])]
    local.ensure_rapi(options.rapi_ip or net.own_service_address())
    commands = [_child_command(group, options) for group in groups]
    if not options.wait_children:
        for command in commands:
            process.start_daemon(command, env=_child_environment())
        return constants.EXIT_SUCCESS
    children = [subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                 env={**os.environ, **_child_environment()})
                for command in commands]
    statuses = [child.wait() for child in children]
    _merge_status(groups)
    return constants.EXIT_FAILURE if any(statuses) else constants.EXIT_SUCCESS


def _archive_jobs(client: luxi.Client, age: float) -> None:
    archived, left = client.auto_archive_jobs(int(age), _ARCHIVE_TIME)
    _LOG.debug("Archived %s jobs, %s were not looked at", archived, left)


def _child_command(group: str, options: argparse.Namespace) -> list[str]:
    words = [sys.executable, "-m", "ganeti.watcher.main", "--node-group", group]
    words += ["-d"] * options.debug
    words += ["--ignore-pause"] * options.ignore_pause
    words += ["--no-verify-disks"] * options.no_verify_disks
    words += ["--no-strict"] * options.no_strict
    return words


def _child_environment() -> dict[str, str]:
    """Let a child find the same modules, from whatever directory it runs."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _merge_status(groups: Sequence[str]) -> None:
    """Gather the groups' files with the state of each instance into one for the node."""
    lines: set[str] = set()
    for group in groups:
        path = pathutils.WATCHER_GROUP_INSTANCE_STATUS_FILE % group
        if os.path.exists(path):
            lines.update(io.read_file(path).splitlines(keepends=True))
    io.write_file(pathutils.INSTANCE_STATUS_FILE, "".join(sorted(lines)), mode=0o644, sync=False)


def _work(options: argparse.Namespace) -> int:
    until = None if options.ignore_pause else local.paused_until()
    if until is not None:
        _LOG.debug("Paused until %s", text.format_time(until))
        return constants.EXIT_SUCCESS
    if not os.path.exists(pathutils.ssconf_file(constants.SS_CLUSTER_NAME)):
        _LOG.debug("This machine is not part of a cluster")
        return constants.EXIT_SUCCESS
    with io.lock_file(pathutils.WATCHER_LOCK_FILE, shared=True):
        return _watch_group(options) if options.nodegroup else _watch_all(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parser().parse_args(argv)
    try:
        os.makedirs(pathutils.LOG_DIR, exist_ok=True)
        log.setup(NAME, logfile=pathutils.LOG_WATCHER, debug=options.debug,
                  stderr=options.debug > 0)
    except OSError as err:
        print(f"{NAME}: {err.filename}: {err.strerror}", file=sys.stderr)
        return constants.EXIT_FAILURE
    try:
        return _work(options)
    except errors.LockError as err:
        _LOG.info("Another run is at work: %s", err)
        return constants.EXIT_SUCCESS
    except luxi.NoMasterError as err:
        return _fail(err, constants.EXIT_FAILURE
                     if ssconf.SimpleStore().is_master() else constants.EXIT_NOTMASTER)
    except errors.ResolverError as err:
        return _fail(err, _RESOLVER_TROUBLE)
    except (errors.GenericError, OSError) as err:
        return _fail(err, constants.EXIT_FAILURE)
    except Exception as err:  # noqa: BLE001 - the program's boundary: logged and told
        _LOG.critical("unexpected end on %s: %s", net.hostname(), traceback.format_exc())
        return _fail(err, constants.EXIT_FAILURE)


def _fail(err: Exception, status: int) -> int:
    _LOG.error("%s", errors.text(err))
    print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
