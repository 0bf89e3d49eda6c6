"""What confd answers, as functions of a configuration; nothing here knows of sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ganeti import constants, objects
from ganeti.confd.messages import Reply, Request

#: Keys whose values never leave in an answer, which travels unencrypted.
SECRET_KEYS = frozenset(["osparams_private", "osparams_private_cluster"])

Config = objects.ConfigData


class _RefusedError(Exception):
    """The question has no answer: one of the error numbers of the protocol."""


def _unknown() -> _RefusedError:
    return _RefusedError(constants.CONFD_ERROR_UNKNOWN_ENTRY)


def _bad_argument() -> _RefusedError:
    return _RefusedError(constants.CONFD_ERROR_ARGUMENT)


def _ping(config: Config, _query: Any) -> int:
    return config.version


def _node(config: Config, query: Any) -> objects.Node:
    if not isinstance(query, str):
        raise _bad_argument()
    node = config.node_by_name(query)
    if node is None:
        raise _unknown()
    return node


def _node_role(config: Config, query: Any) -> int:
    node = _node(config, query)
    if node.uuid == config.cluster.master_node:
        return constants.CONFD_NODE_ROLE_MASTER
    if node.offline:
        return constants.CONFD_NODE_ROLE_OFFLINE
    if node.drained:
        return constants.CONFD_NODE_ROLE_DRAINED
    if node.master_candidate:
        return constants.CONFD_NODE_ROLE_CANDIDATE
    return constants.CONFD_NODE_ROLE_REGULAR


def _default_link(config: Config) -> str:
    return str(config.filled_nicparams({}).get(constants.NIC_LINK, ""))


def _addresses_on(config: Config, link: str) -> Iterator[tuple[str, objects.Instance]]:
    for instance in config.instances.values():
        for nic in instance.nics:
            if nic.ip and config.filled_nicparams(nic).get(constants.NIC_LINK) == link:
                yield nic.ip, instance


def _primary_ip_by_instance_ip(config: Config, query: Any) -> Any:
    if not isinstance(query, dict):
        raise _bad_argument()
    link = query.get(constants.CONFD_REQQ_LINK)
    owners = dict(_addresses_on(config, _default_link(config) if link is None else link))

    def find(ip: Any) -> str:
        if not isinstance(ip, str):
            raise _bad_argument()
        owner = owners.get(ip)
        if owner is None or not owner.primary_node:
            raise _unknown()
        return config.node(owner.primary_node).primary_ip

    if constants.CONFD_REQQ_IP in query:
        return find(query[constants.CONFD_REQQ_IP])
    ips = query.get(constants.CONFD_REQQ_IPLIST)
    if not isinstance(ips, list):
        raise _bad_argument()
    return [list(_reply(config, lambda _config, ip: find(ip), ip)) for ip in ips]


def _cluster_master(config: Config, query: Any) -> Any:
    master = config.master_node
    if query is None:
        return master.name
    fields = query.get(constants.CONFD_REQQ_FIELDS) if isinstance(query, dict) else None
    if not isinstance(fields, list):
        raise _bad_argument()
    values = {constants.CONFD_REQFIELD_NAME: master.name,
              constants.CONFD_REQFIELD_IP: config.cluster.master_ip,
              constants.CONFD_REQFIELD_MNODE_PIP: master.primary_ip}
    try:
        return [values[str(field)] for field in fields]
    except KeyError:
        raise _bad_argument() from None


def _node_ips(config: Config, _query: Any) -> list[str]:
    return [node.primary_ip for node in config.nodes.values()]


def _candidate_ips(config: Config, _query: Any) -> list[str]:
    return [node.primary_ip for node in config.master_candidates()]


def _instance_ips(config: Config, query: Any) -> list[str]:
    if query is not None and not isinstance(query, str):
        raise _bad_argument()
    link = _default_link(config) if query is None else query
    return [ip for ip, _instance in _addresses_on(config, link)]


def _drbd_disks(disk: objects.Disk) -> Iterator[objects.Disk]:
    if disk.dev_type == constants.DT_DRBD8:
        yield disk
    for child in disk.children:
        yield from _drbd_disks(child)


def _node_drbd(config: Config, query: Any) -> list[list[Any]]:
    node = _node(config, query)
    rows: list[list[Any]] = []
    for instance in (*config.primaries(node.uuid), *config.secondaries(node.uuid)):
        role = "primary" if instance.primary_node == node.uuid else "secondary"
        for top in config.instance_disks(instance):
            for disk in _drbd_disks(top):
                node_a, node_b, _port, minor_a, minor_b = list(disk.logical_id)[:5]
                if node.uuid not in (node_a, node_b):
                    continue
                here_is_a = node.uuid == node_a
                peer = config.node(node_b if here_is_a else node_a).name
                rows.append([node.name, minor_a if here_is_a else minor_b, instance.name,
                             top.iv_name, role, peer])
    return rows


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_secrets(item) for key, item in value.items()
                if key not in SECRET_KEYS}
    if isinstance(value, (list, tuple)):
        return [_without_secrets(item) for item in value]
    return value


def _node_instances(config: Config, query: Any) -> list[list[dict[str, Any]]]:
    node = _node(config, query)
    return [[_without_secrets(instance.to_dict()) for instance in group]
            for group in (config.primaries(node.uuid), config.secondaries(node.uuid))]


def _instance_disks(config: Config, query: Any) -> list[dict[str, Any]]:
    if not isinstance(query, str):
        raise _bad_argument()
    instance = config.instance_by_name(query) or config.instances.get(query)
    if instance is None:
        raise _unknown()
    return [disk.to_dict() for disk in config.instance_disks(instance)]


def _config_query(config: Config, query: Any) -> Any:
    """Walk the tree of config.data; only what lies on the path is ever converted."""
    if not isinstance(query, str):
        raise _bad_argument()
    steps = [step for step in query.split("/") if step]
    value: Any = config
    for step in steps:
        if step in SECRET_KEYS:
            raise _unknown()
        value = _step(value, step)
    if isinstance(value, objects.ConfigData):
        value = value.to_dict()
    return _without_secrets(_plain(value))


def _step(value: Any, step: str) -> Any:
    if isinstance(value, (objects.ConfigData, objects.ConfigObject)):
        stored = (value.to_dict() if isinstance(value, objects.ConfigObject)
                  else {**value.extra, **{name: getattr(value, name) for name in _TOP}})
        value = stored
    if isinstance(value, Mapping) and step in value:
        return value[step]
    is_index = isinstance(value, (list, tuple)) and step.isascii() and step.isdigit()
    if is_index and int(step) < len(value):
        return value[int(step)]
    raise _unknown()


_TOP = ("version", "cluster", "nodes", "nodegroups", "instances", "networks", "disks", "filters",
        "serial_no", "ctime", "mtime")


def _plain(value: Any) -> Any:
    if isinstance(value, objects.ConfigObject):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _data_collectors(config: Config, _query: Any) -> Any:
    return config.cluster.data_collectors


#: Type of question -> function that answers it.
ANSWERS: dict[int, Callable[[Config, Any], Any]] = {
    constants.CONFD_REQ_PING: _ping,
    constants.CONFD_REQ_NODE_ROLE_BYNAME: _node_role,
    constants.CONFD_REQ_NODE_PIP_BY_INSTANCE_IP: _primary_ip_by_instance_ip,
    constants.CONFD_REQ_CLUSTER_MASTER: _cluster_master,
    constants.CONFD_REQ_NODE_PIP_LIST: _node_ips,
    constants.CONFD_REQ_MC_PIP_LIST: _candidate_ips,
    constants.CONFD_REQ_INSTANCES_IPS_LIST: _instance_ips,
    constants.CONFD_REQ_NODE_DRBD: _node_drbd,
    constants.CONFD_REQ_NODE_INSTANCES: _node_instances,
    constants.CONFD_REQ_INSTANCE_DISKS: _instance_disks,
    constants.CONFD_REQ_CONFIG_QUERY: _config_query,
    constants.CONFD_REQ_DATA_COLLECTORS: _data_collectors,
}


def _reply(config: Config, function: Callable[[Config, Any], Any], query: Any) -> Reply:
    try:
        return Reply(constants.CONFD_REPL_STATUS_OK, function(config, query), config.serial_no)
    except _RefusedError as err:
        return Reply(constants.CONFD_REPL_STATUS_ERROR, err.args[0], config.serial_no)


def answer(config: Config | None, request: Request) -> Reply:
    """Answer one question; without a configuration nothing but that can be said."""
    if config is None:
        return Reply(constants.CONFD_REPL_STATUS_ERROR, constants.CONFD_ERROR_INTERNAL, 0)
    function = ANSWERS.get(request.type)
    if function is None:
        return Reply(constants.CONFD_REPL_STATUS_NOTIMPLEMENTED,
                     f"unknown type of query {request.type}", config.serial_no)
    if request.type == constants.CONFD_REQ_PING:
        return Reply(constants.CONFD_REPL_STATUS_OK, function(config, request.query), 0)
    return _reply(config, function, request.query)
