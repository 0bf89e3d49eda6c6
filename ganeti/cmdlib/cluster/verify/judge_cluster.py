"""Judges of the configuration by itself: needs no node, so it comes before all groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from ganeti import constants, objects
from ganeti.cmdlib.cluster.verify.report import Problem

Problems = Iterator[Problem]


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate file, and what `x509.verify` says of it (severity None when it is good)."""

    path: str
    severity: str | None = None
    text: str = ""


@dataclasses.dataclass(frozen=True)
class ConfigView:
    """The configuration, what its own consistency check says, and the master's certificates."""

    config: objects.ConfigData
    inconsistencies: Sequence[str] = ()
    certificates: Sequence[Certificate] = ()
    hvparams: Sequence[tuple[str, str, str]] = ()
    """Refusals of hypervisor parameters by syntax: source, hypervisor, text."""
    required: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    """Hypervisor -> names of the parameters that must have a value."""


def consistency(view: ConfigView) -> Problems:
    """References resolve; names, addresses, minors and ports are unique; values are valid."""
    for text in view.inconsistencies:
        yield Problem("", text)


def hypervisor_syntax(view: ConfigView) -> Problems:
    """Hypervisor parameters as the master can judge them."""
    for source, hypervisor, text in view.hvparams:
        yield Problem("", f"parameters of {source} for hypervisor {hypervisor}: {text}")


def certificates(view: ConfigView) -> Problems:
    """The cluster's certificates are readable and valid for some time to come."""
    for cert in view.certificates:
        if cert.severity is not None:
            yield Problem("", f"certificate {cert.path} {cert.text}", cert.severity)


def dangling_nodes(view: ConfigView) -> Problems:
    """Every node is in a group that exists."""
    for node in sorted(view.config.nodes.values(), key=lambda node: node.name):
        if node.group not in view.config.nodegroups:
            count = len(view.config.primaries(node.uuid))
            yield Problem(node.name, f"is in the unknown group {node.group} "
                                     f"(primary of {count} instances)")


def dangling_instances(view: ConfigView) -> Problems:
    """Every instance has a primary node that exists."""
    lost: dict[str, list[str]] = {}
    for inst in view.config.instances.values():
        if inst.primary_node and inst.primary_node not in view.config.nodes:
            lost.setdefault(inst.primary_node, []).append(inst.name)
    for node_uuid, names in sorted(lost.items()):
        yield Problem(node_uuid, "does not exist but is the primary node of "
                                 + ", ".join(sorted(names)))


def missing_parameters(view: ConfigView) -> Problems:
    """Parameters without which an instance can not be started."""
    for inst in sorted(view.config.instances.values(), key=lambda inst: inst.name):
        if inst.forthcoming:
            continue
        backend = view.config.filled_beparams(inst)
        hypervisor = view.config.filled_hvparams(inst)
        lacking = [f"backend parameter {name}" for name in constants.BE_TABLE.names
                   if backend.get(name) is None]
        lacking += [f"{inst.hypervisor} parameter {name}"
                    for name in view.required.get(inst.hypervisor, ())
                    if hypervisor.get(name) in (None, "")]
        for text in lacking:
            yield Problem(inst.name, f"{text} has no value")
