"""harep: repair instances whose nodes are offline, as far as tags permit."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors
from ganeti.htools.prog import command_line, declared

OPTIONS = declared.options("luxi job-delay reason dry-run json")
_INSTANCE_FIELDS = ("name", "disk_template", "pnode", "snodes", "tags")
_NODE_FIELDS = ("name", "offline", "group.uuid")
_GROUP_FIELDS = ("uuid", "tags")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program."""
    return command_line.run("harep", OPTIONS, _run, argv)


def _run(opts: command_line.Options) -> int:
    from ganeti.htools import model
    from ganeti.htools.prog import sources
    try:
        with sources.luxi_client(opts.luxi or declared.DEFAULT_SOCKET) as client:
            return _Round(opts, client).run()
    except errors.LuxiError as err:
        raise model.LoadError(f"the master daemon does not answer: {err}") from err


class _Round:
    """One visit to all instances."""

    def __init__(self, opts: command_line.Options, client: Any):
        self.opts, self.client = opts, client
        self.good = True
        self.records: list[dict[str, Any]] = []

    def run(self) -> int:
        """First what was begun earlier, then what is needed now; the counts in the end."""
        from ganeti.htools import repair
        from ganeti.htools.load import live
        from ganeti.htools.prog import output
        patients = repair.patients(
            live.rows(self.client.query, constants.QR_INSTANCE, _INSTANCE_FIELDS),
            live.rows(self.client.query, constants.QR_NODE, _NODE_FIELDS),
            live.rows(self.client.query, constants.QR_GROUP, _GROUP_FIELDS))
        cluster_tags = tuple(self.client.query_cluster_info().get("tags") or ())
        counts: Counter[str] = Counter()
        patients = [self._follow(patient) for patient in patients]
        for patient in patients:
            allowed = repair.permission(
                (patient.tags, patient.group_tags, cluster_tags), time.time())
            state = self._treat(patient, allowed)
            counts[state] += 1
            self.records.append({"name": patient.name, "state": state})
        if self.opts.json:
            output.print_json({"instances": self.records, "counts": dict(counts)})
        else:
            title = "Instance status count"
            print(f"{'-' * len(title)}\n{title}\n{'-' * len(title)}")
            for state in repair.STATES:
                if counts[state]:
                    print(f"{state}: {counts[state]}")
        return constants.EXIT_SUCCESS if self.good else constants.EXIT_FAILURE

    def say(self, text: str) -> None:
        """One line, unless JSON is wanted."""
        if not self.opts.json:
            print(text, flush=True)

    def _follow(self, patient: Any) -> Any:
        """Look after the jobs of a repair that was begun; the instance with its new tags."""
        import dataclasses

        from ganeti.htools import repair
        note = patient.pending()
        if note is None:
            return patient
        result = repair.outcome(self._statuses(note.jobs))
        if result is None:
            return patient
        done = dataclasses.replace(note, epoch=int(time.time()), result=result)
        after = repair.HEALTHY if result == repair.SUCCESS else repair.FAILURE
        self.say(f'Moving {patient.name} from "{repair.PENDING}" to "{after}"')
        return self._retag(patient, done)

    def _statuses(self, jobs: Sequence[int]) -> list[str | None]:
        answer = self.client.query_jobs(list(jobs), ["status"])
        return [row[0] if row else None for row in answer]

    def _treat(self, patient: Any, allowed: Any) -> str:
        """Begin a repair if one is needed and allowed; the state that the instance is in then."""
        from ganeti.htools import repair
        state: str = patient.state()
        if state in (repair.PENDING, repair.FAILURE):
            return state
        need = repair.find(patient)
        if need is None:
            return repair.HEALTHY
        kind, opcodes = need
        if allowed.suspended is not None:
            self.say(f"Not repairing {patient.name}: repairs are suspended"
                     + ("" if allowed.suspended == repair.FOR_EVER else " until "
                        + time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(allowed.suspended))))
            return state
        if allowed.type is None:
            self.say(f"Not repairing {patient.name}: repairs are not enabled")
            return state
        if not allowed.allows(kind):
            return self._refuse(patient, kind, allowed.type)
        return self._begin(patient, kind, opcodes)

    def _refuse(self, patient: Any, kind: str, limit: str) -> str:
        from ganeti.htools import repair
        self.say(f"Not performing a repair of type {kind} on {patient.name}: only repairs up to"
                 f" {limit} are allowed")
        last = patient.last()
        if last is None or (last.type, last.result) != (kind, repair.NOT_PERMITTED):
            self._retag(patient, repair.Note(kind, str(uuid.uuid4()), int(time.time()), (),
                                             repair.NOT_PERMITTED))
        return repair.NEEDED

    def _begin(self, patient: Any, kind: str, opcodes: list[dict[str, Any]]) -> str:
        """Submit the job, which waits until its number stands in a tag."""
        from ganeti.htools import repair
        self.say(f"Executing {kind} repair on {patient.name}")
        job = [{"OP_ID": "OP_TEST_DELAY", "duration": self.opts.job_delay, "on_master": True,
                "on_nodes": [], "no_locks": True}, *opcodes] if self.opts.job_delay > 0 else opcodes
        note = repair.Note(kind, str(uuid.uuid4()), int(time.time()))
        if self.opts.dry_run:
            self.say(f"Would submit: {', '.join(opcode['OP_ID'] for opcode in job)}")
            self._retag(patient, note)
            return repair.PENDING
        job_id = self._submit(job)
        if job_id is None:
            return repair.NEEDED
        try:
            self._retag(patient, repair.Note(kind, note.uuid, note.epoch, (job_id,)))
        except errors.GenericError:
            # nobody would know of it: it must not run
            self.client.cancel_job(job_id)
            raise
        return repair.PENDING

    def _submit(self, job: list[dict[str, Any]]) -> int | None:
        from ganeti.htools.prog import execution
        ((accepted, answer),) = self.client.submit_many_jobs(
            [execution.mark(job, "harep", self.opts.reason, None)])
        if accepted:
            return int(answer)
        self.good = False
        self.say(f"A job was not accepted: {answer}")
        return None

    def _retag(self, patient: Any, note: Any) -> Any:
        """Set the tag of a repair in place of all earlier ones; the instance with its new tags."""
        import dataclasses

        from ganeti.htools import repair
        from ganeti.htools.prog import execution
        old = [tag for tag in patient.tags if repair.read_note(tag)]
        self.say(f'>>> Adding the following tag to {patient.name}:\n"{note.tag}"')
        if old:
            self.say(f">>> Removing the following tags from {patient.name}:\n"
                     + "\n".join(f'"{tag}"' for tag in old))
        patient = dataclasses.replace(patient, tags=tuple(
            tag for tag in patient.tags if tag not in old) + (note.tag,))
        if self.opts.dry_run:
            return patient
        target = {"kind": constants.TAG_INSTANCE, "name": patient.name}
        job = [{"OP_ID": "OP_TAGS_SET", "tags": [note.tag], **target}]
        if old:
            job.append({"OP_ID": "OP_TAGS_DEL", "tags": old, **target})
        job_id = self._submit(job)
        if job_id is None or execution.wait(self.client, job_id) != constants.JOB_STATUS_SUCCESS:
            raise errors.GenericError(f"The tags of {patient.name} could not be set;"
                                      f" see 'gnt-job info {job_id or ''}'")
        return patient
