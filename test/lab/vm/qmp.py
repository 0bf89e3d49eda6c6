"""A client of QEMU's monitor in forty lines, for the lab's own machines."""

from __future__ import annotations

import json
import pathlib
import socket
import time
from typing import Any

from test.lab.vm.errors import LabError


class Monitor:
    """One connection; `command` waits for its answer and passes events over."""

    def __init__(self, path: pathlib.Path, timeout: float = 60) -> None:
        deadline = time.monotonic() + timeout
        while True:
            self._socket = socket.socket(socket.AF_UNIX)
            try:
                self._socket.connect(str(path))
                break
            except OSError as err:
                self._socket.close()
                if time.monotonic() > deadline:
                    raise LabError(f"No monitor at {path}: {err}") from err
                time.sleep(0.05)
        self._socket.settimeout(timeout)
        self._stream = self._socket.makefile("rwb")
        self._read()
        self.command("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        line = self._stream.readline()
        if not line:
            raise LabError("QEMU closed its monitor")
        return json.loads(line)

    def command(self, name: str, **arguments: Any) -> Any:
        self._stream.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        self._stream.flush()
        while True:
            answer = self._read()
            if "error" in answer:
                raise LabError(f"QEMU refuses {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
