"""ganeti-confd, which answers small questions about the configuration over UDP.

It follows the configuration file by inotify, and looks by itself now and then in case a message
of the kernel got lost.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import warnings
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.confd import server
from ganeti.config import files
from ganeti.utils import daemon, io

RELOAD_RATE = constants.CONFD_CONFIG_RELOAD_RATELIMIT / 1_000_000
RELOAD_TIMEOUT = constants.CONFD_CONFIG_RELOAD_TIMEOUT


class FollowedConfig:
    """The newest readable configuration, read again when the file has changed."""

    def __init__(self, path: str | None = None, key_path: str | None = None):
        self.path = path or pathutils.CLUSTER_CONF_FILE
        self._key_path = key_path or pathutils.CONFD_HMAC_KEY
        self._config: objects.ConfigData | None = None
        self._seen: Any = None
        self._key: tuple[Any, str] = (None, "")
        self.reads = 0

    def get(self) -> objects.ConfigData | None:
        """The configuration; None while the file is missing or damaged."""
        return self._config

    def key(self) -> str:
        """The text of the HMAC key, read again when its file has changed."""
        try:
            mark = _mark(self._key_path)
            if mark != self._key[0]:
                self._key = (mark, io.read_file(self._key_path))
        except (OSError, errors.GenericError) as err:
            logging.error("Keeping the former HMAC key: %s", err)
        return self._key[1]

    def reload(self) -> bool:
        """Read the file if it has changed; whether it was read."""
        try:
            mark = _mark(self.path)
        except FileNotFoundError:
            if self._config is not None:
                logging.warning("%s is gone: this node is no master candidate any more",
                                self.path)
            self._config, self._seen = None, None
            return False
        if mark == self._seen:
            return False
        self.reads += 1
        self._seen = mark
        try:
            self._config = files.read(self.path)
        except errors.GenericError as err:
            logging.error("Answering from the former configuration: %s", errors.text(err))
            return False
        logging.debug("Read configuration %d", self._config.serial_no)
        return True


def _mark(path: str) -> tuple[int, int, int]:
    status = os.stat(path)
    return status.st_mtime_ns, status.st_ino, status.st_size


class Follower:
    """Has the configuration read soon after the file changes, but not too often."""

    def __init__(self, config: FollowedConfig, rate: float = RELOAD_RATE,
                 timeout: float = RELOAD_TIMEOUT):
        self._config = config
        self._rate = rate
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._notifier: Any = None
        self._fd = -1

    def start(self) -> None:
        """Watch the directory, since the file is replaced and not written in place."""
        self._config.reload()
        try:
            self._notifier, self._fd = _notifier(os.path.dirname(self._config.path), self._event)
            self._loop.add_reader(self._fd, self._read_events)
        except errors.InotifyError as err:
            logging.warning("Looking for changes every %d s only: %s", self._timeout, err)
        self._schedule(self._timeout)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()
        if self._notifier is not None:
            self._loop.remove_reader(self._fd)
            self._notifier.stop()

    def _read_events(self) -> None:
        self._notifier.read_events()
        self._notifier.process_events()

    def _event(self, event: Any) -> None:
        if event.name == os.path.basename(self._config.path):
            self._schedule(max(0.0, self._last + self._rate - self._loop.time()))

    def _schedule(self, delay: float) -> None:
        due = self._loop.time() + delay
        if self._timer is not None and not self._timer.cancelled() and (
                self._loop.time() < self._timer.when() <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self._reload)

    def _reload(self) -> None:
        self._last = self._loop.time()
        self._config.reload()
        self._timer = None
        self._schedule(self._timeout)


def _notifier(directory: str, handler: Any) -> tuple[Any, int]:
    """A notifier of a directory's changes, and the descriptor to wait on."""
    with warnings.catch_warnings():
        # pyinotify 0.9.6 imports asyncore, which Python 3.11 announces the end of.
        warnings.simplefilter("ignore", DeprecationWarning)
        import pyinotify
    manager = pyinotify.WatchManager()
    mask = (pyinotify.IN_MOVED_TO | pyinotify.IN_CLOSE_WRITE | pyinotify.IN_DELETE
            | pyinotify.IN_MOVED_FROM)
    try:
        manager.add_watch(directory, mask, quiet=False)
    except pyinotify.WatchManagerError as err:
        raise errors.InotifyError(f"Cannot watch {directory}: {err}") from err
    return pyinotify.Notifier(manager, default_proc_fun=handler, timeout=0), manager.get_fd()


class Protocol(asyncio.DatagramProtocol):
    """The socket."""

    def __init__(self, responder: server.Responder):
        self._responder = responder
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        reply = self._responder.respond(data, str(addr[0]))
        if reply is not None and self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        logging.debug("An answer did not arrive: %s", exc)


def check(_options: argparse.Namespace) -> None:
    """Refuse to start on a node that is no master candidate."""
    for path in (pathutils.CONFD_HMAC_KEY, pathutils.CLUSTER_CONF_FILE):
        if not os.path.exists(path):
            raise daemon.Refusal(f"{path} is missing: confd runs on master candidates only",
                                 constants.EXIT_NOTCLUSTER)


async def run(options: argparse.Namespace, life: daemon.Life) -> None:
    """Answer until told to stop."""
    config = FollowedConfig()
    follower = Follower(config)
    follower.start()
    loop = asyncio.get_running_loop()
    try:
        transport, _protocol = await loop.create_datagram_endpoint(
            lambda: Protocol(server.Responder(config.key, config.get)),
            local_addr=(options.bind_address, options.port))
    except OSError as err:
        raise errors.GenericError(f"Cannot listen at {options.bind_address}, port "
                                  f"{options.port}: {err.strerror or err}") from err
    logging.info("confd serves on %s port %d", options.bind_address, options.port)
    life.ready()
    await life.stop.wait()
    transport.close()
    follower.stop()


def main() -> int:
    """Entry point of the program."""
    return daemon.main(constants.CONFD, check, run, port=constants.DEFAULT_CONFD_PORT)


if __name__ == "__main__":
    sys.exit(main())
