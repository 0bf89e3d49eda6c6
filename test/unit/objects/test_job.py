"""State and priority of jobs."""

import pytest

from ganeti.objects import job


@pytest.mark.parametrize(("statuses", "expected"), [
    (["queued", "queued"], "queued"),
    (["waiting", "queued"], "waiting"),
    (["success", "queued"], "queued"),
    (["success", "running"], "running"),
    (["success", "success"], "success"),
    (["success", "error", "error"], "error"),
    (["canceling", "queued"], "canceling"),
    (["success", "canceled"], "canceled"),
    ([], "queued"),
])
def test_status_follows_from_the_opcodes(statuses, expected):
    assert job.job_status(statuses) == expected


def test_priority_is_the_smallest_of_the_unfinished():
    assert job.job_priority([("success", -20), ("queued", 5), ("queued", -3)]) == -3
    assert job.job_priority([("success", -20)]) == 0
