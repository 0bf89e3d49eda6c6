"""commands.log: each command is noted, secrets are not."""

import pathlib

import pytest

from ganeti import pathutils
from ganeti.cli import commandlog
from ganeti.cli.option import Option

OPTIONS = [Option("--os-parameters-private", dest="private", type="keyprivateval"),
           Option("-n", "--node", dest="node")]


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "commands.log"
    monkeypatch.setattr(pathutils, "LOG_COMMANDS", str(path))
    return path


def test_a_command_is_a_line(log, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "alice")
    commandlog.note("gnt-instance", "add", ["-n", "node1", "--node=two words", "a\nb"], OPTIONS)
    commandlog.note("gnt-node", "list", [], OPTIONS)
    first, second = log.read_text().splitlines()
    assert first.endswith(r"INFO alice runs: add -n node1 '--node=two words' 'a\nb'")
    assert " gnt-node pid=" in second and second.endswith("runs: list")
    assert log.stat().st_mode & 0o137 == 0


@pytest.mark.parametrize("words", [
    ["--os-parameters-private", "pass=hunter2"], ["--os-parameters-private=pass=hunter2"],
    ["--os-parameters-pri", "pass=hunter2"], ["--os-p=pass=hunter2", "-n", "node1"]])
def test_secrets_are_left_out(log, words):
    commandlog.note("gnt-instance", "add", [*words, "inst1"], OPTIONS)
    text = log.read_text()
    assert "hunter2" not in text and "inst1" in text and "redacted" in text


def test_without_a_place_to_write_nothing_happens(monkeypatch):
    monkeypatch.setattr(pathutils, "LOG_COMMANDS", "/proc/none/commands.log")
    commandlog.note("gnt-instance", "list", [], [])
    assert not pathlib.Path("/proc/none").exists()
