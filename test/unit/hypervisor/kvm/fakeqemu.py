"""A QMP server that follows a script: late answers, events in between, garbage, hanging up."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from typing import Any, Self

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""},
                    "capabilities": []}}


class Step:
    """One thing the server does after a command."""

    def __init__(self, kind: str, value: Any = None) -> None:
        self.kind = kind
        self.value = value


def returns(value: Any) -> Step:
    return Step("message", {"return": value})


def refuses(text: str, kind: str = "GenericError") -> Step:
    return Step("message", {"error": {"class": kind, "desc": text}})


def event(name: str, **data: Any) -> Step:
    return Step("event", {"event": name, "data": data,
                          "timestamp": {"seconds": 1, "microseconds": 2}})


def wait(seconds: float) -> Step:
    return Step("wait", seconds)


def raw(data: bytes) -> Step:
    return Step("raw", data)


HANG_UP = Step("hang up")


class FakeQemu(threading.Thread):
    """Answers commands by `script`: command -> steps; a list of lists is used up call by call."""

    def __init__(self, path: Path, script: dict[str, Any], *, greeting: bytes | None = None
                 ) -> None:
        super().__init__(daemon=True)
        self.script = {"qmp_capabilities": [returns({})]} | script
        self.commands: list[dict[str, Any]] = []
        self._greeting = json.dumps(GREETING).encode() + b"\r\n" if greeting is None else greeting
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join(5)

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._serve(connection)
                except (BrokenPipeError, ConnectionResetError):
                    continue

    def _serve(self, connection: socket.socket) -> None:
        connection.sendall(self._greeting)
        received = ""
        while data := connection.recv(65536):
            # QMP has no line ends: a command ends where its JSON does
            received += data.decode()
            while received.strip():
                try:
                    command, end = json.JSONDecoder().raw_decode(received.lstrip())
                except json.JSONDecodeError:
                    break
                received = received.lstrip()[end:]
                self.commands.append(command)
                if not self._answer(connection, command):
                    return

    def _answer(self, connection: socket.socket, command: dict[str, Any]) -> bool:
        steps = self.script[command["execute"]]
        if steps and isinstance(steps[0], list):
            steps = steps.pop(0)
        for step in steps:
            if step.kind == "wait":
                time.sleep(step.value)
            elif step.kind == "raw":
                connection.sendall(step.value)
            elif step.kind == "hang up":
                return False
            else:
                message = dict(step.value)
                if step.kind == "message" and "id" in command:
                    message["id"] = command["id"]
                connection.sendall(json.dumps(message).encode() + b"\r\n")
        return True

    def named(self, name: str) -> list[dict[str, Any]]:
        """Arguments of all commands of that name."""
        return [command.get("arguments", {}) for command in self.commands
                if command["execute"] == name]
