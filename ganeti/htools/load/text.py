"""The text format: reading and writing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ganeti import constants
from ganeti.htools import model

T = TypeVar("T")
_SECTIONS = 4
_OFFLINE = {"Y": True, "N": False, "M": False}


def load(path: str) -> model.Cluster:
    """Read a file."""
    try:
        with open(path, encoding="utf-8") as stream:
            return parse(stream.read())
    except (OSError, UnicodeDecodeError) as err:
        raise model.LoadError(f"{path}: {getattr(err, 'strerror', None) or err}") from err


def parse(content: str) -> model.Cluster:
    """A cluster from the text; an error names section and line."""
    sections = _sections(content)
    if len(sections) < _SECTIONS:
        raise model.LoadError(f"Invalid format of the input file: {len(sections)} sections"
                              f" instead of {_SECTIONS} or more")
    groups = [_group(line) for line in sections[0]]
    nodes = [_node(line) for line in sections[1]]
    instances = [_instance(line) for line in sections[2]]
    cluster = model.Cluster(groups, nodes, instances, tuple(sections[3]))
    if len(sections) > _SECTIONS:
        for line in sections[4]:
            _policy(cluster, line)
    return cluster


def _sections(content: str) -> list[list[str]]:
    sections: list[list[str]] = [[]]
    for line in content.splitlines():
        if line.strip():
            sections[-1].append(line)
        else:
            sections.append([])
    while len(sections) > _SECTIONS and not sections[-1]:
        sections.pop()
    return sections if content.strip() else []


def _fields(line: str, what: str, least: int) -> list[str]:
    fields = line.split("|")
    if len(fields) < least:
        raise model.LoadError(f"Invalid {what} line '{line}': {len(fields)} fields, at least"
                              f" {least} are needed")
    return fields


def _number(text: str, what: str, line: str, kind: type[T]) -> T:
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError:
        raise model.LoadError(f"'{text}' is no number for the {what} in '{line}'") from None


def _flag(text: str, what: str, line: str) -> bool:
    if text not in ("Y", "N"):
        raise model.LoadError(f"'{text}' is neither Y nor N for the {what} in '{line}'")
    return text == "Y"


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _group(line: str) -> model.Group:
    name, uuid, policy, *rest = _fields(line, "group", 3)
    if policy not in (constants.ALLOC_POLICY_PREFERRED, constants.ALLOC_POLICY_LAST_RESORT,
                      constants.ALLOC_POLICY_UNALLOCABLE):
        raise model.LoadError(f"'{policy}' is no allocation policy in '{line}'")
    tags, networks = (*rest, "", "")[:2]
    return model.Group(name, uuid, policy, _list(tags), _list(networks))


def _node(line: str) -> model.Node:
    fields = _fields(line, "node", 8)
    fields += ["", "1", "", "N", "0", "1", "1.0"][len(fields) - 8:]
    (name, t_mem, n_mem, f_mem, t_dsk, f_dsk, t_cpu, offline, group, spindles, tags, exclusive,
     f_spindles, n_cpu, speed) = fields[:15]
    if offline not in _OFFLINE:
        raise model.LoadError(f"'{offline}' is none of Y, N, M for offline in '{line}'")
    node = model.Node(name, group, offline=_OFFLINE[offline], master=offline == "M",
                      tags=_list(tags), exclusive=_flag(exclusive, "exclusive storage", line),
                      spindles=_number(spindles, "spindles", line, int))
    if "?" in (t_mem, n_mem, f_mem, t_dsk, f_dsk, t_cpu):
        node.offline = True
        return node
    node.t_mem = _number(t_mem, "total memory", line, float)
    node.n_mem = _number(n_mem, "memory of the node", line, int)
    node.f_mem = _number(f_mem, "free memory", line, int)
    node.t_dsk = _number(t_dsk, "total disk", line, float)
    node.f_dsk = _number(f_dsk, "free disk", line, int)
    node.t_cpu = _number(t_cpu, "CPUs", line, float)
    node.f_spindles = _number(f_spindles, "free spindles", line, int)
    node.n_cpu = _number(n_cpu, "CPUs of the node", line, int)
    node.cpu_speed = _number(speed, "CPU speed", line, float)
    return node


def _instance(line: str) -> model.Instance:
    fields = _fields(line, "instance", 9)
    fields += ["", "1", "-", "N"][len(fields) - 9:] if len(fields) < 13 else []
    (name, mem, dsk, vcpus, status, auto, pnode, snode, template, tags, use, spindles,
     forthcoming) = fields[:13]
    if status not in constants.INSTST_ALL:
        raise model.LoadError(f"'{status}' is no status of an instance in '{line}'")
    model.template(template)
    if pnode == snode:
        raise model.LoadError(f"Instance {name} has the same primary and secondary node {pnode}")
    disk = _number(dsk, "disk", line, int)
    return model.Instance(
        name, _number(mem, "memory", line, int), disk, _number(vcpus, "CPUs", line, int),
        status, _flag(auto, "auto balance", line), pnode, snode, template, _list(tags),
        _number(use, "spindle use", line, int),
        None if spindles == "-" else tuple(
            _number(part, "disk spindles", line, int) for part in _list(spindles)),
        (disk,), forthcoming=_flag(forthcoming, "forthcoming", line))


def _spec(text: str) -> model.Spec:
    parts = text.split(",")
    if len(parts) != 6:
        raise model.LoadError(f"'{text}' is no instance spec of six numbers")
    mem, cpu, disk, disks, nics, use = (_number(part, "spec", text, int) for part in parts)
    return model.Spec(mem, cpu, disk, disks, nics, use)


def _policy(cluster: model.Cluster, line: str) -> None:
    owner, std, minmax, templates, vcpus, spindles = _fields(line, "policy", 6)[:6]
    limits = [_spec(part) for part in minmax.split(";")]
    if len(limits) % 2:
        raise model.LoadError(f"The minimum and maximum specs are not pairs in '{line}'")
    for name in _list(templates):
        model.template(name)
    policy = model.Policy(
        _spec(std), tuple(zip(limits[::2], limits[1::2], strict=True)), _list(templates),
        _number(vcpus, "vcpu ratio", line, float),
        _number(spindles, "spindle ratio", line, float))
    if not owner:
        cluster.policy = policy
        return
    cluster.group(owner).policy = policy


def dump(cluster: model.Cluster) -> str:
    """The cluster as text; reading it gives the same cluster."""
    sections = [
        [f"{group.name}|{group.uuid}|{group.alloc_policy}|{','.join(group.tags)}"
         f"|{','.join(group.networks)}" for group in cluster.groups],
        [_dump_node(node) for node in cluster.nodes],
        [_dump_instance(inst) for inst in cluster.instances],
        list(cluster.tags),
        [_dump_policy("", cluster.policy)] + [
            _dump_policy(group.name, group.policy) for group in cluster.groups]]
    return "\n".join("".join(f"{line}\n" for line in section) for section in sections)


def _dump_node(node: model.Node) -> str:
    state = "M" if node.master else "Y" if node.offline else "N"
    return "|".join([
        node.name, f"{node.t_mem:.0f}", str(node.n_mem), str(node.f_mem), f"{node.t_dsk:.0f}",
        str(node.f_dsk), f"{node.t_cpu:.0f}", state, node.group, str(node.spindles),
        ",".join(node.tags), "Y" if node.exclusive else "N", str(node.f_spindles),
        str(node.n_cpu), str(node.cpu_speed)])


def _dump_instance(inst: model.Instance) -> str:
    spindles = "-" if inst.disk_spindles is None else ",".join(map(str, inst.disk_spindles))
    return "|".join([
        inst.name, str(inst.mem), str(inst.dsk), str(inst.vcpus), inst.status,
        "Y" if inst.auto_balance else "N", inst.pnode, inst.snode, inst.template,
        ",".join(inst.tags), str(inst.spindle_use), spindles,
        "Y" if inst.forthcoming else "N"])


def _dump_spec(spec: model.Spec) -> str:
    return (f"{spec.memory},{spec.cpu},{spec.disk},{spec.disk_count},{spec.nic_count},"
            f"{spec.spindle_use}")


def _dump_policy(owner: str, policy: model.Policy) -> str:
    limits: Sequence[model.Spec] = [spec for pair in policy.minmax for spec in pair]
    return "|".join([owner, _dump_spec(policy.std), ";".join(map(_dump_spec, limits)),
                     ",".join(policy.templates), str(policy.vcpu_ratio),
                     str(policy.spindle_ratio)])
