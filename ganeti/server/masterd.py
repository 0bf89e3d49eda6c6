"""ganeti-masterd, the master daemon: LUXI, configuration, locks and jobs on the master node."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
from typing import Final

from ganeti import constants, errors, ssconf
from ganeti.config import store
from ganeti.masterd import lifecycle, office, voting
from ganeti.rpc import runner
from ganeti.utils import daemon, net

SWITCH_SECONDS: Final = 0.001
"""How long a busy job thread may keep the event loop waiting."""


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-voting", action="store_true",
                        help="do not ask the other nodes whether this one is the master")
    parser.add_argument("--yes-do-it", action="store_true",
                        help="do not ask for confirmation of --no-voting")


def check(options: argparse.Namespace) -> None:
    """Refuse to start where this node is not the master of a cluster."""
    try:
        master = ssconf.SimpleStore().master_node()
    except errors.ConfigurationError:
        raise daemon.Refusal(
            "This machine is not part of a cluster; 'gnt-cluster init' makes one",
            constants.EXIT_NOTCLUSTER) from None
    me = net.hostname()
    if master != me:
        raise daemon.Refusal(f"This node ({me}) is not the master; the master is {master}",
                             constants.EXIT_NOTMASTER)
    if options.no_voting and not options.yes_do_it:
        _confirm()


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise daemon.Refusal("--no-voting needs --yes-do-it when nobody can be asked",
                             constants.EXIT_CONFIRMATION)
    print("The 'no voting' option skips the check that no other node is the master.\n"
          "Two masters at the same time destroy the cluster's consistency.")
    if input("Continue? y/[n]: ").strip().lower() != "y":
        raise daemon.Refusal("Not started", constants.EXIT_CONFIRMATION)


async def run(options: argparse.Namespace, life: daemon.Life) -> None:
    """Serve until told to stop."""
    sys.setswitchinterval(SWITCH_SECONDS)
    constants.HYPER_TYPES.log_problems()
    constants.DISK_TEMPLATES.log_problems()
    cfg = lifecycle.load_config()
    rpc = runner.RpcRunner(lambda: cfg.snapshot, asyncio.get_running_loop())
    try:
        silent = await office.take(options.no_voting, net.hostname(), rpc, cfg.snapshot)
    except errors.GenericError as err:
        await rpc.aclose()
        status = (constants.EXIT_NOTMASTER if isinstance(err, voting.NotMaster)
                  else constants.EXIT_FAILURE)
        raise daemon.Refusal(errors.text(err), status) from err
    master = lifecycle.Master(cfg, rpc, silent)
    await master.start()
    gc.collect()
    gc.freeze()
    life.ready()
    watch = asyncio.create_task(_leave_when_replaced(rpc, cfg))
    await life.stop.wait()
    watch.cancel()
    if not await master.stop():
        os._exit(constants.EXIT_FAILURE)


async def _leave_when_replaced(rpc: runner.RpcRunner, cfg: store.ConfigStore) -> None:
    """End at once when another node has become the master: nothing may be written any more."""
    other = await office.until_lost(rpc, lambda: cfg.snapshot, net.hostname())
    logging.error("The master is %s now; this master daemon ends at once", other)
    os._exit(constants.EXIT_NOTMASTER)


def main(argv: list[str] | None = None) -> int:
    """Entry point of ganeti-masterd."""
    return daemon.main(constants.MASTERD, check, run, options=_options, argv=argv)


if __name__ == "__main__":
    sys.exit(main())
