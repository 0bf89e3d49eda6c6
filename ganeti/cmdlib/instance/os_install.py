"""Running OS definitions on an instance's disks, and the parameters that they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti import objects
from ganeti.cmdlib import base


def parameters_for(
    config: objects.ConfigData, instance: objects.Instance, secret: Mapping[str, Any]
) -> dict[str, Any]:
    """All OS parameters of an instance, the private ones and those of this job included."""
    return {**config.filled_osparams(instance), **config.filled_osparams_private(instance),
            **secret}


def run(
    lu: base.LogicalUnit,
    instance: objects.Instance,
    secret: Mapping[str, Any],
    *,
    reinstall: bool,
) -> None:
    """Run the OS definition's create script on the primary node; the disks are assembled."""
    lu.feedback(f"* running the instance OS create scripts ({instance.os})...")
    everything = parameters_for(lu.config, instance, secret)
    result = lu.rpc.instance_os_add(
        instance.primary_node, (instance, everything), reinstall, lu.op.debug_level or 0)
    result.raise_if_failed(
        f"Could not install OS {instance.os} on instance {instance.name} on node"
        f" {lu.config.nodes[instance.primary_node].name}")
