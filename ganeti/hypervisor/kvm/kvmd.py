"""Noticing guests that were shut down from inside, while nobody asked them to.

Guests with `user_shutdown` have a second QMP socket, ctrl/NAME.kvmd. Whoever listens there hears
a SHUTDOWN; when no POWERDOWN (the administrator's button) or STOP came before it, the file
ctrl/NAME.shutdown is made, which tells the driver that the user did it. The daemon around this is
:mod:`ganeti.server.kvmd`.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from qemu.qmp import EventListener, QMPClient, QMPError, Runstate

from ganeti.hypervisor.kvm import paths, qmp
from ganeti.hypervisor.kvm.paths import Files
from ganeti.utils import io

_SUFFIX = ".kvmd"
_Identity = tuple[int, int]
_CONNECT_TIMEOUT = 10.0
#: A socket appears a moment before QEMU listens on it
_RETRY = 0.2
#: One that nobody listens on for so long is what a crashed QEMU has left
_PATIENCE = 5.0


class Verdict:
    """What the events of one guest add up to."""

    def __init__(self) -> None:
        self._asked = False
        self._halted = False

    def by_user(self, event: Mapping[str, Any]) -> bool:
        """Take in an event; whether it is the end of a guest by its own user."""
        name = event["event"]
        if name == "POWERDOWN":
            self._asked = True
        elif name == "RESET":
            self._asked = False
        elif name in ("STOP", "RESUME"):
            self._halted = name == "STOP"
        elif name == "SHUTDOWN":
            # QEMU tells who it was since 2.x: 'quit' and signals are not the guest
            from_guest = event.get("data", {}).get("guest", True)
            return bool(from_guest) and not self._asked and not self._halted
        return False


class Watch:
    """All guests of this node that want to be watched."""

    def __init__(self) -> None:
        self._guests: dict[str, asyncio.Task[None]] = {}
        self._dead: dict[str, _Identity] = {}

    def look(self) -> None:
        """Begin to listen to guests that have appeared."""
        names = [file_name.removesuffix(_SUFFIX)
                 for file_name in io.list_visible(paths.directory("ctrl"))
                 if file_name.endswith(_SUFFIX)]
        found = {name: identity for name in names if (identity := _identity(Files(name).kvmd))}
        self._dead = {name: identity for name, identity in self._dead.items()
                      if found.get(name) == identity}
        for name in found.keys() - self._guests.keys() - self._dead.keys():
            task = asyncio.create_task(self._listen(name))
            self._guests[name] = task
            task.add_done_callback(functools.partial(self._forget, name))

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        del self._guests[name]
        if not task.cancelled() and task.exception() is not None:
            logging.error("Instance %s is not watched any more: %s", name, task.exception())

    async def close(self) -> None:
        tasks = list(self._guests.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, name: str) -> None:
        """Follow one guest to its end."""
        files = Files(name)
        client = await self._connect(files, EventListener(
            event_filter=functools.partial(_hear, files, Verdict())))
        if client is None:
            return
        logging.info("Watching instance %s", name)
        try:
            if client.runstate == Runstate.RUNNING:
                await client.runstate_changed()
        finally:
            await qmp.disconnect(client)

    async def _connect(self, files: Files, listener: EventListener) -> QMPClient | None:
        """A conversation with the guest, heard from its first word; None when it has ended."""
        deadline = time.monotonic() + _PATIENCE
        while identity := _identity(files.kvmd):
            client = QMPClient(files.name)
            client.logger = qmp.wire_logger()
            client.register_listener(listener)
            try:
                await asyncio.wait_for(qmp.connect(client, files.kvmd), _CONNECT_TIMEOUT)
                return client
            except (QMPError, OSError, TimeoutError) as err:
                logging.debug("Instance %s can not be watched yet: %s", files.name, err)
                if qmp.is_refusal(err) and time.monotonic() > deadline:
                    self._dead[files.name] = identity
                    return None
                await asyncio.sleep(_RETRY)
        return None


def _identity(path: str) -> _Identity | None:
    """What tells a file from a later one of its name; None when there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


def _hear(files: Files, verdict: Verdict, event: Mapping[str, Any]) -> bool:
    """Judge an event as it comes; False, as the listener shall not keep those of years."""
    logging.debug("Instance %s: %s", files.name, event)
    if verdict.by_user(event):
        try:
            io.write_file(files.shutdown, b"", mode=0o600)
            logging.info("Instance %s was shut down by its user", files.name)
        except OSError as err:
            logging.error("Instance %s was shut down by its user, which can not be noted: %s",
                          files.name, err)
    return False
