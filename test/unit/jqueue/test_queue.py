"""The life of jobs: order, limits, dependencies, cancelling, priorities, archive."""

import os
import time

import pytest

from ganeti import errors, serializer
from ganeti.jqueue import filters, queue, recovery, store
from ganeti.jqueue import job as jobs
from ganeti.objects import FilterRule


def test_a_job_runs_and_its_file_tells_so(bench):
    job_id = bench.submit("say:hello", result=None)
    job = bench.wait(job_id, "success")
    stored = serializer.load((bench.directory / f"job-{job_id}").read_bytes())
    assert stored == job.to_dict()
    assert set(stored) == {"id", "ops", "received_timestamp", "start_timestamp", "end_timestamp"}
    (op,) = stored["ops"]
    assert op["status"] == "success" and op["input"]["OP_ID"] == "OP_TEST_DUMMY"
    serial, stamp, kind, message = op["log"][0]
    assert (serial, kind, message) == (1, "message", "hello") and len(stamp) == 2
    source, text, _stamp = op["input"]["reason"][-1]
    assert (source, text) == ("gnt:opcode:test_dummy", f"job={job_id};index=0")
    assert (bench.directory / "serial").read_text() == f"{job_id}\n"


def test_opcodes_run_in_order_and_a_failure_ends_the_job(bench):
    job = bench.wait(bench.submit("say:one", "fail:broken", "say:three"))
    assert [op.status for op in job.ops] == ["success", "error", "error"]
    assert job.ops[1].result == ["OpExecError", ["broken"]]
    assert job.ops[2].result == ["OpExecError", ["Preceding opcode failed"]]
    assert job.ops[2].log == [] and job.ops[2].start_timestamp is None


def test_unexpected_exceptions_and_unwritable_results_are_errors(bench):
    crashed = bench.wait(bench.submit("crash"))
    assert crashed.ops[0].result == ["GenericError", ["ZeroDivisionError: unexpected"]]
    job_id = bench.submit("", result=None)
    bench.wait(job_id, "success")


def test_more_urgent_jobs_start_first(bench):
    bench.queue.set_limits(1, 1)
    first = bench.submit("gate:a")
    bench.wait(first, "running")
    low, normal, high = (bench.submit("", priority=p) for p in (10, 0, -10))
    bench.open_gate("a")
    for job_id in (low, normal, high):
        bench.wait(job_id, "success")
    assert bench.ran == [first, high, normal, low]


def test_urgent_jobs_may_use_the_room_up_to_the_hard_limit(bench):
    bench.queue.set_limits(1, 2)
    first = bench.submit("gate:a")
    bench.wait(first, "running")
    normal = bench.submit("gate:b")
    urgent = bench.submit("gate:c", priority=-10)
    bench.wait(urgent, "running")
    another = bench.submit("", priority=-10)
    time.sleep(0.05)
    assert bench.status(normal) == bench.status(another) == "queued"
    assert bench.queue.running_ids == [first, urgent]


def test_dependencies_hold_a_job_back_until_they_end(bench):
    first = bench.submit("gate:a")
    second = bench.submit("", depends=[[first, ["success"]]])
    time.sleep(0.05)
    assert bench.status(second) == "queued"
    bench.open_gate("a")
    bench.wait(second, "success")
    third = bench.submit("", depends=[[first, []]])
    bench.wait(third, "success")


@pytest.mark.parametrize("comment, wanted, status, text", [
    ("fail:x", ["success"], "error", "ended in 'error' instead of success"),
    ("fail:x", [], "success", ""),
    ("fail:x", ["error", "canceled"], "success", ""),
])
def test_dependencies_want_certain_ends(bench, comment, wanted, status, text):
    first = bench.submit(comment)
    job = bench.wait(bench.submit("", depends=[[first, wanted]]))
    assert job.status == status and text in str(job.ops[0].result)


def test_a_cancelled_dependency_cancels_and_a_lost_one_is_an_error(bench):
    bench.queue.set_limits(1, 1)
    running = bench.submit("gate:a")
    bench.wait(running, "running")
    first = bench.submit("")
    second = bench.submit("", depends=[[first, ["success"]]])
    bench.queue.cancel(first)
    bench.open_gate("a")
    assert bench.wait(second).status == "canceled"
    lost = bench.wait(bench.submit("", depends=[[4711, []]]))
    assert lost.status == "error" and "Job 4711" in str(lost.ops[0].result)


def test_relative_dependencies_refer_to_the_same_submission(bench):
    op = bench.op
    answers = bench.submit_jobs([[op()], [op(depends=[[-1, ["success"]]])],
                                 [op(depends=[[-3, []]])], [op(depends=[[-1, []]])],
                                 [op(depends=[[-2, []]])]])
    assert [good for good, _ in answers] == [True, True, False, False, False]
    assert "does not refer to an earlier job" in answers[2][1]
    assert "refused" in answers[3][1]
    stored = bench.wait(answers[1][1], "success")
    assert stored.ops[0].input["depends"] == [[answers[0][1], ["success"]]]


def test_an_archived_dependency_still_counts(bench):
    first = bench.submit("")
    bench.wait(first, "success")
    assert bench.queue.archive(first)[0]
    bench.wait(bench.submit("", depends=[[first, ["success"]]]), "success")


def test_cancel_in_every_state(bench):
    bench.queue.set_limits(2, 2)
    holder = bench.submit("lock:n1 gate:a")
    bench.wait(holder, "running")
    waiting = bench.submit("lock:n1", "say:never")
    bench.wait(waiting, "waiting")
    queued = bench.submit("")
    done, text, _ = bench.queue.cancel(queued)
    assert (done, text, bench.status(queued)) == (True, f"Dequeued job {queued}", "canceled")
    assert bench.queue.cancel(waiting)[0]
    job = bench.wait(waiting, "canceled")
    assert [op.status for op in job.ops] == ["canceled", "canceled"]
    assert bench.queue.cancel(holder)[0]
    assert bench.wait(holder).status == "canceled"
    done, text, _ = bench.queue.cancel(holder)
    assert not done and "already finished" in text
    assert bench.queue.cancel(999)[:2] == (False, "Job 999 not found")
    assert bench.locks.report() == []
    assert bench.file(waiting).status == "canceled"


def test_cancelling_a_running_job_spares_the_opcode_that_finishes(bench):
    job_id = bench.submit("gate:a", "say:never")
    bench.wait(job_id, "running")
    seat = bench.queue.seats[job_id]
    seat.check_cancel = lambda: None
    bench.queue.cancel(job_id)
    assert bench.status(job_id) == "canceling"
    bench.open_gate("a")
    job = bench.wait(job_id, "canceled")
    assert [op.status for op in job.ops] == ["success", "canceled"]


def test_kill_reaches_a_job_that_never_looks(bench):
    job_id = bench.submit("gate:a")
    bench.wait(job_id, "running")
    bench.queue.seats[job_id].check_cancel = lambda: None
    assert bench.queue.cancel(job_id, kill=True)[0]
    assert bench.wait(job_id).status == "canceled"


def test_priority_can_be_changed_while_queued_and_while_waiting_for_locks(bench):
    holder = bench.submit("lock:n1 gate:a")
    bench.wait(holder, "running")
    first, second = bench.submit("lock:n1"), bench.submit("lock:n1")
    bench.wait(first, "waiting")
    bench.wait_for_locks(first, second)
    assert bench.queue.change_priority(second, -5)[0]
    assert bench.file(second).priority in (0, -5)
    bench.open_gate("a")
    bench.wait(first, "success")
    assert bench.ran == [holder, second, first]
    assert bench.queue.change_priority(first, 1)[:2] == (False, f"Job {first} is finished")


def test_drained_queue_refuses(bench):
    bench.queue.drained = True
    with pytest.raises(errors.JobQueueDrainError, match="drained"):
        bench.submit("")


def test_a_full_queue_refuses(bench, monkeypatch):
    from ganeti import constants
    monkeypatch.setattr(constants, "JOB_QUEUE_SIZE_HARD_LIMIT", 2)
    bench.queue.set_limits(0, 0)
    answers = bench.submit_jobs([[bench.op()] for _ in range(3)])
    assert [good for good, _ in answers] == [True, True, False]
    assert "full" in answers[2][1]


def test_ids_never_repeat(bench):
    ids = [bench.submit("") for _ in range(3)]
    for job_id in ids:
        bench.wait(job_id)
        bench.queue.archive(job_id)
    bench.queue.stop(5)
    os.unlink(bench.directory / "serial")
    bench.start()
    assert bench.submit("") == ids[-1] + 1


def test_archiving(bench):
    bench.queue.set_limits(1, 1)
    running = bench.submit("gate:a")
    bench.wait(running, "running")
    done = [bench.submit("") for _ in range(3)]
    assert bench.queue.archive(running) == (False, None)
    bench.open_gate("a")
    for job_id in done:
        bench.wait(job_id)
    archived, ticket = bench.queue.archive(done[0])
    bench.queue.store.wait(ticket)
    assert archived
    assert (bench.directory / f"archive/0/job-{done[0]}").exists()
    assert not (bench.directory / f"job-{done[0]}").exists()
    assert bench.queue.get(done[0]).archived
    assert bench.queue.autoarchive(3600, 10)[:2] == (0, 0)
    assert bench.queue.autoarchive(-1, 10)[:2] == (3, 0)
    assert [job.id for job in bench.queue.views(None, False)] == []
    assert [job.id for job in bench.queue.views(None, True)] == [running, *done]
    assert bench.queue.archive(4711) == (False, None)


def rule(action, predicates, priority=0, uuid="u1"):
    return FilterRule(uuid=uuid, watermark=0, priority=priority, predicates=predicates,
                      action=action, reason_trail=[])


def test_filters_reject_pause_and_accept(bench):
    is_dummy = [["opcode", ["=", "OP_ID", "OP_TEST_DUMMY"]]]
    bench.queue.set_filters(filters.RuleSet([rule("REJECT", is_dummy)]))
    job = bench.wait(bench.submit(""))
    assert job.status == "canceled" and "u1" in job.ops[0].result
    bench.queue.set_filters(filters.RuleSet([
        rule("ACCEPT", [["jobid", ["=", "id", 3]]], priority=1, uuid="u2"),
        rule("PAUSE", is_dummy, priority=2)]))
    paused, accepted = bench.submit(""), bench.submit("")
    bench.wait(accepted, "success")
    assert bench.status(paused) == "queued"
    bench.queue.set_filters(filters.RuleSet([]))
    bench.wait(paused, "success")


def test_rate_limits(bench):
    everything = [["reason", ["=", "source", "gnt:user"]]]
    bench.queue.set_filters(filters.RuleSet([rule(["RATE_LIMIT", 1], everything)]))
    reason = [["gnt:user", "why not", 1]]
    first = bench.submit("gate:a", reason=reason)
    bench.wait(first, "running")
    second = bench.submit("", reason=reason)
    other = bench.submit("")
    bench.wait(other, "success")
    assert bench.status(second) == "queued"
    bench.open_gate("a")
    bench.wait(second, "success")


def test_rate_limits_in_the_reason(bench):
    reason = [["gnt:user", "rate-limit:1:backups", 1]]
    first = bench.submit("gate:a", reason=reason)
    bench.wait(first, "running")
    second = bench.submit("", reason=reason)
    time.sleep(0.05)
    assert bench.status(second) == "queued"
    bench.open_gate("a")
    bench.wait(second, "success")


def test_bad_filters_are_refused():
    with pytest.raises(errors.OpPrereqError, match="not an action"):
        filters.check_action("MAYBE")
    with pytest.raises(errors.OpPrereqError, match="not an action"):
        filters.check_action(["RATE_LIMIT", 0])
    with pytest.raises(errors.OpPrereqError, match="not a predicate"):
        filters.check_predicates([["colour", ["=", "id", 1]]])
    with pytest.raises(errors.GenericError):
        filters.check_predicates([["jobid", ["nonsense"]]])


def test_jobs_submit_jobs(bench):
    answers = bench.queue.submit_from_job([[bench.op("say:child")], []])
    assert answers[0][0] and not answers[1][0]
    bench.wait(answers[0][1], "success")


def test_a_clean_stop_waits_for_running_jobs_and_requeues_waiting_ones(bench):
    holder = bench.submit("lock:n1 gate:a")
    bench.wait(holder, "running")
    waiting = bench.submit("lock:n1")
    bench.wait(waiting, "waiting")
    assert not bench.queue.stop(0.3)
    with pytest.raises(errors.JobQueueError, match="stopping"):
        bench.submit("")
    assert bench.file(waiting).status == "queued"
    assert bench.file(holder).status == "running"
    bench.queue.seats.clear()


def crash_and_restart(bench):
    """What kill -9 leaves: the files as they are, and nothing in memory."""
    states = {name: (bench.directory / name).read_bytes()
              for name in os.listdir(bench.directory) if name.startswith("job-")}
    for gate in bench.gates.values():
        gate.set()
    bench.queue.stop(5)
    for name, data in states.items():
        (bench.directory / name).write_bytes(data)
    bench.gates.clear()
    bench.ran.clear()
    bench.start()


def test_after_a_crash_queued_jobs_run_and_running_ones_are_errors(bench):
    bench.queue.set_limits(2, 2)
    running = bench.submit("lock:n1 gate:a", "say:later")
    bench.wait(running, "running")
    waiting = bench.submit("lock:n1")
    bench.wait(waiting, "waiting")
    queued = [bench.submit("") for _ in range(3)]
    crash_and_restart(bench)
    job = bench.wait(running)
    assert job.status == "error" and recovery.KILLED in str(job.ops[0].result)
    for job_id in [waiting, *queued]:
        bench.wait(job_id, "success")
    assert sorted(bench.ran) == [waiting, *queued]
    bench.queue.stop(5)
    assert bench.file(running).status == "error"


def test_recovery_continues_after_a_finished_opcode(bench):
    bench.queue.set_limits(0, 0)
    job_id = bench.submit("say:first", "say:second")
    job = bench.queue.jobs[job_id].copy()
    job.ops[0].finish("success", None)
    bench.queue.stop(5)
    (bench.directory / f"job-{job_id}").write_text(job.encode())
    bench.start()
    found = bench.wait(job_id, "success")
    assert found.ops[0].log == [] and found.ops[1].log[0][3] == "second"


def test_corrupt_job_files_harm_nobody(bench):
    good = bench.submit("")
    bench.wait(good, "success")
    bench.queue.stop(5)
    (bench.directory / "job-50").write_text("{ garbage")
    (bench.directory / "job-51").write_text('{"id": 7, "ops": [{"input": {}, "status": "queued"}]}')
    (bench.directory / "job-52").write_text('{"id": 52, "ops": [{"input": {}, "status": "odd"}]}')
    (bench.directory / "job-53").write_bytes(b"\xff\xfe\x00")
    bench.start()
    assert bench.status(good) == "success"
    for job_id, text in ((50, "no JSON"), (51, "that of job 7"), (52, "status 'odd'"), (53, "")):
        with pytest.raises(errors.JobFileCorrupted, match=f"Job {job_id}.*{text}.*archive"):
            bench.queue.get(job_id)
    assert bench.submit("") == 54
    keep = bench.queue.everything()[0]
    assert keep[0] == "keep" and {"50", "53", str(good)} <= set(keep[1].split()), \
        "a candidate's copy of it may be whole"
    archived, ticket = bench.queue.archive(50)
    assert archived
    bench.queue.store.wait(ticket)
    with pytest.raises(errors.JobFileCorrupted):
        bench.queue.get(50)


def test_a_queue_that_was_not_read_yet_is_no_empty_queue(bench):
    done = bench.submit("")
    bench.wait(done, "success")
    bench.queue.stop(5)
    early = queue.Queue(store.Store(str(bench.directory)), bench.locks, bench._execute,
                        bench._seat)
    with pytest.raises(errors.ProgrammerError):
        early.everything()
    early.load()
    assert f"job-{done}" in [change[1] for change in early.everything()]


def test_secrets_are_not_stored_and_a_restart_says_so(bench):
    bench.queue.set_limits(0, 0)
    from ganeti import opcodes
    op = opcodes.OpTestOsParams(osparams_secret={"password": "hunter2"})
    ((_, job_id),) = bench.submit_jobs([[op]])
    assert "hunter2" not in (bench.directory / f"job-{job_id}").read_text()
    bench.queue.stop(5)
    bench.start()
    assert "submit it again" in str(bench.wait(job_id, "error").ops[0].result)


def test_status_is_decided_by_the_first_failure():
    def job(*statuses):
        made = jobs.Job(1, [jobs.QueuedOp(None, {}) for _ in statuses])
        for op, status in zip(made.ops, statuses, strict=True):
            op.status = status
        return made.status

    assert job("queued") == "queued"
    assert job("success", "queued") == "queued"
    assert job("success", "waiting", "queued") == "waiting"
    assert job("success", "success") == "success"
    assert job("running", "canceling") == "canceling"
    assert job("success", "canceled", "error") == "canceled"


def test_a_full_disk_refuses_submissions_and_heals(bench, monkeypatch):
    def refuse(changes):
        raise OSError(28, "No space left on device")

    journal = bench.queue.store._journal
    real = journal.apply
    monkeypatch.setattr(journal, "apply", refuse)
    answers, ticket = bench.queue.enqueue([[bench.op()]])
    with pytest.raises(OSError, match="No space"):
        bench.queue.store.wait(ticket)
    bench.queue.withdraw(answers)
    monkeypatch.setattr(journal, "apply", real)
    bench.wait(bench.submit(""), "success")
    assert not (bench.directory / f"job-{answers[0][1]}").exists()
