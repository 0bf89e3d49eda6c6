"""What a node answered to `node_verify`, checked for its form before anyone judges it.

A node may run other software or be broken: a value of the wrong form becomes a finding of its
own (`malformed`), and the judges never see it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from ganeti import constants, ht, objects


def _text_or(kind: ht.Type) -> ht.Type:
    return ht.Or(ht.String, kind)


_PV = ht.Object({
    "name": ht.String, "vg_name": ht.String, "size": ht.Number, "free": ht.Number,
    "attributes": ht.String, "lv_list": ht.ListOf(ht.String),
}, exact=False, required=("name", "vg_name", "size"))
_OS = ht.TupleOf(
    ht.String, ht.String, ht.Bool, ht.Maybe(ht.String), ht.ListOf(ht.String),
    ht.ListOf(ht.List), ht.List, ht.Bool)

SHAPES: dict[str, ht.Type] = {
    constants.NV_FILELIST: ht.DictOf(ht.String, ht.String),
    constants.NV_CLIENT_CERT: ht.TupleOf(ht.Maybe(ht.String), ht.Maybe(ht.String)),
    constants.NV_SSH_SETUP: ht.ListOf(ht.String),
    constants.NV_SSH_CLUTTER: ht.ListOf(ht.String),
    constants.NV_NODELIST: ht.DictOf(ht.String, ht.String),
    constants.NV_NODENETTEST: ht.DictOf(ht.String, ht.String),
    constants.NV_MASTERIP: ht.Maybe(ht.Bool),
    constants.NV_USERSCRIPTS: ht.ListOf(ht.String),
    constants.NV_OOB_PATHS: ht.ListOf(ht.Maybe(ht.String)),
    constants.NV_LVLIST: _text_or(ht.DictOf(ht.String, ht.List)),
    constants.NV_INSTANCELIST: _text_or(ht.ListOf(ht.String)),
    constants.NV_VGLIST: _text_or(ht.DictOf(ht.String, ht.Number)),
    constants.NV_PVLIST: _text_or(ht.ListOf(_PV)),
    constants.NV_EXCLUSIVEPVS: _text_or(
        ht.ListOf(ht.TupleOf(ht.String, ht.ListOf(ht.String)))),
    constants.NV_VERSION: ht.TupleOf(ht.Int, ht.String),
    constants.NV_HVINFO: _text_or(ht.Dict),
    constants.NV_HYPERVISOR: ht.DictOf(ht.String, ht.Maybe(ht.String)),
    constants.NV_HVPARAMS: ht.ListOf(ht.TupleOf(ht.String, ht.String, ht.String)),
    constants.NV_DRBDVERSION: ht.String,
    constants.NV_DRBDLIST: _text_or(ht.ListOf(ht.Int)),
    constants.NV_DRBDHELPER: ht.TupleOf(ht.Bool, ht.Maybe(ht.String)),
    constants.NV_NODESETUP: ht.ListOf(ht.String),
    constants.NV_TIME: ht.TupleOf(ht.Number, ht.Number),
    constants.NV_OSLIST: _text_or(ht.ListOf(_OS)),
    constants.NV_BRIDGES: ht.ListOf(ht.String),
    constants.NV_ACCEPTED_STORAGE_PATHS: ht.ListOf(ht.String),
    constants.NV_FILE_STORAGE_PATH: ht.Maybe(ht.String),
    constants.NV_SHARED_FILE_STORAGE_PATH: ht.Maybe(ht.String),
    constants.NV_GLUSTER_STORAGE_PATH: ht.Maybe(ht.String),
}

#: Keys that a healthy node leaves out, or that carry no answer.
SILENT_WHEN_FINE = frozenset([
    constants.NV_ACCEPTED_STORAGE_PATHS, constants.NV_FILE_STORAGE_PATH,
    constants.NV_SHARED_FILE_STORAGE_PATH, constants.NV_GLUSTER_STORAGE_PATH,
    constants.NV_NONVMNODES, constants.NV_SSH_CLUTTER, constants.NV_EXCLUSIVEPVS,
    constants.NV_SSH_SETUP,
])

#: Keys that only make sense on nodes that can run instances.
VM_ONLY = frozenset([
    constants.NV_LVLIST, constants.NV_VGLIST, constants.NV_PVLIST, constants.NV_INSTANCELIST,
    constants.NV_HVINFO, constants.NV_HYPERVISOR, constants.NV_HVPARAMS,
    constants.NV_DRBDVERSION, constants.NV_DRBDLIST, constants.NV_DRBDHELPER,
    constants.NV_OSLIST, constants.NV_BRIDGES,
])


@dataclasses.dataclass(frozen=True, slots=True)
class NodeAnswer:
    """One node's answer. `error` is set when there is none; then `values` is empty."""

    node: objects.Node
    error: str = ""
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    malformed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def offline(self) -> bool:
        return self.node.offline

    @property
    def arrived(self) -> bool:
        """Whether there is anything to judge."""
        return not self.error and not self.node.offline

    def get(self, key: str) -> Any:
        """The answer to one question, or None when the node gave no usable one."""
        return self.values.get(key)

    def texts(self, key: str) -> list[str]:
        """The answer to a question that lists what is wrong."""
        return list(self.values.get(key) or ())


def parse(node: objects.Node, requested: Collection[str], payload: Any, error: str = "",
          ) -> NodeAnswer:
    """Make a NodeAnswer of what came back for the questions `requested`."""
    if error or node.offline:
        return NodeAnswer(node, error)
    if not isinstance(payload, Mapping):
        return NodeAnswer(node, f"answered {ht.shown(payload)} instead of an object")
    values: dict[str, Any] = {}
    malformed = []
    for key, value in payload.items():
        shape = SHAPES.get(key)
        if shape is None:
            continue
        try:
            values[key] = shape.check(value, key)
        except ht.Mismatch as err:
            malformed.append(str(err))
    expected = frozenset(requested) & SHAPES.keys() - SILENT_WHEN_FINE
    if not node.vm_capable:
        expected -= VM_ONLY
    missing = sorted(expected - payload.keys())
    return NodeAnswer(node, "", values, tuple(malformed), tuple(missing))
