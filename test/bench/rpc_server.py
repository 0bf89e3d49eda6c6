"""A node server and a bare TLS echo in one process, for `bench_rpc`: prints their two ports."""

from __future__ import annotations

import asyncio
import pathlib
import sys

from ganeti import constants
from ganeti.rpc import server, tls


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def main(directory: pathlib.Path) -> None:
    """Serve until the standard input ends."""
    certificate = str(directory / "server.pem")
    backend = {"version": lambda: constants.PROTOCOL_VERSION, "write_ssconf_files": lambda _v: None}
    node = server.NodeServer(backend.get, tls.PeerCheck(str(directory / "certs"), certificate))
    port = await node.start("0.0.0.0", 0, tls.server_context(certificate))
    echo = await asyncio.start_server(_echo, "127.0.0.1", 0, ssl=tls.server_context(certificate))
    print(port, echo.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    echo.close()
    await node.stop()


if __name__ == "__main__":
    asyncio.run(main(pathlib.Path(sys.argv[1])))
