"""A master daemon's double at a real LUXI socket: answers as told, and remembers the calls."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from ganeti import errors
from ganeti.luxi import protocol
from ganeti.luxi.server import LuxiServer


class Master:
    """Answers LUXI calls as told in `answers` (a value, an error, or a function of the
    arguments), and remembers them in `calls`.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any]]] = []
        self.answers: dict[str, Any] = {protocol.REQ_SUBMIT_JOB: 42}

    def handlers(self) -> dict[str, Any]:
        return {name: self._handler(name) for name in protocol.METHODS}

    def _handler(self, method: str) -> Any:
        async def handle(args: list[Any], peer: object) -> Any:
            self.calls.append((method, args))
            answer = self.answers.get(method, errors.ProgrammerError(f"no answer to {method}"))
            if callable(answer):
                answer = answer(*args)
                if asyncio.iscoroutine(answer):
                    answer = await answer
            if isinstance(answer, Exception):
                raise answer
            return answer
        return handle

    def called(self, method: str) -> list[list[Any]]:
        return [args for name, args in self.calls if name == method]

    @property
    def job(self) -> list[dict[str, Any]]:
        """The opcodes of the only submitted job."""
        ((ops,),) = self.called(protocol.REQ_SUBMIT_JOB)
        return ops


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


class Served:
    """A double that listens at a path."""

    def __init__(self, path: str) -> None:
        self.master = Master()
        self.loop = Loop()
        self.server = LuxiServer(self.master.handlers())
        self.loop.run(self.server.start(path))

    def close(self) -> None:
        self.loop.run(self.server.stop())
        self.loop.close()
