"""How much instances really use: the file of -U, and what monitoring daemons said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import errors, serializer
from ganeti.htools import model

CPU_COLLECTOR = "cpu-avg-load"
XEN_COLLECTOR = "xen-cpu-avg-load"


def load_file(cluster: model.Cluster, path: str) -> None:
    """Lines of NAME CPU MEM DISK NET; instances that are not named keep their values."""
    known = {inst.name: inst for inst in cluster.instances}
    suffix = model.common_suffix([*known])
    for number, line in enumerate(_read(path).splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        try:
            name, values = fields[0], tuple(float(field) for field in fields[1:])
        except ValueError:
            raise model.LoadError(f"{path}, line {number}: '{line}' has a bad number") from None
        if len(values) != 4:
            raise model.LoadError(f"{path}, line {number}: expected NAME CPU MEM DISK NET")
        found = model.find_names([name], known, suffix)
        if not found:
            raise model.LoadError(f"{path}, line {number}: there is no instance '{name}'")
        cpu, mem, disk, net = values
        known[found[name]].load = (cpu, mem, disk, net)


def clear(cluster: model.Cluster) -> None:
    """As if nothing were used."""
    for inst in cluster.instances:
        inst.load = (0.0, 0.0, 0.0, 0.0)


def load_reports(path: str) -> dict[str, list[Any]]:
    """A saved file: node name -> list of reports."""
    try:
        data = serializer.load(_read(path), path)
    except errors.ParseError as err:
        raise model.LoadError(str(err)) from err
    if not isinstance(data, dict):
        raise model.LoadError(f"{path}: expected a JSON object of node names and their reports")
    return data


def apply_reports(cluster: model.Cluster, reports: Mapping[str, list[Any]], *, xen: bool,
                  complete: bool) -> list[str]:
    """Use the CPU loads; the names of nodes without. With `complete` there must be none."""
    loads = {node.name: _cpu_load(reports.get(node.name), xen)
             for node in cluster.nodes if not node.offline}
    missing = [name for name, load in loads.items() if load is None]
    if missing and complete:
        raise model.LoadError("No CPU load known of " + ", ".join(missing))
    shares: dict[str, int] = {}
    for inst in cluster.instances:
        if inst.running:
            shares[inst.pnode] = shares.get(inst.pnode, 0) + inst.vcpus
    for inst in cluster.instances:
        load = loads.get(inst.pnode)
        if load is None:
            continue
        own = load.get(inst.name) if isinstance(load, dict) else (
            load * inst.vcpus / shares[inst.pnode] if inst.running else 0.0)
        if own is not None:
            inst.load = (float(own), *inst.load[1:])
    return missing


def _cpu_load(reports: list[Any] | None, xen: bool) -> Any:
    """Load of a node as a number, or of each of its instances."""
    found = {report.get("name"): report.get("data") for report in reports or ()
             if isinstance(report, dict)}
    guests = found.get(XEN_COLLECTOR)
    if xen and isinstance(guests, dict):
        return {name: float(load) for name, load in guests.items()}
    data = found.get(CPU_COLLECTOR)
    if not isinstance(data, dict) or "cpu_total" not in data:
        return None
    return float(data["cpu_total"])


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as err:
        raise model.LoadError(f"{path}: {getattr(err, 'strerror', None) or err}") from err
