"""Kills daemons at moments drawn by lot, round after round, and checks that nothing was lost.

    python -m test.vcluster.soak [ROUNDS [SEED]]        (make soak)

A cluster of a master and one more candidate; each round picks what is under way when the daemon
dies. After it: every acknowledged job exists once and ends well (or by the daemon's death), every
acknowledged change is there, the configuration obeys its rules, numbers only grow, and the
candidate has what the master has.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from ganeti import constants, errors
from ganeti.config import files, verify
from ganeti.luxi.client import Client
from test import daemons
from test.bench import generate

DEATH = "master daemon was stopped"
MASTERD, NODED = "ganeti-masterd", "ganeti-noded"
SETTLE_SECONDS = 45
NOTHING = {"OP_ID": "OP_TEST_DELAY", "duration": 0, "on_master": True}


@dataclasses.dataclass
class Summary:
    """What a soak has found."""

    seed: int
    rounds: int = 0
    kills: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    jobs: int = 0
    changes: int = 0
    lost: list[str] = dataclasses.field(default_factory=list)
    doubled: list[str] = dataclasses.field(default_factory=list)
    inconsistent: list[str] = dataclasses.field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.inconsistent)

    def text(self) -> str:
        kills = ", ".join(f"{count} {phase}" for phase, count in sorted(self.kills.items()))
        lines = [f"rounds {self.rounds}, seed {self.seed}", f"kills: {kills}",
                 f"jobs checked {self.jobs}, changes checked {self.changes}: lost {len(self.lost)},"
                 f" doubled {len(self.doubled)}, inconsistent {len(self.inconsistent)}"]
        return "\n".join(lines + self.lost[:5] + self.doubled[:5] + self.inconsistent[:5])


class Clients:
    """Threads that work against the master daemon until it dies or they are told to stop."""

    def __init__(self, path: str, works: list[Callable[[Client], None]]) -> None:
        self._path = path
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in works]

    def _run(self, work: Callable[[Client], None]) -> None:
        with contextlib.suppress(errors.LuxiError, OSError), \
                Client(self._path, is_master=lambda: False) as client:
            while not self._stop.is_set():
                work(client)

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs after the daemon's death"


class Soak:
    """The rounds."""

    def __init__(self, seed: int) -> None:
        self.summary = Summary(seed)
        self._lot = random.Random(seed)
        # large enough that changes go to the candidate as differences
        self._cluster = daemons.Cluster(2, generate.large(2, 80))
        self._master, self._other = self._cluster.nodes
        self._socket = os.path.join(self._master.root, "var/run/ganeti/socket/ganeti-query")
        self._counted = self._count_executions()
        self._mutex = threading.Lock()
        self._number = 0
        self._jobs: set[int] = set()
        self._round: set[int] = set()
        self._ended: set[int] = set()
        self._networks: dict[int, str] = {}
        self._tags: set[str] = set()
        self._serials = (0, 0)
        self._phases: dict[str, Callable[[], None]] = {
            "submission": self._submission, "execution": self._execution, "commit": self._commit,
            "replication": self._replication, "archive": self._archive, "start": self._start,
            "candidate": self._candidate, "settling": self._settling}

    def close(self) -> None:
        self._cluster.close()

    def _count_executions(self) -> pathlib.Path:
        """A hook that notes each time a job adds its network."""
        root = pathlib.Path(self._master.root)
        hook = root / "etc/ganeti/hooks/network-add-pre.d/count"
        counted = root / "tmp/counted"
        hook.parent.mkdir(parents=True)
        hook.write_text(f"#!/bin/sh\necho \"$GANETI_NETWORK_NAME\" >> {counted}\n")
        hook.chmod(0o755)
        counted.touch()
        return counted

    def play(self, rounds: int, tell: Callable[[str], object]) -> Summary:
        """All rounds; stops at the first fault, so that its traces are not covered up."""
        tell(f"seed {self.summary.seed}, {rounds} rounds")
        self._cluster.start()
        names = list(self._phases)
        for number in range(rounds):
            phase = names[number % len(names)] if number < len(names) else self._lot.choice(names)
            self._round = set()
            self._phases[phase]()
            self.summary.kills[phase] += 1
            self.summary.rounds += 1
            self._check_round()
            if not self.summary.clean:
                tell(f"round {number + 1} ({phase}) found a fault")
                break
            if (number + 1) % 10 == 0:
                tell(f"{number + 1} rounds, {len(self._jobs)} jobs")
        self._check_end()
        return self.summary

    # Work of clients.

    def _remember(self, job_ids: list[int]) -> None:
        with self._mutex:
            for job_id in job_ids:
                if job_id in self._jobs:
                    self.summary.doubled.append(f"job id {job_id} was given out twice")
                self._jobs.add(job_id)
                self._round.add(job_id)

    def _next(self) -> int:
        with self._mutex:
            self._number += 1
            return self._number

    def _submit_one(self, client: Client) -> None:
        self._remember([client.submit_job([NOTHING])])

    def _submit_many(self, client: Client) -> None:
        self._remember([job for good, job in client.submit_many_jobs([[NOTHING]] * 15) if good])

    def _add_network(self, client: Client) -> None:
        """A job of two opcodes whose hook counts; it leaves nothing behind when it succeeds."""
        number = self._next()
        name = f"net{number}"
        job = client.submit_job([
            {"OP_ID": "OP_NETWORK_ADD", "network_name": name,
             "network": f"10.{number // 250 % 250}.{number % 250}.0/28"},
            {"OP_ID": "OP_NETWORK_REMOVE", "network_name": name}])
        self._remember([job])
        self._networks[job] = name
        time.sleep(0.01)

    def _change(self, client: Client) -> None:
        """A change counts when its job was reported as done."""
        tag = f"change{self._next()}"
        job = client.submit_job([{"OP_ID": "OP_TAGS_SET", "kind": "cluster", "name": None,
                                  "tags": [tag]}])
        self._remember([job])
        row: Any = [""]
        while row[0] not in constants.JOBS_FINALIZED:
            row, _ = client.call("WaitForJobChange", [job, ["status"], row, None, 5])
        with self._mutex:
            self._ended.add(job)
            self._tags.add(tag)

    def _archive_all(self, client: Client) -> None:
        client.call("AutoArchiveJobs", [-1, 5])
        time.sleep(0.005)

    # What is under way when the daemon dies.

    def _pause(self, longest: float) -> None:
        time.sleep(self._lot.random() * longest)

    def _kill_under(self, works: list[Callable[[Client], None]], longest: float) -> None:
        with Clients(self._socket, works):
            self._pause(longest)
            self._master.kill(MASTERD)
        self._cluster.start_master()

    def _submission(self) -> None:
        self._kill_under([self._submit_one, self._submit_many, self._submit_one], 0.3)

    def _execution(self) -> None:
        self._kill_under([self._add_network, self._add_network, self._submit_one], 0.6)

    def _commit(self) -> None:
        self._kill_under([self._change, self._change, self._change], 0.3)

    def _settling(self) -> None:
        """Changes go on while those before are written whole from the journal."""
        self._kill_under([self._change, self._change], 2.2)

    def _archive(self) -> None:
        self._kill_under([self._submit_many, self._archive_all, self._change], 0.4)

    def _replication(self) -> None:
        """The candidate does not answer any more when the master daemon dies."""
        with Clients(self._socket, [self._submit_many, self._change, self._add_network]):
            self._pause(0.3)
            stopped = self._other.processes[NODED]
            stopped.send_signal(signal.SIGSTOP)
            self._pause(0.1)
            self._master.kill(MASTERD)
            stopped.send_signal(signal.SIGCONT)
        self._cluster.start_master()

    def _start(self) -> None:
        """It dies again while it takes up what the first death has left."""
        with Clients(self._socket, [self._submit_many, self._add_network]):
            self._pause(0.3)
            self._master.kill(MASTERD)
        self._master.start(MASTERD)
        self._pause(1.5)
        self._master.kill(MASTERD)
        self._cluster.start_master()

    def _candidate(self) -> None:
        """The candidate's daemon dies, the master goes on, and dies as well a little later."""
        with Clients(self._socket, [self._submit_many, self._change, self._add_network]):
            self._pause(0.2)
            self._other.kill(NODED)
            self._pause(0.3)
            self._other.start(NODED, "-b", self._other.address, "--no-mlock")
            self._pause(0.3)
            self._master.kill(MASTERD)
        self._cluster.start_master()

    # Checks.

    def _check_round(self) -> None:
        with Client(self._socket, is_master=lambda: False) as client:
            self._settle(client)
            self._check_jobs(client)
        self._check_configuration()
        self._check_candidate()

    def _settle(self, client: Client) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            rows = client.call("QueryJobs", [None, ["id", "status"]])
            open_jobs = [row for row in rows if row[1] not in constants.JOBS_FINALIZED]
            if not open_jobs:
                return
            if time.monotonic() > deadline:
                self.summary.inconsistent.append(f"jobs do not end: {open_jobs[:5]}")
                return
            time.sleep(0.02)

    def _check_jobs(self, client: Client) -> None:
        wanted = sorted(self._round)
        runs = collections.Counter(self._counted.read_text().split())
        self.summary.doubled += [f"the job of {name} ran {count} times"
                                 for name, count in runs.items() if count > 1]
        rows = client.call("QueryJobs", [wanted, ["id", "status", "opresult", "archived"]]) \
            if wanted else []
        for job, row in zip(wanted, rows, strict=True):
            if row is None:
                self.summary.lost.append(f"job {job} was acknowledged and is gone")
                continue
            died = row[1] == "error" and DEATH in str(row[2])
            if row[1] != "success" and not died:
                self.summary.inconsistent.append(f"job {job} ended in {row[1]}: {row[2]}")
            if row[1] != "success" and job in self._ended:
                self.summary.lost.append(f"job {job} was reported as done and is {row[1]}")
            if row[1] == "success" and job in self._networks and not runs[self._networks[job]]:
                self.summary.lost.append(f"job {job} succeeded without having run")
        self.summary.jobs += len(wanted)

    def _check_configuration(self) -> None:
        config = files.read(self._master.path("config.data"))
        self.summary.inconsistent += verify.verify(config)
        serial = pathlib.Path(self._master.path("queue/serial"))
        queue = int(serial.read_text()) if serial.exists() else 0  # no job was submitted yet
        serials = (config.serial_no, queue)
        if serials[0] < self._serials[0] or serials[1] < self._serials[1]:
            self.summary.inconsistent.append(f"numbers went back: {self._serials} to {serials}")
        if self._jobs and queue < max(self._jobs):
            self.summary.inconsistent.append(f"the queue's number {queue} is older than its jobs")
        self._serials = serials
        gone = self._tags - set(config.cluster.tags)
        self.summary.lost += [f"change {tag} was acknowledged and is gone" for tag in sorted(gone)]
        self.summary.changes = len(self._tags)

    def _check_candidate(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while (difference := self._difference()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if difference:
            self.summary.inconsistent.append(f"the candidate differs: {difference}")

    def _difference(self) -> str:
        """What the candidate's copies lack."""
        mine, other = (pathlib.Path(node.path("config.data")).read_bytes()
                       for node in (self._master, self._other))
        if mine != other:
            return f"config.data {[json.loads(data)['serial_no'] for data in (mine, other)]}"
        queues = [_files(node.path("queue")) for node in (self._master, self._other)]
        names = {name for name in queues[0].keys() | queues[1].keys()
                 if queues[0].get(name) != queues[1].get(name)}
        return f"job files {sorted(names)[:5]}" if names else ""

    def _check_end(self) -> None:
        """Every job that was ever acknowledged lies on the master's disk once."""
        found = collections.Counter(
            int(path.name[4:]) for path in pathlib.Path(self._master.path("queue")).rglob("job-*"))
        self.summary.lost += [f"job {job} is not on the disk" for job in self._jobs - found.keys()]
        self.summary.doubled += [f"job {job} lies there twice" for job, count in found.items()
                                 if count > 1]


def _files(queue: str) -> dict[str, bytes]:
    """Live job files."""
    result = {}
    for path in pathlib.Path(queue).glob("job-*"):
        with contextlib.suppress(FileNotFoundError):
            result[path.name] = path.read_bytes()
    return result


def soak(rounds: int, seed: int | None = None,
         tell: Callable[[str], object] = print) -> Summary:
    """Play so many rounds."""
    made = Soak(seed or random.SystemRandom().randrange(1, 10 ** 9))
    try:
        return made.play(rounds, tell)
    finally:
        made.close()


def main() -> int:
    """Entry point of make soak."""
    words = [int(word) for word in sys.argv[1:]]
    start = time.monotonic()
    summary = soak(words[0] if words else 200, words[1] if len(words) > 1 else None,
                   lambda text: print(text, flush=True))
    print(f"{summary.text()}\n{time.monotonic() - start:.0f} s")
    return 0 if summary.clean else 1


if __name__ == "__main__":
    sys.exit(main())
