"""Node RPC: round trip on a warm connection, and a fan-out to 200 addresses of one server."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

from ganeti.rpc import client, runner, tls
from ganeti.utils import x509
from test.bench.rows import Row, at_most, median_ms

NODES = 200
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def _servers() -> Iterator[tuple[pathlib.Path, int, int]]:
    with tempfile.TemporaryDirectory(prefix="bench-rpc-") as name:
        directory = pathlib.Path(name)
        authority = x509.create_self_signed()
        own = x509.create_signed(authority, "node1")
        (directory / "server.pem").write_bytes(authority)
        (directory / "client.pem").write_bytes(own)
        (directory / "certs").write_text(f"uuid1={x509.digest(own)}\n")
        process = subprocess.Popen([sys.executable, "-m", "test.bench.rpc_server", name],
                                   cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin and process.stdout
        try:
            ports = process.stdout.readline().split()
            yield directory, int(ports[0]), int(ports[1])
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(20)


def _raw_round_trip(directory: pathlib.Path, port: int) -> float:
    """A short message there and back through TLS with the same certificates."""
    context = tls.client_context(str(directory / "client.pem"), str(directory / "server.pem"))
    with socket.create_connection(("127.0.0.1", port)) as raw, \
            context.wrap_socket(raw) as connection:
        def turn() -> None:
            connection.sendall(b"[]")
            connection.recv(100)

        return median_ms(turn, 300, warm=20)


def _all_good(results: dict[str, object]) -> None:
    failed = [result for result in results.values() if result.fail_msg]  # type: ignore[attr-defined]
    if failed:
        raise SystemExit(f"{len(failed)} calls failed: {failed[0]}")


def rows() -> list[Row]:
    """The rows of the table."""
    with _servers() as (directory, port, echo_port):
        raw = _raw_round_trip(directory, echo_port)
        context = tls.client_context(str(directory / "client.pem"), str(directory / "server.pem"))
        names = {f"node{n}": f"127.0.1.{n + 1}" for n in range(NODES)}
        with runner.RpcRunner.bootstrap(
                names, rpc_client=client.RpcClient(port, context)) as rpc:
            return _measure(rpc, list(names), raw)


def _measure(rpc: runner.RpcRunner, names: list[str], raw: float) -> list[Row]:
    reference = "raw TLS round trip"
    single: Callable[[], None] = lambda: _all_good(rpc.version(names[:1]))  # noqa: E731
    ssconf = {f"key{n}": "x" * 1000 for n in range(34)}
    single_ms = median_ms(single, 300, warm=20)
    cold_ms = median_ms(lambda: _all_good(rpc.version(names)), 1, warm=0)
    fan_ms = median_ms(lambda: _all_good(rpc.version(names)), 9)
    files_ms = median_ms(lambda: _all_good(rpc.write_ssconf_files(names, ssconf)), 5)
    return [
        at_most("RPC round trip on a warm connection", single_ms, "ms", 3, raw, reference),
        at_most(f"RPC fan-out to {NODES} nodes, warm", fan_ms, "ms", 500, raw * NODES,
                f"{NODES} raw TLS round trips"),
        at_most(f"RPC fan-out of 34 kB each to {NODES} nodes, warm", files_ms, "ms", 500,
                raw * NODES, f"{NODES} raw TLS round trips"),
        at_most(f"RPC fan-out to {NODES} nodes, first call (handshakes)", cold_ms, "ms", 2000,
                raw * NODES, f"{NODES} raw TLS round trips"),
    ]
