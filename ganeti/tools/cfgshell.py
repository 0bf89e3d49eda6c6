"""cfgshell: walk through config.data like through directories, and repair it by hand.

For emergencies: the master daemon has to be stopped to save, and what is saved is checked first.
"""

from __future__ import annotations

import argparse
import cmd
import os
import shlex
import sys
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.config import files, verify
from ganeti.tools import cfgupgrade
from ganeti.utils import io

NAME = "cfgshell"


class Problem(errors.GenericError):
    """What was typed can not be done."""


class Shell(cmd.Cmd):
    """The commands; each do_NAME is one."""

    prompt = "config:/> "

    def __init__(self) -> None:
        super().__init__()
        self.path = ""
        self.changed = False
        self._tree: Any = None
        self._place: list[str] = []

    # Around every command.

    def onecmd(self, line: str) -> bool:
        """Carry a line out; problems are told and end nothing."""
        try:
            return bool(super().onecmd(line))
        except errors.GenericError as err:
            print(f"Error: {errors.text(err)}")
        except OSError as err:
            print(f"Error: {err.filename}: {err.strerror}")
        except ValueError as err:
            print(f"Error: {err}")
        return False

    def postcmd(self, stop: bool, line: str) -> bool:
        """Show the place in the prompt."""
        self.prompt = f"config:/{'/'.join(self._place)}> "
        return stop

    def emptyline(self) -> bool:
        """An empty line does nothing."""
        return False

    def default(self, line: str) -> None:
        """An unknown command."""
        if line == "EOF":
            raise Problem("Type quit to leave")
        raise Problem(f"There is no command '{line.split()[0]}'; type help")

    # Finding things.

    def _steps(self, path: str) -> list[str]:
        steps = [] if path.startswith("/") else list(self._place)
        for step in path.split("/"):
            if step == "..":
                steps = steps[:-1]
            elif step not in ("", "."):
                steps.append(step)
        return steps

    def _find(self, steps: list[str]) -> Any:
        if self._tree is None:
            raise Problem("No configuration is loaded; type load FILE")
        value = self._tree
        for index, step in enumerate(steps):
            value = _child(value, step, "/" + "/".join(steps[:index + 1]))
        return value

    # The commands.

    def do_load(self, line: str) -> None:
        """load [FILE]: read a configuration"""
        path = _only(line) or pathutils.CLUSTER_CONF_FILE
        self._tree = cfgupgrade.read_tree(path)
        self.path, self.changed, self._place = path, False, []
        print(f"Loaded {path}, version {self._tree['version']}, serial"
              f" {self._tree.get('serial_no')}")

    def do_ls(self, line: str) -> None:
        """ls [PATH]: what is there; a / marks what can be entered"""
        value = self._find(self._steps(_only(line)))
        pairs = (value.items() if isinstance(value, dict)
                 else enumerate(value) if isinstance(value, list) else ())
        for key, item in pairs:
            if isinstance(item, (dict, list)):
                name = item.get("name") if isinstance(item, dict) else None
                print(f"{key}/{f'  ({name})' if name else ''}")
            else:
                print(key)

    def do_cd(self, line: str) -> None:
        """cd [PATH]: go there (uuids of objects may be given by name)"""
        steps = self._steps(_only(line) or "/")
        if not isinstance(self._find(steps), (dict, list)):
            raise Problem(f"/{'/'.join(steps)} is a value")
        self._place = steps

    def do_pwd(self, _line: str) -> None:
        """pwd: where we are"""
        print("/" + "/".join(self._place))

    def do_cat(self, line: str) -> None:
        """cat [PATH]: show as JSON"""
        print(serializer.dumps(self._find(self._steps(_only(line))), indent=2))

    def do_set(self, line: str) -> None:
        """set PATH JSON: change or add a value"""
        path, _, text = line.strip().partition(" ")
        if not text.strip():
            raise Problem("set needs a path and a JSON value, such as: set cluster/mac_prefix"
                          ' "aa:00:00"')
        steps = self._steps(path)
        if not steps:
            raise Problem("The whole configuration can not be set")
        holder = self._find(steps[:-1])
        value = serializer.load(text, "The value")
        if isinstance(holder, dict):
            holder[_key(holder, steps[-1])] = value
        elif isinstance(holder, list):
            _child(holder, steps[-1], path)
            holder[int(steps[-1])] = value
        else:
            raise Problem(f"/{'/'.join(steps[:-1])} is a value")
        self.changed = True

    def do_rm(self, line: str) -> None:
        """rm PATH: remove a value"""
        steps = self._steps(_only(line))
        if not steps:
            raise Problem("Tell what to remove")
        self._find(steps)
        holder = self._find(steps[:-1])
        del holder[_key(holder, steps[-1]) if isinstance(holder, dict) else int(steps[-1])]
        self.changed = True

    def do_verify(self, _line: str) -> None:
        """verify: check it against the rules of consistency"""
        problems = verify.verify(self._config())
        for text in problems:
            print(text)
        print(f"{len(problems)} problems" if problems else "No problems")

    def do_save(self, line: str) -> None:
        """save [FILE]: write it; the former file is kept as a copy"""
        path = _only(line) or self.path
        self._config()
        if os.path.realpath(path) == os.path.realpath(pathutils.CLUSTER_CONF_FILE):
            pid = io.locked_pid(pathutils.daemon_pid_file(constants.MASTERD))
            if pid:
                raise Problem(f"The master daemon runs (process {pid}) and would overwrite it;"
                              " stop it first")
            self._tree["serial_no"] = self._tree.get("serial_no", 0) + 1
        kept = files.replace(path, serializer.dump(self._tree, private=True))
        self.changed = False
        print(f"Saved {path}" + (f", the former one is {kept}" if kept else ""))

    def do_quit(self, line: str) -> bool:
        """quit [-f]: leave (with -f also without saving)"""
        if self.changed and line.strip() != "-f":
            raise Problem("There are changes that were not saved; save, or quit -f")
        return True

    def _config(self) -> objects.ConfigData:
        tree = self._find([])
        if tree["version"] != constants.CONFIG_VERSION:
            raise Problem(f"It has version {tree['version']}; cfgupgrade makes it"
                          f" {constants.CONFIG_VERSION}")
        return objects.ConfigData.from_dict(tree)


def _only(line: str) -> str:
    words = shlex.split(line)
    if len(words) > 1:
        raise Problem("One argument is enough")
    return words[0] if words else ""


def _key(holder: dict[str, Any], step: str) -> str:
    """The key itself, or the uuid of the object with that name."""
    if step in holder:
        return step
    for uuid, item in holder.items():
        if isinstance(item, dict) and item.get("name") == step and item.get("uuid") == uuid:
            return uuid
    return step


def _child(value: Any, step: str, path: str) -> Any:
    if isinstance(value, dict) and _key(value, step) in value:
        return value[_key(value, step)]
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return value[int(step)]
    raise Problem(f"There is no {path}")


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False, description="Look at and repair a configuration by hand.")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    parser.add_argument("file", nargs="?", help="the configuration "
                        f"(default: {pathutils.CLUSTER_CONF_FILE})")
    options = parser.parse_args(argv)
    shell = Shell()
    path = options.file or pathutils.CLUSTER_CONF_FILE
    try:
        shell.do_load(shlex.quote(path))
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    if not sys.stdin.isatty():
        shell.prompt = ""
        return _from_stdin(shell)
    shell.cmdloop("Type help for the commands.")
    return constants.EXIT_SUCCESS


def _from_stdin(shell: Shell) -> int:
    """Commands of a script, one a line."""
    for line in sys.stdin:
        if shell.onecmd(line.strip()):
            break
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
