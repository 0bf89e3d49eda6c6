"""The connection between the two ends: TLS with certificates on both sides."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator

from ganeti import constants, errors
from ganeti.impexpd.options import Options

#: Seconds without an answer after which a connection counts as cut
_IDLE, _INTERVAL, _PROBES = 60, 10, 5
_UNACKNOWLEDGED_MS = 120_000
#: Seconds that a peer has for the TLS handshake
_HANDSHAKE = 30.0
#: Seconds between two tries to connect
_PAUSE = 1.0


def _context(options: Options, protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(constants.OPENSSL_CIPHERS)
    try:
        context.load_cert_chain(options.cert, options.key)
        context.load_verify_locations(options.ca)
    except (OSError, ssl.SSLError) as err:
        raise errors.X509CertError(options.cert, f"can not be used for a transfer: {err}") from err
    return context


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _INTERVAL)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MS)


def connect(options: Options, pause: Callable[[float], object]) -> ssl.SSLSocket:
    """Connect to the receiver, trying again as often as asked for; `pause` waits in between."""
    context = _context(options, ssl.PROTOCOL_TLS_CLIENT)
    assert options.host is not None and options.port is not None
    for left in range(options.connect_retries, -1, -1):
        try:
            return _connect_once(context, options.host, options.port, options.connect_timeout)
        except ssl.SSLError as err:
            raise errors.OpExecError(
                f"{options.host}:{options.port} is not the expected receiver:"
                f" {err.reason or err}") from err
        except OSError as err:
            text = err.strerror or str(err)
            if not left:
                raise errors.OpExecError(
                    f"Can not connect to {options.host}:{options.port}: {text}") from err
            logging.info("Can not connect to %s:%s yet: %s", options.host, options.port, text)
            pause(_PAUSE)
    raise errors.ProgrammerError("a loop with at least one round did not run")


def _connect_once(context: ssl.SSLContext, host: str, port: int, timeout: float) -> ssl.SSLSocket:
    plain = socket.create_connection((host, port), timeout)
    try:
        _keep_alive(plain)
        secure = context.wrap_socket(plain, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise
    secure.settimeout(None)
    return secure


@contextlib.contextmanager
def listening(options: Options) -> Iterator[socket.socket]:
    """A socket that waits for the sender; its port is free unless one was asked for."""
    family = socket.AF_INET6 if options.ipv6 else socket.AF_INET
    address = options.bind or ("::" if options.ipv6 else "0.0.0.0")
    try:
        server = socket.create_server((address, options.port or 0), family=family, backlog=5)
    except OSError as err:
        raise errors.OpExecError(
            f"Can not listen on {address} port {options.port or 'of any number'}:"
            f" {err.strerror}") from err
    with server:
        yield server


def accept(options: Options, server: socket.socket) -> ssl.SSLSocket:
    """Wait for the sender; strangers are turned away and do not end the waiting."""
    context = _context(options, ssl.PROTOCOL_TLS_SERVER)
    deadline = time.monotonic() + options.connect_timeout
    while (left := deadline - time.monotonic()) > 0:
        server.settimeout(left)
        try:
            plain, peer = server.accept()
        except TimeoutError:
            break
        plain.settimeout(min(_HANDSHAKE, left))
        try:
            _keep_alive(plain)
            secure = context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False)
        except OSError as err:
            logging.warning("A connection from %s was refused: %s", peer[0], err)
            plain.close()
            continue
        secure.settimeout(None)
        return secure
    raise errors.OpExecError(f"Nobody connected within {options.connect_timeout} s")


def await_confirmation(sock: ssl.SSLSocket) -> None:
    """End the stream, and wait until the receiver says that all of it is where it belongs."""
    try:
        sock.unwrap()
    except OSError as err:
        raise errors.OpExecError(
            "The receiver did not confirm that the data arrived; its own status tells why"
            ) from err


def confirm(sock: ssl.SSLSocket) -> None:
    """Tell the sender that all has arrived; one of Ganeti 3 does not wait for that."""
    with contextlib.suppress(OSError):
        sock.unwrap()
