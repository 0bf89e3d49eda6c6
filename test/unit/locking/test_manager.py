"""Locks: who gets them, in which order, and that nobody waits in vain."""

import random
import threading

import pytest

from ganeti import errors
from ganeti.locking import levels, manager
from test.waiting import wait_until

Level = levels.Level


@pytest.fixture
def locks():
    return manager.LockManager()


class Waiter(threading.Thread):
    """A job in a thread that asks for locks and notes when it got them."""

    def __init__(self, locks, owner, level, names, **kwargs):
        super().__init__(daemon=True)
        self.locks, self.owner, self.level, self.names = locks, owner, level, names
        self.kwargs = kwargs
        self.result = "waiting"
        self.start()
        wait_until(lambda: self.result != "waiting" or owner in locks._waiting, pause=0.001)

    def run(self):
        try:
            self.result = self.locks.acquire(self.owner, self.level, self.names, **self.kwargs)
        except manager.Interrupted as err:
            self.result = err

    def got_it(self):
        self.join(5)
        assert not self.is_alive()
        return self.result


def test_shared_holders_share_and_exclusive_waits(locks):
    assert locks.acquire(1, Level.NODE, ["a"], shared=True) == {"a"}
    assert locks.acquire(2, Level.NODE, ["a"], shared=True) == {"a"}
    third = Waiter(locks, 3, Level.NODE, ["a"])
    assert third.result == "waiting"
    locks.release_all(1)
    assert third.result == "waiting"
    locks.release_all(2)
    assert third.got_it() == {"a"}


def test_nobody_overtakes_a_waiting_exclusive_request(locks):
    locks.acquire(1, Level.NODE, ["a"], shared=True)
    second = Waiter(locks, 2, Level.NODE, ["a", "b"])
    third = Waiter(locks, 3, Level.NODE, ["b"], shared=True)
    assert third.result == "waiting"
    assert locks.acquire(4, Level.NODE, ["c"]) == {"c"}
    locks.release_all(1)
    assert second.got_it() == {"a", "b"}
    assert third.result == "waiting"
    locks.release_all(2)
    assert third.got_it() == {"b"}


def test_priority_goes_before_arrival(locks):
    locks.acquire(1, Level.INSTANCE, ["web"])
    low = Waiter(locks, 2, Level.INSTANCE, ["web"], priority=10)
    normal = Waiter(locks, 3, Level.INSTANCE, ["web"], priority=0)
    later = Waiter(locks, 4, Level.INSTANCE, ["web"], priority=10)
    locks.set_priority(4, -20)
    locks.release_all(1)
    later.got_it()
    assert low.result == normal.result == "waiting"
    locks.release_all(4)
    normal.got_it()
    assert low.result == "waiting"
    locks.release_all(3)
    low.got_it()


def test_whole_level_excludes_single_names_and_names_not_yet_known(locks):
    locks.acquire(1, Level.NODE, levels.ALL)
    second = Waiter(locks, 2, Level.NODE, ["new"], shared=True)
    assert second.result == "waiting"
    locks.downgrade(1, Level.NODE)
    assert second.got_it() == {"new"}
    third = Waiter(locks, 3, Level.NODE, levels.ALL)
    assert third.result == "waiting"
    locks.release_all(1)
    assert third.result == "waiting"
    locks.release_all(2)
    assert third.got_it() is levels.ALL


def test_time_out_leaves_the_queue_clean(locks):
    locks.acquire(1, Level.NODE, ["a"], shared=True)
    assert locks.acquire(2, Level.NODE, ["a"], timeout=0.01) is None
    assert locks.acquire(3, Level.NODE, ["a"], shared=True, timeout=0.01) == {"a"}
    assert locks.acquire(2, Level.NODE, ["b"]) == {"b"}


def test_a_waiter_that_gives_up_frees_those_behind_it(locks):
    locks.acquire(1, Level.NODE, ["a"], shared=True)
    second = Waiter(locks, 2, Level.NODE, ["a"], timeout=0.2)
    third = Waiter(locks, 3, Level.NODE, ["a"], shared=True)
    assert third.result == "waiting"
    assert second.got_it() is None
    assert third.got_it() == {"a"}


def test_opportunistic_takes_what_is_free(locks):
    locks.acquire(1, Level.NODE, ["a"])
    Waiter(locks, 2, Level.NODE, ["a", "b"])
    assert locks.acquire(3, Level.NODE, ["a", "b", "c"], opportunistic=True) == {"c"}


def test_levels_are_taken_in_order(locks):
    locks.acquire(1, Level.NODE, ["a"])
    with pytest.raises(errors.LockError, match="instance asked after those of node"):
        locks.acquire(1, Level.INSTANCE, ["web"])
    locks.release_all(1)
    assert locks.acquire(1, Level.INSTANCE, ["web"]) == {"web"}


def test_interrupt_wakes_a_waiter(locks):
    locks.acquire(1, Level.NODE, ["a"])
    second = Waiter(locks, 2, Level.NODE, ["a"])
    assert locks.interrupt(2)
    assert isinstance(second.got_it(), manager.Interrupted)
    assert not locks.interrupt(2)
    locks.release_all(1)
    assert locks.acquire(3, Level.NODE, ["a"], timeout=0.01) == {"a"}


def test_report_names_holders_and_waiters(locks):
    locks.acquire(17, Level.CLUSTER, [levels.BGL], shared=True)
    locks.acquire("watcher", Level.NODE, levels.ALL, shared=True)
    Waiter(locks, 18, Level.NODE, ["u1"])
    assert locks.report() == [
        ("cluster/BGL", "shared", ["17"], []),
        ("node/[lockset]", "shared", ['"watcher"'], []),
        ("node/u1", None, [], [("exclusive", ["18"])]),
    ]


def test_holdings_keep_some_of_a_whole_level(locks):
    held = manager.Holdings(locks, 5, lambda level: ["a", "b", "c"])
    held.acquire(Level.NODE, levels.ALL, shared=False)
    assert held.owned(Level.NODE) == {"a", "b", "c"} and held.owns_all(Level.NODE)
    held.release(Level.NODE, keep=["b"])
    assert held.owned(Level.NODE) == {"b"} and not held.owns_all(Level.NODE)
    assert locks.acquire(6, Level.NODE, ["a", "c"], timeout=0) == {"a", "c"}
    held.downgrade(Level.NODE)
    assert locks.acquire(7, Level.NODE, ["b"], shared=True, timeout=0) == {"b"}
    held.release_all()
    assert held.owned(Level.NODE) == frozenset()


def test_many_threads_never_hold_conflicting_locks_and_all_finish(locks):
    holders, mutex, names = {}, threading.Lock(), "abcd"
    failures = []

    def job(number):
        rand = random.Random(number)
        for _ in range(30):
            shared = rand.random() < 0.5
            for level in (Level.INSTANCE, Level.NODE):
                wanted = rand.sample(names, rand.randint(1, 3))
                locks.acquire(number, level, wanted, shared=shared)
                with mutex:
                    for name in wanted:
                        others = holders.setdefault((level, name), {})
                        if others and not (shared and all(others.values())):
                            failures.append((level, name))
                        others[number] = shared
            with mutex:
                for others in holders.values():
                    others.pop(number, None)
            locks.release_all(number)

    threads = [threading.Thread(target=job, args=(n,), daemon=True) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert not failures
    assert locks.report() == []
