"""The node side of the calls on an emulated Xen host, without the daemon around it.

In an emulated dom0 the daemon's TLS and its libraries alone take minutes to get going. So the
node functions, with all that is below them, are run there by this program, which stays for a whole
test: a line {"call", "body"} on its input, a line [ok, payload] on its output. The other end is
`XenCluster`: the real units, locks and configuration, on this machine.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import threading
from typing import IO

from ganeti import errors, serializer


def answer() -> None:
    """Runs in the dom0, until its input ends."""
    from ganeti import backend
    from ganeti.rpc import defs
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        function = backend.resolve(request["call"])
        assert function is not None
        try:
            decoded = defs.get(request["call"]).decode(serializer.load(request["body"]))
            result = [True, function(*decoded)]
        except errors.GenericError as err:
            result = [False, errors.text(err)]
        print(serializer.dumps(result), flush=True)


class Host:
    """Our end of that program on one machine; `command` starts it there, see `Machine.ssh`."""

    def __init__(self, command: list[str]) -> None:
        self._lock = threading.Lock()
        self._program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        if self._output.readline() != "ready\n":
            self._program.kill()
            self.close()
            raise AssertionError("the program did not start on the host")

    @property
    def _output(self) -> IO[str]:
        assert self._program.stdout is not None
        return self._program.stdout

    def ask(self, call: str, body: bytes) -> bytes:
        with self._lock:
            assert self._program.stdin is not None
            self._program.stdin.write(json.dumps({"call": call, "body": body.decode()}) + "\n")
            self._program.stdin.flush()
            said = self._output.readline()
        if not said:
            raise AssertionError(f"the program on the host ended while it was asked for {call}")
        return said.encode()

    def close(self) -> None:
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._output.close()
        self._program.wait(60)


def command(top: str) -> str:
    """The shell's words that start the program on a machine of the lab."""
    python = f"$(ls -d {top}/.venv/bin/python3 /opt/ganeti/env/bin/python3 2>/dev/null | head -1)"
    return f"cd {shlex.quote(top)} && exec {python} -m test.lab.xenhost"


if __name__ == "__main__":
    answer()
