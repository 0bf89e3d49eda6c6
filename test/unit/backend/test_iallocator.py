"""Allocator programs run for real."""

from __future__ import annotations

import os

import pytest

from ganeti import errors, pathutils
from ganeti.backend import delay, iallocator


@pytest.fixture
def directory() -> str:
    return pathutils.IALLOCATOR_SEARCH_PATH[0]


def test_it_gets_the_request_in_a_file_and_its_parameters(directory, script):
    script(f"{directory}/echo", 'cat "$1"; shift; echo " $*"')
    assert iallocator.iallocator_runner(
        "echo", '{"a": 1}', {"simulate": "x y", "verbose": None, "quiet": ""}
    ) == '{"a": 1} --simulate=x y --verbose --quiet\n'
    assert not [name for name in os.listdir(pathutils.RUN_DIR) if "iallocator" in name]


def test_its_failure_is_told(directory, script):
    script(f"{directory}/bad", "echo no room >&2; exit 4")
    with pytest.raises(errors.OpExecError, match="exit status 4.*no room"):
        iallocator.iallocator_runner("bad", "{}", None)


@pytest.mark.parametrize("name", ["none", "../../../bin/sh", "", ".hidden"])
def test_what_is_not_there_is_refused(name):
    with pytest.raises(errors.OpExecError, match="iallocator"):
        iallocator.iallocator_runner(name, "{}", None)


def test_what_is_not_executable_is_not_there(directory, script):
    script(f"{directory}/plain", "true", mode=0o644)
    with pytest.raises(errors.OpExecError, match="no iallocator 'plain'"):
        iallocator.iallocator_runner("plain", "{}", None)


@pytest.mark.parametrize("duration", [-1, "1", None, True])
def test_a_wrong_delay_is_refused(duration):
    with pytest.raises(errors.OpExecError, match="Can not wait"):
        delay.test_delay(duration)


def test_a_delay_ends():
    assert delay.test_delay(0.01) is None
