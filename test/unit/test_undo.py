"""The stack of reverse steps."""

import pytest

from ganeti import errors
from ganeti.undo import Undo


def test_failure_takes_back_newest_first_and_goes_on_after_a_failing_step():
    done, said = [], []

    def broken():
        raise errors.BlockDeviceError("busy")

    with pytest.raises(ValueError, match="half-way"):
        with Undo(said.append) as undo:
            undo.push("first", done.append, 1)
            undo.push("middle", broken)
            undo.push("last", done.append, 3)
            raise ValueError("half-way")
    assert done == [3, 1]
    assert undo.failed == ["middle"]
    assert "Undo failed: middle: busy" in said


def test_success_is_kept():
    done = []
    with Undo() as undo:
        undo.push("first", done.append, 1)
        undo.forget()
    assert done == []


def test_leaving_without_forget_takes_back():
    done = []
    with Undo() as undo:
        undo.push("first", done.append, 1)
        assert len(undo) == 1
    assert done == [1]
