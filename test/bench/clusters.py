"""Clusters to balance: realistic sizes, mostly DRBD, unbalanced; and small strange ones.

    python -m test.bench.clusters NODES [SEED] > cluster.txt
"""

from __future__ import annotations

import random
import sys

from ganeti.htools import model
from ganeti.htools.load import text

_SIZES = ((1024, 1, 10240), (2048, 1, 20480), (2048, 2, 40960), (4096, 2, 51200),
          (8192, 4, 102400), (16384, 8, 204800))
_OFTEN = (6, 6, 4, 4, 2, 1)
_STATUSES = ("running", "running", "running", "running", "ADMIN_down", "ERROR_up",
             "ADMIN_offline", "USER_down")


def realistic(nodes: int, per_node: int = 16, seed: int = 1, groups: int = 1) -> model.Cluster:
    """Nodes of two sizes; the first ones hold more than the others."""
    dice = random.Random(seed)
    cluster = model.Cluster(
        [model.Group(f"group{number}", f"uuid-{number}") for number in range(groups)], [], [])
    for pos in range(nodes):
        big = pos % 3 == 0
        cluster.nodes.append(model.Node(
            f"node{pos:04d}.example.com", f"uuid-{pos % groups}", 262144.0 if big else 196608.0,
            1024, 0, 12582912.0, 0, 48.0 if big else 32.0, master=pos == 0))
    cluster.reindex()
    for number in range(nodes * per_node):
        mem, cpus, disk = dice.choices(_SIZES, _OFTEN)[0]
        group = dice.randrange(groups)
        mine = range(group, nodes, groups)
        pnode = mine[int(len(mine) * dice.random() ** 1.3)]
        snode = mine[(mine.index(pnode) + dice.randrange(1, len(mine))) % len(mine)]
        plain = dice.random() < 0.03
        cluster.instances.append(model.Instance(
            f"inst{number:05d}.example.com", mem, disk, cpus,
            "running" if dice.random() < 0.95 else "ADMIN_down", True,
            cluster.nodes[pnode].name, "" if plain else cluster.nodes[snode].name,
            "plain" if plain else "drbd"))
    report(cluster)
    return cluster


def strange(seed: int, nodes: int | None = None, instances: int | None = None) -> model.Cluster:
    """Small, with a bit of everything: offline nodes, tags, templates, forthcoming, odd memory."""
    dice = random.Random(seed)
    count = nodes or dice.randint(2, 7)
    exclusive = dice.random() < 0.15
    cluster = model.Cluster([model.Group("group1", "uuid-1")], [], [], dice.choice((
        (), ("htools:iextags:service",), (
            "htools:iextags:service", "htools:nlocation:power",
            "htools:desiredlocation:power", "htools:migration:hv"))))
    for pos in range(count):
        memory = dice.choice((16384, 32768, 65536))
        cluster.nodes.append(model.Node(
            f"node{pos}", "uuid-1", float(memory), dice.choice((0, 512, 1024)), 0,
            dice.choice((400000.0, 800000.0)), 0, dice.choice((8.0, 16.0)),
            cpu_speed=dice.choice((1.0, 1.0, 1.5)), offline=pos > 0 and dice.random() < 0.15,
            spindles=dice.choice((1, 4, 12)), exclusive=exclusive,
            tags=tuple(tag for tag in (f"power:{dice.choice('ab')}", f"hv:{dice.choice('xxy')}")
                       if dice.random() < 0.7)))
    cluster.reindex()
    for number in range(instances if instances is not None else dice.randint(0, 5 * count)):
        _strange_instance(cluster, dice, number)
    report(cluster)
    for node in cluster.nodes:
        node.f_mem = max(0, node.f_mem + dice.choice((0, 0, 0, 300, -2000)))
    return cluster


def _strange_instance(cluster: model.Cluster, dice: random.Random, number: int) -> None:
    template = dice.choice(("drbd", "drbd", "drbd", "plain", "ext", "sharedfile", "diskless"))
    if len(cluster.nodes) < 2 and template == "drbd":
        template = "plain"
    pair = dice.sample(cluster.nodes, min(2, len(cluster.nodes)))
    names = [node.name for node in pair]
    tags = [f"service:{dice.choice('abc')}", f"power:{dice.choice('ab')}", "other"]
    cluster.instances.append(model.Instance(
        f"inst{number}", dice.choice((256, 512, 1024, 2048)), dice.choice((1024, 5000, 20000)),
        dice.choice((1, 1, 2)), dice.choice(_STATUSES), dice.random() < 0.9, names[0],
        names[1] if model.template(template).nodes > 1 else "", template,
        tuple(tag for tag in tags if dice.random() < 0.4), dice.choice((1, 1, 2)),
        (dice.choice((0, 1)),), forthcoming=dice.random() < 0.1))


def report(cluster: model.Cluster) -> None:
    """Make the nodes report what their instances leave."""
    for node in cluster.nodes:
        node.f_mem, node.f_dsk, node.f_spindles = (
            int(node.t_mem) - node.n_mem, int(node.t_dsk), node.spindles)
    for inst in cluster.instances:
        pnode = cluster.nodes[cluster.node_index[inst.pnode]]
        if inst.forthcoming:
            continue
        if inst.running:
            pnode.f_mem = max(0, pnode.f_mem - inst.mem)
        if inst.kind.local:
            for name in filter(None, (inst.pnode, inst.snode)):
                node = cluster.nodes[cluster.node_index[name]]
                node.f_dsk -= inst.dsk
                node.f_spindles -= inst.spindles


if __name__ == "__main__":
    print(text.dump(realistic(int(sys.argv[1]), seed=int(sys.argv[2]) if len(sys.argv) > 2
                              else 1)), end="")
