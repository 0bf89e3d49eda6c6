"""The journal: batches survive a crash at any point, names stay below the directory."""

import os
import resource

import pytest

from ganeti import errors
from ganeti.utils import journal


def contents(directory):
    found = {}
    for root, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(root, name)
            with open(path) as stream:
                found[os.path.relpath(path, directory)] = stream.read()
    return found


@pytest.fixture
def files(tmp_path):
    return journal.Journal(str(tmp_path))


def test_changes_are_carried_out_in_order(files, tmp_path):
    files.apply([["write", "job-1", "a"], ["write", "job-1", "b"], ["write", "serial", "1\n"]])
    files.apply([["rename", "job-1", "archive/0/job-1"], ["remove", "serial"]])
    files.close()
    assert contents(tmp_path) == {"archive/0/job-1": "b"}


def test_lost_files_come_back_from_the_journal(files, tmp_path):
    files.apply([["write", "job-1", "first\0with a zero"], ["write", "job-2", "zwei \u00e4"]])
    files.apply([["rename", "job-2", "archive/0/job-2"]])
    os.truncate(tmp_path / "job-1", 0)
    os.rename(tmp_path / "archive/0/job-2", tmp_path / "job-2")
    again = journal.Journal(str(tmp_path))
    assert again.replay() == 3
    assert contents(tmp_path) == {"job-1": "first\0with a zero", "archive/0/job-2": "zwei \u00e4"}


def test_a_torn_record_at_the_end_is_ignored(files, tmp_path):
    files.apply([["write", "job-1", "whole"]])
    (segment,) = tmp_path.glob("journal-*")
    with open(segment, "ab") as stream:
        stream.write(b"500 deadbeef\nwrite\0job-2\0half")
    assert journal.Journal(str(tmp_path)).replay() == 1
    assert contents(tmp_path) == {"job-1": "whole"}


def test_a_record_that_did_not_fit_hides_no_later_one(files, tmp_path):
    files.apply([["write", "job-1", "a"]])
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, former[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            files.apply([["write", "job-2", "b" * 2000]])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    files.apply([["write", "job-3", "c"]])
    os.unlink(tmp_path / "job-3")
    assert journal.Journal(str(tmp_path)).replay() == 2
    assert contents(tmp_path) == {"job-1": "a", "job-3": "c"}


def test_segments_are_removed_when_their_files_are_safe(tmp_path):
    files = journal.Journal(str(tmp_path), segment_bytes=100)
    for number in range(20):
        files.apply([["write", f"job-{number}", "x" * 50]])
    files.close()
    assert sorted(contents(tmp_path)) == sorted(f"job-{n}" for n in range(20))


def test_a_writer_goes_on_after_another_process_replayed(files, tmp_path):
    files.apply([["write", "job-1", "a"]])
    journal.Journal(str(tmp_path)).replay()
    files.apply([["write", "job-2", "b"]])
    os.unlink(tmp_path / "job-2")
    journal.Journal(str(tmp_path)).replay()
    assert contents(tmp_path) == {"job-1": "a", "job-2": "b"}


@pytest.mark.parametrize("change", [
    ["write", "../etc/passwd", "x"], ["write", "/etc/passwd", "x"], ["write", "a/../b", "x"],
    ["rename", "job-1", "../job-1"], ["write", "journal-1", "x"], ["remove", ".hidden"],
    ["write", "job-1"], ["chmod", "job-1", "x"], ["write", "job-1", 5], "write", [],
])
def test_foreign_changes_are_refused(change):
    with pytest.raises(errors.ParameterError):
        journal.check_changes([change])
