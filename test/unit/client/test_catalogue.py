"""Every command has the options and arguments of the catalogue, and a golden help text."""

import json
import os
from pathlib import Path

import pytest

from ganeti.cli import completion
from ganeti.cli.command import COMMON_OPTIONS

TEST = Path(__file__).parents[2]
CATALOGUE = json.loads((TEST / "data/catalogue/commands.json").read_text())
GOLDEN = TEST / "golden/help"

#: Commands that come with what they need.
LATER = {
    "gnt-cluster": {"epo", "upgrade"},
    # there is no wconfd here, and metad comes with the communication network
    "gnt-debug": {"metad", "wconfd"},
}
#: Commands that the original lacks.
OWN = {"gnt-instance": {"repair-disks"}}
COMMANDS = [(tool, name) for tool in completion.TOOLS
            for name in completion.load_tool(tool).commands]
CATALOGUED = [(tool, name) for tool, name in COMMANDS if name not in OWN.get(tool, set())]
#: read as what they mean, where the catalogue has any word
OWN_TYPES = {"--priority", "--ignore-offline-nodes"}
#: what the original lacks
OWN_OPTIONS = {("gnt-cluster", "master-failover"): {"--accept-older-data"}}
#: init fills it in itself, as the place depends on the node's root
OWN_DEFAULTS = {("gnt-cluster", "init", "--gluster-storage-dir")}


@pytest.mark.parametrize("name", completion.TOOLS)
def test_all_commands_are_there(name):
    tool, wanted = completion.load_tool(name), CATALOGUE[name]
    assert tool.commands.keys() - OWN.get(name, set()) \
        == wanted["commands"].keys() - LATER.get(name, set())
    aliases = {alias: command for command, row in wanted["commands"].items()
               for alias in row["aliases"] if command in tool.commands}
    assert tool.aliases == aliases
    assert tool.env_defaults == wanted["env"]


@pytest.mark.parametrize(("tool", "name"), CATALOGUED)
def test_options_are_those_of_the_catalogue(tool, name):
    command = completion.load_tool(tool).command(name)
    wanted = CATALOGUE[tool]["commands"][name]
    flags = [flag for option in command.options for flag in option.names]
    assert len(flags) == len(set(flags))
    common = {flag for option in COMMON_OPTIONS for flag in option.names}
    assert set(flags) - common - OWN_OPTIONS.get((tool, name), set()) == {
        flag for row in wanted["options"] for flag in row[0]}
    by_flag = {flag: option for option in command.options for flag in option.names}
    for names, action, kind, default in wanted["options"]:
        option = by_flag[names[0]]
        assert set(option.names) == set(names) and option.action == action
        if option.takes_word and names[0] not in OWN_TYPES:
            assert ("choice" if option.choices else option.type) == kind, names
        if (tool, name, names[0]) not in OWN_DEFAULTS:
            assert str(option.default or None) == str(default or None) \
                or str(option.default) == str(default), names


@pytest.mark.parametrize(("tool", "name"), CATALOGUED)
def test_arguments_are_those_of_the_catalogue(tool, name):
    command = completion.load_tool(tool).command(name)
    assert [[arg.kind, arg.min, arg.max] for arg in command.args] \
        == CATALOGUE[tool]["commands"][name]["args"]


@pytest.mark.parametrize(("tool", "name"), COMMANDS)
def test_help_is_complete(tool, name):
    command = completion.load_tool(tool).command(name)
    assert command.help and not command.help.endswith(".")
    assert command.example.startswith(f"{tool} {name}")
    assert all(option.help for option in command.options)


@pytest.mark.parametrize("name", completion.TOOLS)
def test_golden_help(name):
    """UPDATE_GOLDEN=1 writes the files anew; the diff shows what a change does to users."""
    tool = completion.load_tool(name)
    text = tool.usage() + "".join(
        f"\n{'=' * 72}\n{tool.command(command).help_text(name, command)}"
        for command in sorted(tool.commands))
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def test_examples_can_be_typed():
    """Each example is understood by its command's own options and arguments."""
    import shlex

    from ganeti.cli.option import parse
    for tool, name in COMMANDS:
        command = completion.load_tool(tool).command(name)
        words = shlex.split(command.example.split("&&")[0])[2:]
        _values, args = parse(command.options, words)
        command.check_count(name, args)
        command.check_choices(args)
