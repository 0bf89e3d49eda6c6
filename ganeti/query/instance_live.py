"""What running instances tell: state, memory, processors, console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants
from ganeti.objects import ConfigData, Instance
from ganeti.query.fields import NODATA, OFFLINE, UNAVAIL, Context, special

#: The needs of the fields here.
RUNNING = "running"
CONSOLE = "console"

_SHUT_DOWN_BY_USER = 1


def gather(context: Context, items: Sequence[Any], needs: frozenset[str]) -> None:
    """Ask the nodes what runs, once for all instances."""
    if RUNNING in needs or CONSOLE in needs:
        context.live[RUNNING] = _running(context, items)
    if CONSOLE in needs:
        alive = [instance for instance in items if isinstance(_seen(instance, context), dict)]
        context.live[CONSOLE] = context.source.consoles(alive)


def _running(context: Context, items: Sequence[Instance]) -> dict[str, Any]:
    config = context.config
    hypervisors = {instance.hypervisor for instance in items}
    nodes = {uuid for instance in items for uuid in config.instance_nodes(instance)}
    nodes |= _possible_hosts(config, items)
    if not nodes:
        return {}
    return dict(context.source.live_instances(sorted(nodes), sorted(hypervisors)))


def _possible_hosts(config: ConfigData, items: Sequence[Instance]) -> set[str]:
    """Other nodes on which an instance with movable disks could run by mistake."""
    groups = {config.node(instance.primary_node).group for instance in items
              if len(config.instance_nodes(instance)) == 1
              and all(not disk.nodes for disk in config.instance_disks(instance))}
    return {node.uuid for node in config.nodes.values()
            if node.group in groups and node.vm_capable and not node.offline}


def _seen(instance: Instance, context: Context) -> Any:
    """The state of a running instance as its primary reports it, or what stands for it."""
    if context.config.node(instance.primary_node).offline:
        return OFFLINE
    answer = context.live[RUNNING].get(instance.primary_node)
    if answer is None or answer.status:
        return special(answer)
    info = answer.payload.get(instance.name)
    return UNAVAIL if info is None or _by_user(info) else info


def _elsewhere(instance: Instance, context: Context) -> Mapping[str, Any] | None:
    """The same from another node than its primary."""
    for uuid, answer in context.live[RUNNING].items():
        if uuid != instance.primary_node and not answer.status:
            info: Mapping[str, Any] | None = answer.payload.get(instance.name)
            if info is not None and not _by_user(info):
                return info
    return None


def _by_user(info: Mapping[str, Any]) -> bool:
    state = info.get("state")
    return state in (_SHUT_DOWN_BY_USER, constants.HV_INSTANCE_SHUTDOWN)


def status(instance: Instance, context: Context) -> str:
    """One word for what an instance should be and is."""
    config = context.config
    if config.node(instance.primary_node).offline:
        return constants.INSTST_NODEOFFLINE
    answer = context.live[RUNNING].get(instance.primary_node)
    if answer is None or answer.status:
        return constants.INSTST_NODEDOWN
    info = answer.payload.get(instance.name)
    if info is None and _elsewhere(instance, context) is not None:
        return constants.INSTST_WRONGNODE
    wanted_up = instance.admin_state == constants.ADMINST_UP
    if info is not None and not _by_user(info):
        return constants.INSTST_RUNNING if wanted_up else constants.INSTST_ERRORUP
    if wanted_up:
        by_user = info is not None and _user_may_stop(config, instance)
        return constants.INSTST_USERDOWN if by_user else constants.INSTST_ERRORDOWN
    if instance.admin_state == constants.ADMINST_OFFLINE:
        return constants.INSTST_ADMINOFFLINE
    if instance.admin_state_source == constants.USER_SOURCE:
        return constants.INSTST_USERDOWN
    return constants.INSTST_ADMINDOWN


def _user_may_stop(config: ConfigData, instance: Instance) -> bool:
    """Hypervisors that can not tell a user's shutdown from a crash have a parameter for it."""
    allowed = config.filled_hvparams(instance).get("user_shutdown", True)
    return bool(config.cluster.enabled_user_shutdown and allowed)


def oper_state(instance: Instance, context: Context) -> Any:
    """Does it run, anywhere?"""
    seen = _seen(instance, context)
    if seen is OFFLINE or seen is NODATA:
        return seen
    return isinstance(seen, dict) or _elsewhere(instance, context) is not None


def oper_value(key: str) -> Any:
    """A getter for a number that only a running instance has."""
    def get(instance: Instance, context: Context) -> Any:
        seen = _seen(instance, context)
        if not isinstance(seen, dict):
            return seen
        value = seen.get(key)
        return UNAVAIL if value is None or value == -1 else value
    return get


def console(instance: Instance, context: Context) -> Any:
    """How to reach the console of a running instance."""
    seen = _seen(instance, context)
    if not isinstance(seen, dict):
        return seen
    answer = context.live[CONSOLE].get(instance.uuid)
    if answer is None or answer.status:
        return special(answer)
    return answer.payload
