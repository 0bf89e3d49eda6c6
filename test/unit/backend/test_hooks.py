"""Hook scripts run for real."""

from __future__ import annotations

import os

import pytest

from ganeti import constants, errors, pathutils
from ganeti.backend import hooks


@pytest.fixture
def directory() -> str:
    return os.path.join(pathutils.HOOKS_BASE_DIR, "instance-start-pre.d")


def run(env=None):
    return hooks.hooks_runner("instance-start", constants.HOOKS_PHASE_PRE, env or {})


def test_without_a_directory_nothing_runs():
    assert run() == []


def test_results_come_in_sorted_order_with_output(directory, script):
    script(f"{directory}/20second", "echo two; echo err >&2")
    script(f"{directory}/10first", "echo one")
    assert run() == [
        ["instance-start-pre.d/10first", constants.HKR_SUCCESS, "one\n"],
        ["instance-start-pre.d/20second", constants.HKR_SUCCESS, "two\nerr\n"]]


def test_a_failing_script_is_told_and_the_others_still_run(directory, script):
    script(f"{directory}/10bad", "echo no way; exit 3")
    script(f"{directory}/20good", "echo fine")
    assert [row[1] for row in run()] == [constants.HKR_FAIL, constants.HKR_SUCCESS]
    assert run()[0][2] == "no way\n"


@pytest.mark.parametrize("name", ["with.dot", "has space", "back~"])
def test_odd_names_are_skipped(directory, script, name):
    script(f"{directory}/{name}", "echo must not run")
    assert run() == [[f"instance-start-pre.d/{name}", constants.HKR_SKIP, ""]]


def test_what_is_not_executable_is_skipped(directory, script):
    script(f"{directory}/10plain", "echo no", mode=0o644)
    os.mkdir(f"{directory}/20dir")
    assert [row[1] for row in run()] == [constants.HKR_SKIP, constants.HKR_SKIP]


def test_the_environment_is_only_what_was_given(directory, script, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "x")
    script(f"{directory}/10env", "/usr/bin/env | /usr/bin/sort; pwd; read line || echo no stdin")
    [[_, code, output]] = run({"GANETI_OP_CODE": "OP_INSTANCE_STARTUP", "GANETI_N": 3})
    assert code == constants.HKR_SUCCESS
    lines = output.splitlines()
    assert "GANETI_OP_CODE=OP_INSTANCE_STARTUP" in lines
    assert "GANETI_N=3" in lines
    assert not [line for line in lines if "SECRET" in line or line.startswith("PATH=")]
    assert lines[-2:] == ["/", "no stdin"]


def test_garbage_output_arrives_readable(directory, script):
    script(f"{directory}/10garbage", r"printf '\377\376\000ok'")
    [[_, code, output]] = run()
    assert code == constants.HKR_SUCCESS
    assert output.endswith("ok")


def test_a_missing_interpreter_is_a_failure(directory, script):
    script(f"{directory}/10lost", "echo", interpreter="/no/such/shell")
    [[_, code, output]] = run()
    assert code == constants.HKR_FAIL
    assert "10lost" in output


def test_a_killed_script_is_a_failure(directory, script):
    script(f"{directory}/10dies", "kill -9 $$")
    assert run()[0][1] == constants.HKR_FAIL


@pytest.mark.parametrize("hpath", ["../../tmp", "a/b", ""])
def test_a_path_out_of_the_directory_is_refused(hpath):
    with pytest.raises(errors.ProgrammerError):
        hooks.hooks_runner(hpath, constants.HOOKS_PHASE_PRE, {})


def test_an_unknown_phase_is_refused():
    with pytest.raises(errors.ProgrammerError, match="during"):
        hooks.hooks_runner("instance-start", "during", {})
