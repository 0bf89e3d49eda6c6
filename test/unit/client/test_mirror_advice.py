"""What repair-disks advises for each way in which two copies can stand."""

from __future__ import annotations

import pytest

from ganeti.client.gnt_instance import mirrors
from ganeti.cmdlib.instance.mirror_health import Verdict


def finding(verdict: Verdict, *changed: int) -> dict:
    return {"disk": "disk/0", "verdict": verdict.value, "text": "", "copies": [
        {"node": f"node{number}", "text": "", "changed": count}
        for number, count in enumerate(changed or (0, 0), 1)]}


@pytest.mark.parametrize("verdict", [Verdict.HEALTHY, Verdict.RESYNC, Verdict.INACTIVE])
def test_what_mends_itself_needs_no_advice(verdict):
    assert mirrors.advice("web1", [finding(verdict)]) == []


@pytest.mark.parametrize(("verdict", "command"), [
    (Verdict.CUT_OFF, "gnt-instance activate-disks web1"),
    (Verdict.LOST, "gnt-instance replace-disks --auto web1")])
def test_the_command_that_mends_it(verdict, command):
    lines = mirrors.advice("web1", [finding(Verdict.HEALTHY), finding(verdict)])
    assert any(line.startswith(command) for line in lines)


def test_either_choice_of_a_split_brain_says_what_it_loses():
    lines = mirrors.advice("web1", [finding(Verdict.SPLIT, 8, 100), finding(Verdict.SPLIT, 4, 0),
                                    finding(Verdict.CUT_OFF)])
    assert lines[0].startswith("Nothing has been changed.")
    assert lines[1:] == [
        "  gnt-instance repair-disks --keep=node1 web1",
        "      gives up what was written on node2 alone: about 100 KiB in 2 disk(s)",
        "  gnt-instance repair-disks --keep=node2 web1",
        "      gives up what was written on node1 alone: about 12 KiB in 2 disk(s)"]
