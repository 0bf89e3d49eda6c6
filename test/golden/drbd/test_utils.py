"""The command lines against drbd-utils: its own tables of options, and what its drbdadm would run.

Neither needs a kernel with DRBD, of which version 9 can not be had.
"""

from __future__ import annotations

import shlex

import pytest

from ganeti import constants, errors
from ganeti.storage.drbd import dialect
from test import drbdhelp
from test.golden.drbd.test_commands import PLAIN, TUNED, ends, life

NINE = dialect.of_version(9)
TABLE = constants.DISK_TABLES[constants.DT_DRBD8]
SPEEDS = ["resync-rate", "c-plan-ahead", "c-fill-target", "c-delay-target", "c-max-rate",
          "c-min-rate"]


def meaning(argv: list[str]) -> tuple:
    """A command line without what can be said in several ways."""
    if argv[0] == "drbdmeta":
        words = [word for word in argv[1:] if word != "--force"]
        # a minor is told by its device or by its number, and the volume is another one here
        return "drbdmeta", {words[0].removeprefix("/dev/drbd"), words[1], *words[3:]}
    words, options = drbdhelp.split(argv)
    options.pop("_name", None)
    told = {name: (value or "yes").removesuffix("k") for name, value in options.items()}
    return argv[1], [word for word in words if not word.startswith("/dev/")], told


def recorded() -> dict[str, list[tuple]]:
    """Action of drbdadm -> the lines it would run."""
    found: dict[str, list[tuple]] = {}
    for line in (drbdhelp.DATA / "drbdadm-9.txt").read_text().splitlines():
        if line.startswith("# "):
            action = found.setdefault(line[2:], [])
        else:
            action.append(meaning(shlex.split(line)))
    return found


@pytest.mark.parametrize("major", [8, 9])
@pytest.mark.parametrize("params", [PLAIN, TUNED, {**PLAIN, "disk-barriers": "bdf"}])
def test_drbdsetup_takes_every_line(params, major):
    lines = [argv for _action, lines in life(dialect.of_version(major), params, ends())
             for argv in lines if argv[0] == "drbdsetup"]
    assert len(lines) > 20
    for argv in lines:
        drbdhelp.split(argv, major)


def test_going_up_is_what_drbdadm_does():
    """Only the order differs: theirs tells of the peer before the volume is attached."""
    here = ends()
    options = dialect.connection_options(TUNED, "SECRET", two_primaries=True)
    ours = [NINE.new_resource(here), NINE.new_minor(here), *NINE.connect(here, options),
            *NINE.sync(here, TUNED), NINE.apply_log(3, "/dev/meta"),
            NINE.attach(3, "/dev/data", "/dev/meta", 128, TUNED)]
    theirs = recorded()["up"]
    assert len(ours) == len(theirs) and all(meaning(argv) in theirs for argv in ours)


def test_single_steps_are_what_drbdadm_does():
    here = ends()
    assert here.local and here.remote
    ours = {
        "create-md": [NINE.create_meta(3, "/dev/meta")],
        "--force primary": [NINE.primary(here, force=True)], "primary": [NINE.primary(here)],
        "secondary": [NINE.secondary(here)], "pause-sync": [NINE.pause(here, True)],
        "resume-sync": [NINE.pause(here, False)],
        "get-gi": [NINE.generation(here), NINE.stored_generation(here, "/dev/meta")],
        "disconnect": NINE.disconnect(here, here.local, here.remote),
        "down": [NINE.down(here)]}
    for action, lines in ours.items():
        assert [meaning(argv) for argv in lines] == recorded()[action], action


def accepted(name: str, value: int) -> bool:
    try:
        TABLE.check({name: value}, "here")
    except errors.OpPrereqError:
        return False
    return True


@pytest.mark.parametrize("name", SPEEDS)
@pytest.mark.parametrize("major", [8, 9])
def test_what_the_cluster_accepts_a_node_can_set(major, name):
    """A value that drbdsetup refuses would keep every disk of the cluster from being activated."""
    language = dialect.of_version(major)
    numbers = {number + more for exponent in range(45) for number in [1 << exponent]
               for more in (-1, 0, 1)} | {100, 101, 249, 250, 300, 301}
    values = [value for value in sorted(numbers) if accepted(name, value)]
    assert len(values) > 10
    for value in values:
        params = {**PLAIN, "dynamic-resync": name.startswith("c-"), name: value}
        for argv in language.sync(ends(), params):
            drbdhelp.split(argv, major)


@pytest.mark.parametrize("name", ["disk-custom", "net-custom"])
def test_words_that_can_not_be_split_are_refused_at_once(name):
    with pytest.raises(errors.OpPrereqError, match=f"{name}.*quot"):
        TABLE.check({name: "--max-buffers '4000"}, "here")
