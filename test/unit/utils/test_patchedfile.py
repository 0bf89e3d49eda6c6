"""A long file with a journal of its small changes: whole at any moment, whatever is cut off."""

import os
import random
import threading

import pytest

from ganeti import errors
from ganeti.utils import io, patch, patchedfile

LIMIT = 1 << 18


def text(number, lines=60):
    return b'{"serial":%d,\n' % number + b"".join(
        b'"line %06d":"which is long enough to be found"\n' % n for n in range(lines)) + b"}\n"


@pytest.fixture
def path(tmp_path):
    found = str(tmp_path / "config.data")
    patchedfile.PatchedFile(found).replace(text(0), mode=0o640)
    return found


def append(kept, first, last, lines=60):
    for number in range(first, last + 1):
        kept.append(kept.head, patch.make(text(number - 1, lines), text(number, lines), LIMIT))


def names(path):
    return sorted(os.listdir(os.path.dirname(path)))


def test_changes_are_read_at_once_and_come_to_rest(path):
    kept = patchedfile.PatchedFile(path)
    append(kept, 1, 3)
    assert patchedfile.read(path) == text(3) and io.read_bytes(path) == text(0)
    assert names(path) == ["config.data", "config.data.journal"]
    assert os.stat(path + ".journal").st_mode & 0o777 == 0o640
    kept.settle()
    assert io.read_bytes(path) == text(3) and names(path) == ["config.data"]
    append(kept, 4, 5)
    assert patchedfile.PatchedFile(path).head == kept.head
    assert patchedfile.read(path) == text(5)


def test_a_change_is_of_one_state(path):
    kept = patchedfile.PatchedFile(path)
    before = kept.head
    append(kept, 1, 1)
    with pytest.raises(errors.ParseError, match="not in state"):
        kept.append(before, patch.make(text(0), text(1), LIMIT))
    kept.settle()
    append(kept, 2, 2)
    other = patchedfile.PatchedFile(path)
    other.replace(text(7), mode=0o640)
    with pytest.raises(errors.ParseError, match="not in state"):
        kept.append(kept._head, patch.make(text(2), text(3), LIMIT))
    assert patchedfile.read(path) == text(7)


class Crash(BaseException):
    """Stands for the end of the process."""


STEPS = ["write_file", "write_all", "rename", "sync_path", "unlink", "remove_file"]


@pytest.mark.parametrize("work", ["append", "settle", "settle-late", "replace"])
def test_cut_off_at_any_step(path, monkeypatch, work):
    """Each step of the work is the last one once; what is there is the state before or after."""
    for last in range(1, 40):
        for name in names(path):
            os.unlink(os.path.join(os.path.dirname(path), name))
        kept = patchedfile.PatchedFile(path)
        kept.replace(text(0), mode=0o640)
        append(kept, 1, 3)
        steps = iter(range(last))
        with monkeypatch.context() as patched:
            for name in STEPS:
                owner = os if name in ("rename", "unlink") else io
                real = getattr(owner, name)

                def step(*args, _real=real, _steps=steps, **values):
                    if next(_steps, None) is None:
                        raise Crash
                    return _real(*args, **values)
                patched.setattr(owner, name, step)
            try:
                _work(kept, work)
                done = True
            except Crash:
                done = False
        found = patchedfile.read(path)
        expected = {"append": (3, 4), "replace": (3, 9), "settle": (3,), "settle-late": (3, 4)}
        assert found in [text(number) for number in expected[work]]
        after = patchedfile.PatchedFile(path)
        after.append(after.head, patch.make(found, text(20), LIMIT))
        after.settle()
        assert io.read_bytes(path) == text(20) and not os.path.exists(path + ".journal")
        if done:
            return
    raise AssertionError("the work has too many steps")


def _work(kept, work):
    if work == "append":
        append(kept, 4, 4)
    elif work == "replace":
        kept.replace(text(9), mode=0o640)
    else:
        if work == "settle-late":
            real = kept._come_to_rest

            def late(*args):
                kept._mutex.release()
                try:
                    append(kept, 4, 4)
                finally:
                    kept._mutex.acquire()
                real(*args)
            kept._come_to_rest = late
        kept.settle()


def test_a_record_that_was_cut_off_does_not_count(path):
    kept = patchedfile.PatchedFile(path)
    append(kept, 1, 2)
    whole = io.read_bytes(path + ".journal")
    size = kept.length
    append(kept, 3, 3)
    for length in (size + 1, size + 30, kept.length - 1):
        with open(path + ".journal", "r+b") as stream:
            stream.truncate(length)
        assert patchedfile.read(path) == text(2)
        again = patchedfile.PatchedFile(path)
        append(again, 3, 3)
        assert patchedfile.read(path) == text(3)
    assert io.read_bytes(path + ".journal").startswith(whole)


def test_damage_is_refused(path):
    kept = patchedfile.PatchedFile(path)
    append(kept, 1, 4)
    good = io.read_bytes(path + ".journal")
    middle = len(good) // 2
    damaged = {
        "damaged at byte": good[:middle] + b"X" + good[middle + 1:],
        "not the journal": b"something else\n" + good,
        "not the journal of": b"",
    }
    second = good.index(b"\n", good.index(b"}\n")) + 1
    damaged["a change is missing"] = good[:good.index(b"\n") + 1] + good[second:]
    for words, data in damaged.items():
        with open(path + ".journal", "wb") as stream:
            stream.write(data)
        with pytest.raises(errors.ParseError, match=words):
            patchedfile.read(path)
        with pytest.raises(errors.ParseError, match=words):
            patchedfile.PatchedFile(path).append("", [])
    assert io.read_bytes(path) == text(0)


def test_the_journal_of_another_file_is_refused(path):
    kept = patchedfile.PatchedFile(path)
    append(kept, 1, 2)
    with open(path, "wb") as stream:
        stream.write(text(99))
    with pytest.raises(errors.ParseError, match="2 changes of another config.data.*remove"):
        patchedfile.read(path)
    patchedfile.PatchedFile(path).replace(text(5), mode=0o640)
    assert patchedfile.read(path) == text(5) and names(path) == ["config.data"]


def test_no_room_for_a_record(path, monkeypatch):
    kept = patchedfile.PatchedFile(path)
    append(kept, 1, 1)

    def half(fd, data):
        os.write(fd, data[:20])
        raise OSError(28, "No space left on device")
    with monkeypatch.context() as patched:
        patched.setattr(io, "write_all", half)
        with pytest.raises(OSError, match="No space"):
            append(kept, 2, 2)
    assert patchedfile.read(path) == text(1)
    append(kept, 2, 2)
    assert patchedfile.read(path) == text(2)


def test_writers_and_readers_at_the_same_time(path):
    """Appending, settling, replacing and reading from several threads; every read is a state."""
    kept = patchedfile.PatchedFile(path)
    dice = random.Random(7)
    number, end, trouble = 0, threading.Event(), []

    def watch(action):
        try:
            while not end.is_set():
                action()
        except (errors.GenericError, OSError, ValueError, AssertionError) as err:
            trouble.append(err)

    def look():
        low = number
        found = patchedfile.read(path)
        seen = int(found[10:found.index(b",")])
        assert low <= seen <= number + 1 and found == text(seen, 4000)

    kept.replace(text(0, 4000), mode=0o640)
    threads = [threading.Thread(target=watch, args=(action,)) for action in (kept.settle, look)]
    for thread in threads:
        thread.start()
    for step in range(1, 150):
        if dice.random() < 0.1:
            kept.replace(text(step, 4000), mode=0o640)
        else:
            append(kept, step, step, 4000)
        number = step
    end.set()
    for thread in threads:
        thread.join()
    assert not trouble
    kept.settle()
    assert io.read_bytes(path) == text(number, 4000) and names(path) == ["config.data"]
