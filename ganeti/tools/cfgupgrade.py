"""cfgupgrade: bring config.data of an older release to the form of this one, or back by one minor.

The daemons have to be stopped. The former file is kept beside the new one.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.config import downgrade, files, upgrade, verify
from ganeti.utils import io, log, net, patchedfile

NAME = "cfgupgrade"
QUESTION = """Please read the notes of the release and stop the daemons of all nodes first.
Continue with the configuration in {path}? y/[n]: """


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False,
        description="Bring the cluster's configuration to the form of this release.")
    parser.add_argument("--dry-run", action="store_true",
                        help="do everything but write the result")
    parser.add_argument("-f", "--force", action="store_true", help="do not ask for confirmation")
    parser.add_argument("-d", "--debug", action="count", default=0, help="tell much more")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell more")
    parser.add_argument("--ignore-hostname", action="store_true",
                        help="do not check that this machine is the master")
    parser.add_argument("--path", dest="data_dir", default=pathutils.DATA_DIR, metavar="DIRECTORY",
                        help="where config.data lies (default: %(default)s)")
    parser.add_argument("--confdir", dest="conf_dir", default=pathutils.CONF_DIR,
                        metavar="DIRECTORY",
                        help="where file-storage-paths is (default: %(default)s)")
    parser.add_argument("--no-verify", action="store_true",
                        help="do not check the result against the rules of consistency")
    parser.add_argument("--downgrade", action="store_true",
                        help="go back to the form of the minor release before")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    return parser.parse_args(argv)


def read_tree(path: str) -> dict[str, Any]:
    """The configuration as plain JSON, whatever its version."""
    try:
        data = patchedfile.read(path)
    except OSError as err:
        raise errors.ConfigurationError(f"{path} can not be read: {err.strerror}") from err
    except errors.ParseError as err:
        raise errors.ConfigurationError(errors.text(err)) from err
    try:
        tree = serializer.load(data)
    except errors.ParseError as err:
        raise errors.ConfigurationError(f"{path} is damaged: {errors.text(err)}") from err
    if not isinstance(tree, dict) or not isinstance(tree.get("cluster"), dict):
        raise errors.ConfigurationError(f"{path} is not a cluster configuration")
    if not isinstance(tree.get("version"), int):
        raise errors.ConfigurationError(f"{path}: the key 'version' is not a number")
    return tree


def _require_master(data_dir: str) -> None:
    path = os.path.join(data_dir, "ssconf_master_node")
    try:
        master = io.read_file(path).strip()
    except OSError as err:
        raise errors.ConfigurationError(
            f"{path} can not be read ({err.strerror}), so that it is not known whether this is the"
            " master; --ignore-hostname goes on all the same") from err
    me = net.hostname()
    if master != me:
        raise errors.ConfigurationError(
            f"This is {me}, but the master is {master}; run {NAME} there, or use"
            " --ignore-hostname")


def _require_stopped(data_dir: str) -> None:
    if os.path.realpath(data_dir) != os.path.realpath(pathutils.DATA_DIR):
        return
    pid = io.locked_pid(pathutils.daemon_pid_file(constants.MASTERD))
    if pid:
        raise errors.ConfigurationError(
            f"The master daemon runs (process {pid}); stop it first with 'daemon-util stop-all'")


def _confirmed(path: str) -> bool:
    if not sys.stdin.isatty():
        raise errors.ConfigurationError("Nobody can be asked for confirmation; use --force")
    return input(QUESTION.format(path=path)).strip().lower() in ("y", "yes")


def convert(tree: dict[str, Any], back: bool) -> dict[str, Any]:
    """The configuration in its new form."""
    return downgrade.downgrade(tree) if back else upgrade.upgrade(tree)


def _complaints(tree: dict[str, Any]) -> list[str]:
    """What is wrong with the result; the rules are those of the present form."""
    return verify.verify(objects.ConfigData.from_dict(upgrade.upgrade(tree)))


def _write(path: str, tree: dict[str, Any], dry_run: bool) -> None:
    if not dry_run:
        logging.info("The former configuration is kept as %s",
                     files.replace(path, serializer.dump(tree, private=True)))


def _write_storage_paths(tree: dict[str, Any], conf_dir: str, dry_run: bool) -> None:
    """Older releases knew no list of allowed directories: it gets those that are in use."""
    path = os.path.join(conf_dir, os.path.basename(pathutils.FILE_STORAGE_PATHS_FILE))
    cluster = tree["cluster"]
    wanted = [cluster[key] for key in ("file_storage_dir", "shared_file_storage_dir")
              if cluster.get(key)]
    if os.path.exists(path) or not wanted:
        return
    logging.info("Writing %s with %s", path, ", ".join(wanted))
    text = "# Directories in which disks of instances may lie as files\n" + "".join(
        f"{directory}\n" for directory in wanted)
    io.write_file(path, text, mode=0o600, dry_run=dry_run)


def run(options: argparse.Namespace) -> int:
    """Do what the command line says."""
    path = os.path.join(options.data_dir, os.path.basename(pathutils.CLUSTER_CONF_FILE))
    if not options.ignore_hostname:
        _require_master(options.data_dir)
    if not options.dry_run:
        _require_stopped(options.data_dir)
    tree = read_tree(path)
    if not options.force and not _confirmed(path):
        return constants.EXIT_CONFIRMATION
    logging.info("%s has version %d", path, tree["version"])
    if tree["version"] == constants.CONFIG_VERSION and not options.downgrade:
        print(f"{path} has version {constants.CONFIG_VERSION} already; nothing is to be done")
        return constants.EXIT_SUCCESS
    result = convert(tree, options.downgrade)
    complaints = [] if options.no_verify else _complaints(result)
    for text in complaints:
        print(f"{NAME}: {text}", file=sys.stderr)
    _write(path, result, options.dry_run)
    if not options.downgrade:
        _write_storage_paths(result, options.conf_dir, options.dry_run)
    would = "would be" if options.dry_run else "was"
    print(f"Configuration version {tree['version']} {would} changed to {result['version']}")
    if complaints:
        print(f"{NAME}: the configuration breaks {len(complaints)} rules; mend what is named above"
              " once the daemons run", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parse(argv)
    log.setup(NAME, debug=bool(options.debug))
    if not (options.verbose or options.debug):
        logging.getLogger().setLevel(logging.WARNING)
    try:
        return run(options)
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
    except OSError as err:
        print(f"{NAME}: {err.filename}: {err.strerror}", file=sys.stderr)
    return constants.EXIT_FAILURE


if __name__ == "__main__":
    sys.exit(main())
