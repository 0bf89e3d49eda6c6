"""Tables, nested information, and questions."""

import os
import subprocess
import sys

import pytest

from ganeti.cli import info, policy, table
from ganeti.constants import IPOLICY_DEFAULTS


def test_the_last_left_aligned_column_is_not_padded():
    columns = [table.Column("A"), table.Column("N", right=True), table.Column("Z")]
    rows = [["x", "10", "long cell"], ["yyy", "5", "s"]]
    assert table.lines(columns, rows, header=True, separator=None) == [
        "A    N Z", "x   10 long cell", "yyy  5 s"]


def test_a_separator_takes_the_padding_away():
    columns = [table.Column("A"), table.Column("N", right=True)]
    assert table.lines(columns, [["xxx", "1"]], header=True, separator=":") == ["A:N", "xxx:1"]
    assert table.lines(columns, [["xxx", "1"]], header=False, separator="") == ["xxx1"]


def test_a_right_aligned_last_column_is_padded():
    columns = [table.Column("A"), table.Column("Number", right=True)]
    assert table.lines(columns, [["x", "1"]], header=True, separator=None) == [
        "A Number", "x      1"]


@pytest.mark.parametrize(("kind", "name", "value", "text"), [
    ("unit", "x", 512, "512M"), ("unit", "x", 1536, "1.5G"), ("unit", "x", 1048576, "1.0T"),
    ("bool", "x", True, "Y"), ("bool", "x", False, "N"), ("timestamp", "x", None, "N/A"),
    ("other", "tags", ["a", "b"], "a,b"), ("other", "x", ["a"], "['a']"),
    ("number", "x", 5, "5"), ("text", "x", None, "None"),
])
def test_cells(kind, name, value, text):
    assert table.writer(kind, name, "h")(value) == text


def test_nested_values():
    value = [("Name", "x"), ("Empty", []), ("None", None), ("Flag", True),
             ("Tuple", ("a", 1)), ("Map", {"b": 1, "a": {"c": 2}}),
             ("List", ["one", [("k", "v"), ("l", "w")]])]
    assert info.lines(value) == [
        "Name: x", "Empty: ", "None: None", "Flag: True", "Tuple: [a, 1]", "Map: ", "  a: ",
        "    c: 2", "  b: 1", "List: ", "  - one", "  - k: v", "    l: w"]


def test_whole_numbers_have_no_fraction():
    assert info.lines({"a": 4.0, "b": 1.5}) == ["a: 4", "b: 1.5"]
    assert info.with_defaults({}, {"a": 1.0}) == {"a": "default (1)"}


def test_a_list_of_objects():
    assert info.lines([[("A", 1), ("B", [])], [("A", 2)]]) == ["- A: 1", "  B: ", "- A: 2"]


def test_inherited_parameters_are_marked():
    assert info.with_defaults({"a": 5}, {"a": 5, "b": ""}) == {"a": 5, "b": "default ()"}


@pytest.mark.parametrize(("value", "text"), [(1994, "MCMXCIV"), (4, "IV"), (0, 0), (True, True),
                                             ("x", "x"), (4000, 4000)])
def test_roman_numbers(value, text):
    assert info.roman(value) == text
    assert info.roman(value, wanted=False) == value


def test_policies_are_shown_and_written_as_options():
    shown = dict(policy.shown(IPOLICY_DEFAULTS))
    assert list(shown) == ["bounds specs", "std", "allowed disk templates", "vcpu-ratio",
                           "spindle-ratio"]
    of_group = dict(policy.shown(IPOLICY_DEFAULTS, {"vcpu-ratio": 4.0}))
    assert of_group["vcpu-ratio"] == 4.0 and of_group["spindle-ratio"] == "default (32)"
    assert of_group["bounds specs"][0][0][0] == "min/0"
    words = policy.as_options(IPOLICY_DEFAULTS)
    assert words[0] == "--ipolicy-bounds-specs" and words[2] == "--ipolicy-std-specs"
    from ganeti.cli import types
    assert types.bounds(words[1])[0]["max"]["disk-count"] == "16"


_ASK = """
import sys
from ganeti.cli import prompt
sys.exit(0 if {call} else 13)
"""


def answer(call, typed):
    """Run a question with a terminal of its own; the status and what the terminal showed."""
    pid, terminal = os.forkpty()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", _ASK.format(call=call)])
    os.write(terminal, typed.encode())
    shown = b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
    _pid, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


@pytest.mark.parametrize(("typed", "status"), [
    ("y\n", 0), ("n\n", 13), ("\n", 13), ("x\ny\n", 0), ("?\nn\n", 13), ("Y\n", 0)])
def test_questions(typed, status):
    found, shown = answer("prompt.confirm('Sure?')", typed)
    assert found == status
    assert "Sure?\r\ny/[n]/?: " in shown


def test_a_long_list_is_shown_on_demand():
    call = "prompt.confirm_many([f'web{n}' for n in range(30)], 'instances', 'shutdown')"
    status, shown = answer(call, "v\ny\n")
    assert status == 0 and "The shutdown will operate on 30 instances." in shown
    assert "y/v/[n]/?: " in shown and "web29" in shown
    assert "web29" not in answer(call, "y\n")[1]


def test_without_a_terminal_the_answer_is_no():
    done = subprocess.run([sys.executable, "-c", _ASK.format(call="prompt.confirm('Sure?')")],
                          start_new_session=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (13, b"")
    assert done.stderr.startswith(b"Sure?\nThere is no terminal to answer on")
