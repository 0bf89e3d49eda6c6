"""Many node daemons in one process, for `bench_large`: they vote and take ssconf files.

    python -m test.bench.crowd DIRECTORY MASTER ADDRESS...     (serves until its input ends)
"""

from __future__ import annotations

import asyncio
import pathlib
import sys
from typing import Any

from ganeti import constants
from ganeti.rpc import server, tls

PORT = 1811


async def main(directory: pathlib.Path, master: str, addresses: list[str]) -> None:
    """Serve at all addresses."""
    certificate = str(directory / "server.pem")
    answers: dict[str, Any] = {
        "version": lambda: constants.PROTOCOL_VERSION, "master_node_name": lambda: master,
        "write_ssconf_files": lambda values: None}
    check = tls.PeerCheck(str(directory / "ssconf_master_candidates_certs"), certificate)
    node = server.NodeServer(answers.get, check)
    await node.start(addresses, PORT, tls.server_context(certificate))  # type: ignore[arg-type]
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await node.stop()


if __name__ == "__main__":
    asyncio.run(main(pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
