"""Console dicts: how a client reaches a guest's console. Only the keys that are set are there."""

from __future__ import annotations

from typing import Any

from ganeti import constants

Console = dict[str, Any]


def message(instance: str, text: str) -> Console:
    """No console that a program could open; a text for the user instead."""
    return {"instance": instance, "kind": constants.CONS_MESSAGE, "message": text}


def ssh(instance: str, host: str, user: str, command: list[str], port: int | None = None
        ) -> Console:
    """A command that attaches to the console, to be run over SSH on `host`."""
    console: Console = {"instance": instance, "kind": constants.CONS_SSH, "host": host,
                        "user": user, "command": command}
    if port is not None:
        console["port"] = port
    return console


def vnc(instance: str, host: str, port: int, display: int | None = None) -> Console:
    """A VNC server."""
    console: Console = {"instance": instance, "kind": constants.CONS_VNC, "host": host,
                        "port": port}
    if display is not None:
        console["display"] = display
    return console


def spice(instance: str, host: str, port: int) -> Console:
    """A SPICE server."""
    return {"instance": instance, "kind": constants.CONS_SPICE, "host": host, "port": port}
