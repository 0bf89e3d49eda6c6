"""python -m test.lab.vm: the lab by hand."""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import shutil
import sys

from ganeti.tools.vcluster.layout import VclusterError
from test.lab.vm.errors import LabError
from test.lab.vm.lab import Lab, why_not
from test.lab.vm.machine import CommandFailed, Kind
from test.vcluster import fixture

EXAMPLES = """examples:
  python -m test.lab.vm up            two machines and a master, made into a cluster (make lab)
  python -m test.lab.vm run gnt-node list
  python -m test.lab.vm ssh 1 lvs
  python -m test.lab.vm cut 1 2       node1 and node2 no longer reach each other
  python -m test.lab.vm kill 2        pull node2's plug; `start 2` switches it on again
  python -m test.lab.vm down          stop it all (make lab-stop)
"""


def default_root() -> pathlib.Path:
    return pathlib.Path(os.environ.get("GANETI_LAB", "/tmp/ganeti-lab"))


def up(args: argparse.Namespace) -> int:
    reason = why_not()
    if reason:
        raise LabError(reason)
    if (args.root / "lab.json").exists():
        lab = Lab.load(args.root)
        lab.start_all()
    else:
        lab = Lab(args.root, args.count, Kind(memory=1152, xen=True) if args.xen else Kind())
        lab.up()
        lab.keep()
        if not args.bare:
            lab.form()
    return status(args)


def down(args: argparse.Namespace) -> int:
    Lab.load(args.root).down()
    return 0


def status(args: argparse.Namespace) -> int:
    lab = Lab.load(args.root)
    print(f"{lab.master.name}  {lab.master.layout.nodes[0].address}  (this machine)")
    for node in lab.nodes:
        print(f"{node.name}    {node.address}  {'on' if node.alive() else 'off'}")
    return 0


def ssh(args: argparse.Namespace) -> int:
    argv = Lab.load(args.root).node(args.node).ssh(*args.command)
    os.execvp(argv[0], argv)


def run(args: argparse.Namespace) -> int:
    """Type a command on the master."""
    lab = Lab.load(args.root)
    line = shlex.join(args.command or [os.environ.get("SHELL", "/bin/sh")])
    argv, environment = lab.master.command(lab.master.name, line)
    sys.stdout.flush()
    os.execve(shutil.which(argv[0]) or argv[0], argv, environment)


def power(args: argparse.Namespace) -> int:
    lab = Lab.load(args.root)
    lab.kill(args.node) if args.action == "kill" else lab.start(args.node)
    return status(args)


def cable(args: argparse.Namespace) -> int:
    lab = Lab.load(args.root)
    (lab.cut if args.action == "cut" else lab.heal)(args.node, args.other)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m test.lab.vm", epilog=EXAMPLES, description="The test machines, as root.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--root", type=pathlib.Path, default=default_root(),
                        help="directory of the lab (GANETI_LAB; default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    making = actions.add_parser("up", help="start the machines and make them a cluster")
    making.add_argument("-c", "--count", type=int, default=2, help="number of machines (2)")
    making.add_argument("--xen", action="store_true", help="machines that are Xen hosts")
    making.add_argument("--bare", action="store_true", help="machines only, no cluster on them")
    making.set_defaults(run=up)
    actions.add_parser("down", help="stop everything and remove it").set_defaults(run=down)
    actions.add_parser("status", help="which machines are on").set_defaults(run=status)
    shell = actions.add_parser("ssh", help="a shell (or a command) on a machine")
    shell.add_argument("node", type=int)
    shell.add_argument("command", nargs=argparse.REMAINDER)
    shell.set_defaults(run=ssh)
    typed = actions.add_parser("run", help="a shell (or a command) on the master")
    typed.add_argument("command", nargs=argparse.REMAINDER)
    typed.set_defaults(run=run)
    for action, text in (("kill", "pull a machine's plug"), ("start", "switch a machine on")):
        one = actions.add_parser(action, help=text)
        one.add_argument("node", type=int)
        one.set_defaults(run=power)
    for action, text in (("cut", "pull a machine's cable, or close the way to another one"),
                         ("heal", "mend what 'cut' did")):
        one = actions.add_parser(action, help=text)
        one.add_argument("node", type=int)
        one.add_argument("other", type=int, nargs="?")
        one.set_defaults(run=cable)
    return parser


def main() -> int:
    """Run one action; errors are one line and exit status 1."""
    args = _parser().parse_args()
    args.root = args.root.absolute()
    try:
        return int(args.run(args))
    except (LabError, VclusterError, CommandFailed, fixture.CommandFailed) as err:
        print(f"lab: {err}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
