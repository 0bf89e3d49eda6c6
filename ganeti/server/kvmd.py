"""ganeti-kvmd: notices KVM guests that their users shut down (see ganeti.hypervisor.kvm.kvmd)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from ganeti import constants
from ganeti.hypervisor.kvm import kvmd, paths
from ganeti.utils import daemon

#: A guest whose socket was overlooked by inotify is found after so many seconds
_LOOK_INTERVAL = 5.0


async def run(options: argparse.Namespace, life: daemon.Life) -> None:
    """Watch the directory of sockets until told to stop."""
    import pyinotify

    paths.ensure_directories()
    watch = kvmd.Watch()
    manager = pyinotify.WatchManager()
    manager.add_watch(paths.directory("ctrl"), pyinotify.IN_CREATE | pyinotify.IN_MOVED_TO)
    notifier = pyinotify.AsyncioNotifier(manager, asyncio.get_running_loop(),
                                         default_proc_fun=lambda event: watch.look())
    life.ready()
    try:
        while not life.stop.is_set():
            watch.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(life.stop.wait(), _LOOK_INTERVAL)
    finally:
        notifier.stop()
        await watch.close()


def main() -> int:
    return daemon.main(constants.KVMD, None, run)


if __name__ == "__main__":
    sys.exit(main())
