"""Directories of scripts on a search path."""

import os

import pytest

from ganeti import errors
from ganeti.utils import scriptdir


@pytest.fixture
def path(tmp_path):
    """Two directories of a search path, each with one called 'tiny'."""
    for place in ("first", "second"):
        (tmp_path / place / "tiny").mkdir(parents=True)
    (tmp_path / "second" / "other").mkdir()
    (tmp_path / "second" / ".hidden").mkdir()
    (tmp_path / "second" / "file").write_text("")
    return [str(tmp_path / name) for name in ("first", "missing", "second")]


def test_the_first_of_a_name_wins(path):
    assert scriptdir.find("tiny", path) == f"{path[0]}/tiny"
    assert scriptdir.find("other", path) == f"{path[2]}/other"
    assert scriptdir.find("file", path) is None


def test_all_are_listed_in_order(path):
    assert [found for found, _ in scriptdir.find_all(path)] == ["tiny", "other", "tiny"]


def test_what_can_not_be_read_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OpExecError, match="Can not read"):
        list(scriptdir.find_all([str(tmp_path / "file")]))


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b"])
def test_no_names(name):
    assert not scriptdir.is_name(name)


def test_scripts_and_what_is_wrong_with_them(tmp_path):
    for name, mode in (("create", 0o755), ("import", 0o644)):
        (tmp_path / name).write_text("#!/bin/sh\n")
        os.chmod(tmp_path / name, mode)
    (tmp_path / "export").mkdir()
    problems = []
    found = scriptdir.scripts(str(tmp_path), ["create", "import", "rename"], ["export", "verify"],
                              problems)
    assert found == {"create": str(tmp_path / "create")}
    assert problems == ["import is not an executable file", "required script rename is missing",
                        "export is not an executable file"]


def test_lists_and_parameters(tmp_path):
    (tmp_path / "list").write_text("# all\na # one\n\n b\n")
    (tmp_path / "parameters").write_text("size how  large\n\tflavour\n")
    (tmp_path / "broken").write_bytes(b"\xff\xfe")
    problems = []
    assert scriptdir.lines(str(tmp_path), "list", problems, required=True) == ["a", "b"]
    assert scriptdir.lines(str(tmp_path), "none", problems, required=False) == []
    assert scriptdir.parameters(str(tmp_path), "parameters", problems) == [
        ("size", "how  large"), ("flavour", "")]
    assert problems == []
    assert scriptdir.lines(str(tmp_path), "none", problems, required=True) == []
    assert scriptdir.lines(str(tmp_path), "broken", problems, required=True) == []
    assert problems[0] == "required file none is missing"
    assert "can not read broken" in problems[1]
