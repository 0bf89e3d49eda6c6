"""What is declared is used: parameters of opcodes and of hypervisors, options, constants, codes."""

from __future__ import annotations

import ast
import collections
import importlib
import inspect
import pathlib

import pytest

from ganeti import constants, opcodes
from ganeti.cli import completion
from ganeti.cli.command import COMMON_OPTIONS
from ganeti.cmdlib import registry as units
from ganeti.cmdlib.cluster.verify import checks
from ganeti.hypervisor import registry as hypervisors
from test import reach, sources

# Parameters of opcodes ------------------------------------------------------------------------

#: Operations that come with what they need; they are refused when they are submitted.
UNITS_LATER: set[str] = set()
READ_ELSEWHERE = {
    ("OP_NODE_ADD", "node_setup"): "gnt-node add prepares the machine before it submits",
    ("OP_TEST_DELAY", "no_locks"): "the catalogue: locks are taken regardless of it",
}


def read_by_unit(op_id: str) -> set[str]:
    found = reach.Reach(["ganeti.cmdlib", "ganeti.masterd"])
    for kind in inspect.getmro(units.unit_class(op_id)):
        if kind.__module__.startswith("ganeti.cmdlib."):
            found.add(sources.home(kind.__module__), kind.__name__)
    return found.attributes("op") | found.strings()


def test_opcodes_without_a_unit_are_known():
    assert {op_id for op_id in opcodes.op_ids() if not units.is_supported(op_id)} == UNITS_LATER


@pytest.mark.parametrize("op_id", sorted(set(opcodes.op_ids()) - UNITS_LATER))
def test_every_parameter_is_read_by_the_unit(op_id):
    parameters = opcodes.get_class(op_id).FIELDS.keys() - opcodes.COMMON.keys()
    unread = {name for name in parameters - read_by_unit(op_id)
              if (op_id, name) not in READ_ELSEWHERE}
    assert not unread


def test_exceptions_are_still_ones():
    known = {(op_id, name) for op_id, name in READ_ELSEWHERE
             if name in opcodes.get_class(op_id).FIELDS and name not in read_by_unit(op_id)}
    assert known == set(READ_ELSEWHERE)


# Options of commands --------------------------------------------------------------------------

COMMANDS = [(tool, name) for tool in completion.TOOLS
            for name in completion.load_tool(tool).commands]


#: Options that scripts may give as before, though nothing follows from them.
WITHOUT_MEANING = {
    ("gnt-instance", "console"): {"priority"},  # no job is submitted
    ("gnt-cluster", "renew-crypto"): {"ssh_key_check"},  # nodes are not reached over SSH
}


def read_by_command(tool: str, name: str) -> set[str]:
    function = completion.load_tool(tool).command(name).function
    found = reach.Reach(["ganeti.cli", "ganeti.client", "ganeti.opcodes"])
    found.add(pathlib.Path(inspect.getsourcefile(function)), function.__qualname__.split(".")[0])
    read = found.attributes("values") | found.strings()
    for op_name in found.names():
        kind = getattr(opcodes, op_name, None) if op_name.startswith("Op") else None
        if isinstance(kind, type):
            read |= {field for field, spec in kind.FIELDS.items() if spec.flag is not None}
    return read


@pytest.mark.parametrize(("tool", "name"), COMMANDS)
def test_every_option_is_read_by_its_command(tool, name):
    own = completion.load_tool(tool).command(name).options[len(COMMON_OPTIONS):]
    unread = {option.dest for option in own} - read_by_command(tool, name)
    unread -= WITHOUT_MEANING.get((tool, name), set())
    assert not unread


def test_options_of_all_commands_are_read_in_one_place():
    found = reach.Reach(["ganeti.cli"])
    found.add(sources.home("ganeti.cli.report"), "guarded")
    found.add(sources.home("ganeti.cli.jobs"), "submit_or_send")
    assert {option.dest for option in COMMON_OPTIONS} <= (
        found.attributes("values") | found.strings())


# Parameters of hypervisors --------------------------------------------------------------------

#: The file or package of a driver: "ganeti.hypervisor.kvm.driver:KvmHypervisor" lies in kvm
DRIVERS = {name: where.split(":")[0].split(".")[2] for name, where in constants.HYPERVISORS}
#: Parameters that are read for all drivers: by the master, and of nodes
READ_FOR_ALL = ["cmdlib/instance/migrate.py", "cmdlib/instance/migration.py",
                "hypervisor/linux.py"]


def words_of(paths: list[pathlib.Path]) -> set[str]:
    found = set()
    for path in paths:
        found |= sources.strings(path)
        found |= {value for owner, name in sources.attributes(path) if owner == "constants"
                  and isinstance(value := getattr(constants, name, None), str)}
    return found


def test_every_hypervisor_has_a_driver():
    assert set(DRIVERS) == set(constants.HYPER_TYPES) == set(hypervisors.names())


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_every_parameter_is_used_in_the_driver(name):
    home = sources.ROOT / "ganeti"
    files = [home / place for place in READ_FOR_ALL]
    place = home / "hypervisor" / DRIVERS[name]
    files += sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    unused = set(constants.HV_TABLES[name].names) - words_of(files)
    assert not unused


# Constants, codes ------------------------------------------------------------------------------

def constant_names() -> dict[str, list[str]]:
    """Public constant -> the modules that define it."""
    found = collections.defaultdict(list)
    for path in sources.below("constants"):
        for node in sources.tree(path).body:
            targets = (node.targets if isinstance(node, ast.Assign)
                       else [node.target] if isinstance(node, ast.AnnAssign) else [])
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and not name.id.startswith("_"):
                        found[name.id].append(sources.relative(path))
    return found


def test_constants_are_defined_once():
    assert not {name: homes for name, homes in constant_names().items() if len(homes) > 1}


def test_every_constant_is_used():
    read = set()
    for path in [*sources.SOURCES, *(sources.ROOT / "test").rglob("*.py")]:
        for node in ast.walk(sources.tree(path)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                read.add(node.id)
            elif isinstance(node, ast.Attribute):
                read.add(node.attr)
            elif isinstance(node, ast.ImportFrom) and "constants" not in path.parts:
                read.update(alias.name for alias in node.names)
    unused = sorted(set(constant_names()) - read)
    assert not unused


def test_every_verify_code_has_a_check_and_a_command_that_mends_it():
    codes = {value for name, value in vars(constants).items()
             if isinstance(value, constants.VerifyCode)}
    rows = [*checks.CONFIG_CHECKS, *checks.GROUP_CHECKS, checks.HOOKS_CHECK]
    assert codes == {row.code for row in rows}
    assert all(row.mend for row in rows)


def test_public_names_of_packages_are_there():
    for path in sources.SOURCES:
        for node in sources.tree(path).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
                names = ast.literal_eval(node.value)
                module = importlib.import_module(
                    sources.relative(path).removesuffix(".py").removesuffix("/__init__")
                    .replace("/", "."))
                assert len(names) == len(set(names))
                assert not [name for name in names if not hasattr(module, name)]
