"""The rules of the house that a program can check: sizes, capabilities instead of names, tables."""

from __future__ import annotations

import ast
import inspect
import pathlib
import re
from collections.abc import Iterator

import pytest

from ganeti import backend, constants
from ganeti.rpc import defs
from test import sources

FILE_LINES = 600
FUNCTION_LINES = 60

#: Who may know a driver by its name: the drivers, and the tables that declare the names
OWN_FILES = ("ganeti/storage/", "ganeti/hypervisor/", "ganeti/constants/")
#: Files whose subject on the wire is one type by definition
ONE_TYPE_BY_DEFINITION = {
    "ganeti/confd/answers.py": "the catalogue's confd query about a node's DRBD minors",
}
DRIVER_NAMES = {name for name, value in vars(constants).items()
                if (name.startswith("HT_") and value in constants.HYPER_TYPES)
                or (name.startswith("DT_") and value in constants.DISK_TEMPLATES)}


def names_in(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute):
            yield child.attr
        elif isinstance(child, ast.Name):
            yield child.id


def comparisons_by_name(path: pathlib.Path) -> Iterator[str]:
    """Places that ask for a driver by its name instead of for what it can do."""
    for node in ast.walk(sources.tree(path)):
        if isinstance(node, ast.Compare):
            found = DRIVER_NAMES & set(names_in(node))
        elif isinstance(node, ast.match_case):
            found = DRIVER_NAMES & set(names_in(node.pattern))
        else:
            continue
        if found:
            line = getattr(node, "lineno", None) or node.pattern.lineno
            yield f"{sources.relative(path)}:{line} compares with {', '.join(sorted(found))}"


def paths_kept(path: pathlib.Path) -> Iterator[str]:
    """Module-level values into which a path was copied when the module was imported."""
    for statement in sources.tree(path).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            waiting: list[ast.AST] = [statement]
            while waiting:
                node = waiting.pop()
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pathutils" \
                        and node.attr.isupper():
                    yield f"{sources.relative(path)}:{node.lineno} copies pathutils.{node.attr}"
                if not isinstance(node, ast.Lambda):
                    waiting += ast.iter_child_nodes(node)


def test_paths_are_read_when_used():
    """Else a test that moves the node's tree would write to the machine it runs on."""
    found = [place for path in sources.SOURCES if path.name != "pathutils.py"
             for place in paths_kept(path)]
    assert not found, "\n".join(found)


def test_drivers_are_asked_for_capabilities_not_for_names():
    found = [place for path in sources.SOURCES if not sources.relative(path).startswith(OWN_FILES)
             and sources.relative(path) not in ONE_TYPE_BY_DEFINITION
             for place in comparisons_by_name(path)]
    assert not found, "\n".join(found)


def test_the_check_for_names_finds_them(tmp_path, monkeypatch):
    """The check itself: what it must find."""
    source = tmp_path / "bad.py"
    source.write_text("def f(x):\n    return x == constants.DT_FILE\n")
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    assert list(comparisons_by_name(source)) == ["bad.py:2 compares with DT_FILE"]


def test_files_are_one_subject():
    long = [f"{sources.relative(path)}: {lines} lines" for path in sources.SOURCES
            if (lines := len(sources.text(path).splitlines())) > FILE_LINES]
    assert not long, "\n".join(long)


def test_functions_are_one_step():
    long = []
    for path in sources.SOURCES:
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    place = f"{sources.relative(path)}:{node.lineno}"
                    long.append(f"{place} {node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_modules_say_what_lives_in_them():
    bare = [sources.relative(path) for path in sources.SOURCES
            if sources.text(path).strip() and not ast.get_docstring(sources.tree(path))]
    assert not bare, "\n".join(bare)


def lines_with(pattern: str) -> list[str]:
    return [f"{sources.relative(path)}:{number}: {line.strip()}" for path in sources.SOURCES
            for number, line in enumerate(sources.text(path).splitlines(), 1)
            if re.search(pattern, line)]


def test_nothing_is_left_for_later():
    found = lines_with(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert not found, "\n".join(found)


def test_checkers_are_silenced_for_one_rule_only():
    found = lines_with(r"# (type: ignore|noqa)(?![\[:])")
    assert not found, "\n".join(found)


# One way to do each thing ----------------------------------------------------------------------

#: Where all errors are caught: the ends of threads, tasks, requests and programs. Each logs.
BOUNDARIES = {
    "ganeti/cli/report.py": "the end of a command",
    "ganeti/constants/drivers.py": "the import of a package that is not ours",
    "ganeti/confd/server.py": "a datagram", "ganeti/luxi/server.py": "a LUXI request",
    "ganeti/rapi/app.py": "a RAPI request", "ganeti/rpc/server.py": "a node call",
    "ganeti/rpc/workers.py": "a worker thread", "ganeti/jqueue/pool.py": "a worker thread",
    "ganeti/config/store.py": "a follower of the configuration",
    "ganeti/jqueue/runner.py": "a job", "ganeti/utils/daemon.py": "the end of a daemon",
    "ganeti/watcher/main.py": "the end of the watcher",
}
#: Programs that act on the machine from outside, before or without a node on it.
OUTSIDE = ("ganeti/tools/vcluster/", "ganeti/tools/demo.py", "ganeti/tools/install.py",
           "ganeti/tools/demo_guest/", "ganeti/htools/prog/")


def test_errors_are_caught_by_their_class():
    found = []
    for path in sources.SOURCES:
        for node in ast.walk(sources.tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = set(names_in(node.type)) if node.type is not None else {"BaseException"}
            again = any(isinstance(child, ast.Raise) for child in ast.walk(node))
            if caught & {"Exception", "BaseException"} and not again \
                    and sources.relative(path) not in BOUNDARIES:
                found.append(f"{sources.relative(path)}:{node.lineno}")
    assert not found, "\n".join(found)


PROGRAMS = {
    "ganeti/utils/process.py": "the place",
    "ganeti/watcher/main.py": "itself for each group; what they say is what the watcher says",
}


def test_programs_are_run_in_one_place():
    found = [place for place in lines_with(r"^(import subprocess|from subprocess)|shell=True"
                                           r"|os\.(system|popen|spawn)")
             if not place.startswith((*OUTSIDE, *PROGRAMS))]
    assert not found, "\n".join(found)


#: Who opens files for writing by itself, beside utils/io.
WRITES = {
    "ganeti/backend/files.py": "/etc/hosts, in place, since it may be a bind mount",
    "ganeti/backend/os.py": "the log of an OS script",
    "ganeti/cli/prompt.py": "the terminal",
    "ganeti/hypervisor/linux.py": "the kernel's sysrq-trigger",
    "ganeti/hypervisor/lxc/cgroup.py": "the kernel's control groups",
    "ganeti/storage/images.py": "the disk itself",
    "ganeti/utils/process.py": "the output of programs",
    "ganeti/utils/log.py": "the log",
}


def writes_of(path: pathlib.Path) -> Iterator[str]:
    """Places that open a file for writing, or write it whole."""
    for node in ast.walk(sources.tree(path)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        modes = [arg.value for arg in (*node.args[1:2], *(
            word.value for word in node.keywords if word.arg == "mode"))
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in ("write_text", "write_bytes") or (
                name in ("open", "fdopen") and any(set(mode) & set("wax+") for mode in modes)):
            yield f"{sources.relative(path)}:{node.lineno}"


def test_files_are_written_in_one_place():
    allowed = (*OUTSIDE, "ganeti/utils/io.py", *WRITES)
    found = [place for path in sources.SOURCES if not sources.relative(path).startswith(allowed)
             for place in writes_of(path)]
    assert not found, "\n".join(found)
    assert all(list(writes_of(sources.ROOT / name)) for name in WRITES), "an exception is old"


#: Pauses, each with what it waits for: nothing there tells by itself.
PAUSES = {
    "ganeti/backend/delay.py": "the delay itself",
    "ganeti/backend/instance.py": "a guest's own shutdown; a hypervisor that has just started it",
    "ganeti/backend/node.py": "the answer has to go out before the machine does; slows guessing",
    "ganeti/backend/ssh.py": "another writer of the key file",
    "ganeti/client/gnt_debug/locks.py": "the interval that was asked for",
    "ganeti/cmdlib/instance/disks.py": "a mirror's synchronisation",
    "ganeti/cmdlib/instance/mirrors.py": "copies that have to be in step",
    "ganeti/cmdlib/instance/migration.py": "a migration's progress",
    "ganeti/cmdlib/instance/transfer.py": "the progress of transfers",
    "ganeti/cmdlib/node/power.py": "the pause between nodes that was asked for",
    "ganeti/config/distribute.py": "a newer version on its way to the writer",
    "ganeti/config/store.py": "room on a full disk",
    "ganeti/hypervisor/chroot.py": "the end of processes that are no children; their open files",
    "ganeti/hypervisor/kvm/kvmd.py": "a monitor that another client holds",
    "ganeti/hypervisor/kvm/launch.py": "QEMU's start: its PID file and its socket",
    "ganeti/hypervisor/kvm/life.py": "QEMU's end",
    "ganeti/hypervisor/kvm/migrate.py": "a migration's progress",
    "ganeti/hypervisor/kvm/qmp.py": "a socket that QEMU has not opened yet",
    "ganeti/hypervisor/kvm/tpm.py": "the start of a guest's TPM",
    "ganeti/hypervisor/lxc/cgroup.py": "processes that ended, but are in their group still",
    "ganeti/hypervisor/lxc/life.py": "the end of processes that are no children",
    "ganeti/jqueue/replica.py": "a candidate that does not answer",
    "ganeti/jqueue/store.py": "room on a full disk",
    "ganeti/luxi/client.py": "a master daemon that starts",
    "ganeti/masterd/lifecycle.py": "the candidates' copies of the queue, at the start",
    "ganeti/masterd/luxi/jobs.py": "nothing: lets others run between two parts of a long answer",
    "ganeti/masterd/office.py": "other nodes' opinion of who is the master",
    "ganeti/masterd/voting.py": "nodes that start at the same time",
    "ganeti/rpc/client.py": "nothing: lets closed transports end before the loop does",
    "ganeti/utils/io.py": "a lock of another process, with a time-out",
    "ganeti/utils/process.py": "the end of a group of processes",
    "ganeti/utils/retry.py": "what the caller says",
    "ganeti/utils/ssh.py": "a program's output on a channel",
}


def test_who_sleeps_says_for_what():
    allowed = (*OUTSIDE, *PAUSES)
    found = lines_with(r"(time|asyncio)\.sleep\b")
    assert not [place for place in found if not place.startswith(allowed)]
    assert {name for name in PAUSES if not any(place.startswith(name) for place in found)} == set()


def test_registries_are_visible_lists():
    for registry in (constants.STORAGE, constants.HYPERVISORS, backend.MODULES, defs.SUBJECTS):
        assert isinstance(registry, list)
        assert registry


def test_no_registry_names_anything_twice():
    for values in ([name for name, _ in constants.STORAGE],
                   [name for name, _ in constants.HYPERVISORS], backend.MODULES):
        assert len(values) == len(set(values))


# The table of calls and the functions that answer them ---------------------------------------

def test_every_call_is_answered_or_listed_as_coming_later():
    unanswered = {name for name in defs.table() if backend.resolve(name) is None}
    assert unanswered == backend.LATER


@pytest.mark.parametrize("name", sorted(defs.table().keys() - backend.LATER))
def test_functions_take_what_the_table_sends(name):
    function = backend.resolve(name)
    assert function is not None, f"no function {name}"
    names = [arg.name for arg in defs.table()[name].args]
    parameters = list(inspect.signature(function).parameters.values())
    taken = [parameter.name for parameter in parameters
             if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert taken[:len(names)] == names
    surplus = [parameter.name for parameter in parameters[len(names):]
               if parameter.default is parameter.empty]
    assert not surplus, f"{name} needs {surplus}, which no caller sends"


def test_every_function_is_documented():
    bare = [name for name in defs.table()
            if (function := backend.resolve(name)) is not None and not function.__doc__]
    assert not bare, ", ".join(bare)
