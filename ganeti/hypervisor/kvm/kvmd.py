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
from typing import Any

from qemu.qmp import EventListener, QMPClient, QMPError, Runstate

from ganeti.hypervisor.kvm import paths, qmp
from ganeti.hypervisor.kvm.paths import Files
from ganeti.utils import io

_SUFFIX = ".kvmd"
_CONNECT_TIMEOUT = 10.0
#: A socket appears a moment before QEMU listens on it
_RETRY = 0.2


class Verdict:
    """What the events of one guest add up to."""

    def __init__(self) -> None:
        self._asked = False
        self._halted = False

    def by_user(self, event: dict[str, Any]) -> bool:
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

    def look(self) -> None:
        """Begin to listen to guests that have appeared."""
        for file_name in io.list_visible(paths.directory("ctrl")):
            name = file_name.removesuffix(_SUFFIX)
            if file_name.endswith(_SUFFIX) and name not in self._guests:
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
        client = await self._connect(name, files)
        if client is None:
            return
        verdict = Verdict()
        logging.info("Watching instance %s", name)
        try:
            with client.listener() as events:
                while event := await _next_event(client, events):
                    logging.debug("Instance %s: %s", name, event)
                    if verdict.by_user(event):
                        io.write_file(files.shutdown, b"", mode=0o600)
                        logging.info("Instance %s was shut down by its user", name)
        finally:
            await qmp.disconnect(client)

    async def _connect(self, name: str, files: Files) -> QMPClient | None:
        """A conversation with the guest; None when it is gone before it begins."""
        while os.path.exists(files.kvmd):
            client = QMPClient(name)
            client.logger = qmp.wire_logger()
            try:
                await asyncio.wait_for(qmp.connect(client, files.kvmd), _CONNECT_TIMEOUT)
                return client
            except (QMPError, OSError, TimeoutError) as err:
                logging.debug("Instance %s can not be watched yet: %s", name, err)
                await asyncio.sleep(_RETRY)
        return None


async def _next_event(client: QMPClient, events: EventListener) -> dict[str, Any] | None:
    """The next event; None when the conversation has ended and all were heard."""
    getting = asyncio.ensure_future(events.get())
    while not getting.done():
        changed = asyncio.ensure_future(client.runstate_changed())
        await asyncio.wait({getting, changed}, return_when=asyncio.FIRST_COMPLETED)
        changed.cancel()
        if not getting.done() and client.runstate != Runstate.RUNNING:
            getting.cancel()
            return None
    return dict(getting.result())
