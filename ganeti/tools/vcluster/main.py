"""tools/vcluster-setup: the command line of virtual clusters."""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

from ganeti.tools.vcluster import layout, netns, nodes

EXAMPLES = """examples:
  tools/vcluster-setup up -c 3                    three nodes, made into a cluster
  eval "$(tools/vcluster-setup env node1)"        this shell is on node1 from here on
  gnt-node list
  tools/vcluster-setup kill node3                 pull its plug
  tools/vcluster-setup start node3
  tools/vcluster-setup down                       stop it all and remove its directory
"""


def _say(text: str) -> None:
    print(text, flush=True)


def up(args: argparse.Namespace) -> int:
    """Make the nodes, switch them on and (without --bare) join them to a cluster."""
    if (args.root / layout.STATE_FILE).exists():
        cluster = layout.load(args.root)
        if len(cluster.nodes) != args.count:
            raise layout.VclusterError(
                f"{args.root} holds a cluster of {len(cluster.nodes)} nodes; 'down' removes it")
        layout.create(args.root, args.count, cluster.prefix, cluster.netns)
    else:
        if args.netns:
            netns.require()
        cluster = layout.create(args.root, args.count, args.prefix, args.netns)
    if cluster.netns:
        netns.up(cluster)
    for node in cluster.nodes:
        nodes.power_on(cluster, node)
    if not args.bare:
        _form(cluster)
    _say(f"{len(cluster.nodes)} nodes are up in {cluster.root}; to work on the first:\n"
         f'  eval "$({_self(args)} env {cluster.nodes[0].name})"')
    return 0


#: Small guests are the point here: diskless ones, disks of a MiB, none or many interfaces.
BOUNDS = ("min:memory-size=4,cpu-count=1,disk-count=0,disk-size=1,nic-count=0,spindle-use=1"
          "/max:memory-size=32768,cpu-count=8,disk-count=16,disk-size=1048576,nic-count=8,"
          "spindle-use=12")


def init_command(cluster: layout.VirtualCluster, **kvm: str) -> list[str]:
    """The `gnt-cluster init` that suits the nodes of this cluster.

    `kvm` are further parameters of that hypervisor; without a kernel guests boot from their disk.
    """
    netdev = "eth0" if cluster.netns else "lo"
    qemu = shutil.which("qemu-system-x86_64")
    hypervisors = ["kvm", "fake"] if qemu else ["fake"]
    parameters = {"kvm_path": qemu, "kernel_path": "", "vhost_net": "false"} | kvm
    hvparams = [f"-Hkvm:{','.join(f'{key}={value}' for key, value in parameters.items())}"]
    return ["gnt-cluster", "init", f"--master-netdev={netdev}", "--master-netmask=32",
            f"--enabled-hypervisors={','.join(hypervisors)}",
            "--enabled-disk-templates=sharedfile,file,diskless",
            f"--node-parameters=ssh_port={layout.SSH_PORT}",
            f"--ipolicy-bounds-specs={BOUNDS}", "-Nmode=routed,link=main", "--no-etc-hosts",
            *(hvparams if qemu else []), cluster.name]


def _form(cluster: layout.VirtualCluster) -> None:
    """Init on the first node, then add the others; what is done already is left alone."""
    first = cluster.nodes[0]
    known = pathlib.Path(first.root) / "var/lib/ganeti/ssconf_node_list"
    if not known.exists():
        _step(cluster, init_command(cluster))
    members = known.read_text().split()
    for node in cluster.nodes:
        if node.name not in members:
            _step(cluster, ["gnt-node", "add", "--no-ssh-key-check", node.name])


def _step(cluster: layout.VirtualCluster, argv: list[str]) -> None:
    _say(f"{cluster.nodes[0].name}$ {shlex.join(argv)}")
    full, environment = nodes.command(cluster, cluster.nodes[0], argv)
    path = shutil.which(argv[0], path=environment["PATH"])
    if path is None:
        raise layout.VclusterError(f"{argv[0]} is not in {cluster.bin_dir}")
    full[full.index(argv[0])] = path
    if subprocess.run(full, env=environment, check=False).returncode:
        raise layout.VclusterError(f"'{shlex.join(argv)}' failed")


def down(args: argparse.Namespace) -> int:
    """Kill every process of every node and remove the trees."""
    cluster = layout.load(args.root)
    killed = sum(nodes.kill(node) for node in cluster.nodes)
    for node in cluster.nodes:
        pid = nodes.sshd_pid(cluster, node)
        if pid:
            os.kill(pid, 9)
    if cluster.netns:
        netns.down(cluster)
    if args.keep:
        _say(f"Stopped {killed} processes; {cluster.root} is kept")
    else:
        shutil.rmtree(cluster.root)
        _say(f"Stopped {killed} processes and removed {cluster.root}")
    return 0


def status(args: argparse.Namespace) -> int:
    """A line a node: power, address, what runs."""
    cluster = layout.load(args.root)
    width = max(len(node.name) for node in cluster.nodes)
    for node in cluster.nodes:
        power, running = nodes.state(cluster, node)
        _say(f"{node.name:<{width}}  {power:<3}  {node.address:<13}  {', '.join(running) or '-'}")
    return 0


def env(args: argparse.Namespace) -> int:
    """Shell commands that put a shell on the node."""
    cluster = layout.load(args.root)
    for key, value in cluster.environment(cluster.node(args.node)).items():
        _say(f"export {key}={shlex.quote(value)}")
    return 0


def shell(args: argparse.Namespace) -> int:
    """An interactive shell on the node, or a command given after its name."""
    cluster = layout.load(args.root)
    node = cluster.node(args.node)
    wanted = args.command or [os.environ.get("SHELL", "/bin/sh")]
    argv, environment = nodes.command(cluster, node, wanted)
    environment["PS1"] = f"{node.name}# "
    path = shutil.which(argv[0], path=environment["PATH"])
    if path is None:
        raise layout.VclusterError(f"No program '{argv[0]}'")
    sys.stdout.flush()
    os.execve(path, argv, environment)


def kill(args: argparse.Namespace) -> int:
    """Pull a node's plug."""
    cluster = layout.load(args.root)
    node = cluster.node(args.node)
    _say(f"{node.name} is off ({nodes.power_off(cluster, node)} processes killed)")
    return 0


def start(args: argparse.Namespace) -> int:
    """Switch a node on again."""
    cluster = layout.load(args.root)
    nodes.power_on(cluster, cluster.node(args.node))
    return status(args)


def cut(args: argparse.Namespace) -> int:
    """Cut (or, as `heal`, mend) a node's link."""
    cluster = layout.load(args.root)
    netns.set_link(cluster, cluster.node(args.node), args.action == "heal")
    return 0


def _self(args: argparse.Namespace) -> str:
    words = [str(layout.checkout() / "tools/vcluster-setup")]
    if args.root != layout.default_root():
        words.append(f"--root={args.root}")
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vcluster-setup", epilog=EXAMPLES,
        description="A cluster of virtual nodes on this machine, as an ordinary user or as root.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-r", "--root", type=pathlib.Path, default=layout.default_root(),
                        help="directory of the cluster (GANETI_VCLUSTER; default: %(default)s)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    making = actions.add_parser("up", help="make the nodes, switch them on, form the cluster")
    making.add_argument("-c", "--count", type=int, default=3, help="number of nodes (3)")
    making.add_argument("--bare", action="store_true", help="nodes only, no cluster on them")
    making.add_argument("--netns", action="store_true",
                        help="root: a network namespace each, so that links can be cut")
    making.add_argument("-p", "--prefix", help="first three numbers of the addresses, 127.0.77")
    making.set_defaults(run=up)
    ending = actions.add_parser("down", help="stop everything and remove the directory")
    ending.add_argument("--keep", action="store_true", help="keep the directory")
    ending.set_defaults(run=down)
    actions.add_parser("status", help="what runs on each node").set_defaults(run=status)
    for name, action, text in (("env", env, "print what puts a shell on a node"),
                               ("kill", kill, "pull a node's plug"),
                               ("start", start, "switch a node on"),
                               ("cut", cut, "cut a node's network link (--netns)"),
                               ("heal", cut, "mend a node's network link")):
        one = actions.add_parser(name, help=text)
        one.add_argument("node")
        one.set_defaults(run=action)
    inside = actions.add_parser("shell", help="a shell (or a command) on a node")
    inside.add_argument("node")
    inside.add_argument("command", nargs=argparse.REMAINDER)
    inside.set_defaults(run=shell)
    return parser


def main() -> int:
    """Run one action; errors are one line and exit status 1."""
    args = _parser().parse_args()
    args.root = args.root.absolute()
    try:
        return int(args.run(args))
    except (layout.VclusterError, OSError) as err:
        print(f"vcluster-setup: {err}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
