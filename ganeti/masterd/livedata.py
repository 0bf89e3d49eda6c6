"""What queries ask for beyond the configuration: nodes, guests, consoles, locks, jobs, exports.

The query engine asks only for what the wanted fields need; each question goes to all nodes in
parallel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ganeti import constants, objects
from ganeti.query import source as query_source
from ganeti.storage import registry as storage
from ganeti.utils import pause

if TYPE_CHECKING:
    from ganeti.masterd import context

Answer = query_source.Answer


class LiveSource:
    """The data source of one query; its configuration is one and the same throughout."""

    def __init__(self, ctx: context.MasterContext) -> None:
        self._ctx = ctx
        self._config = ctx.cfg.snapshot

    @property
    def config(self) -> objects.ConfigData:
        return self._config

    def _ask(self, node_uuids: Collection[str], call: str, *args: Any) -> dict[str, Answer]:
        answers = {}
        for uuid, result in self._ctx.rpc.multi(list(node_uuids), call, *args).items():
            if result.offline:
                answers[uuid] = query_source.NODE_OFFLINE
            elif result.fail_msg:
                answers[uuid] = query_source.NO_ANSWER
            else:
                answers[uuid] = Answer.normal(result.payload)
        return answers

    def live_nodes(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> boot id, storage units, hypervisors."""
        specs = hypervisor_specs(self._config)[:1]
        exclusive: dict[bool, list[str]] = {}
        for uuid in node_uuids:
            ndparams = self._config.filled_ndparams(self._config.node(uuid))
            exclusive.setdefault(bool(ndparams["exclusive_storage"]), []).append(uuid)
        answers: dict[str, Answer] = {}
        for flag, uuids in exclusive.items():
            answers.update(self._ask(uuids, "node_info", storage_units(self._config, flag),
                                     specs))
        return answers

    def live_instances(self, node_uuids: Collection[str],
                       hypervisors: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> guests by name."""
        hvparams = {name: self._config.filled_hvparams(name) for name in hypervisors}
        return self._ask(node_uuids, "all_instances_info", list(hypervisors), hvparams)

    def consoles(self, instances: Sequence[objects.Instance]) -> Mapping[str, Answer]:
        """instance uuid -> how to reach its console."""
        wanted = list(instances)
        nodes = list(dict.fromkeys(instance.primary_node for instance in wanted))
        answers = self._ask(nodes, "instance_console_info", wanted)
        result = {}
        for instance in wanted:
            answer = answers[instance.primary_node]
            if not answer.status:
                console = answer.payload.get(instance.name)
                answer = Answer.normal(console) if console else query_source.NO_ANSWER
            result[instance.uuid] = answer
        return result

    def locks(self) -> Sequence[Mapping[str, Any]]:
        """Every lock that is held or waited for."""
        return [{"name": name, "mode": mode, "owner": owners or None,
                 "pending": [[kind, waiting] for kind, waiting in pending] or None}
                for name, mode, owners, pending in self._ctx.locks.report()]

    def jobs(self, job_ids: Collection[int] | None, archived: bool) -> Sequence[Any]:
        """Jobs of the queue."""
        return self._ctx.queue.views(job_ids, archived)

    def os_diagnose(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> OS definitions."""
        return self._ask(node_uuids, "os_diagnose")

    def extstorage_diagnose(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> storage providers."""
        return self._ask(node_uuids, "extstorage_diagnose")

    def exports(self, node_uuids: Collection[str]) -> Mapping[str, Answer]:
        """node uuid -> names of exports."""
        return self._ask(node_uuids, "export_list")

    def drain_flag(self) -> bool:
        """Whether the queue refuses new jobs."""
        return self._ctx.queue.drained

    def watcher_pause(self) -> float | None:
        """Until when the watcher pauses."""
        return pause.read()


def source(ctx: context.MasterContext) -> LiveSource:
    """A data source for one query."""
    return LiveSource(ctx)


def hypervisor_specs(config: objects.ConfigData) -> list[list[Any]]:
    """Hypervisors with their parameters, as node_info wants them."""
    return [[name, config.filled_hvparams(name)] for name in config.cluster.enabled_hypervisors]


def storage_units(config: objects.ConfigData, exclusive: bool = False) -> list[list[Any]]:
    """Where the enabled disk templates keep their data, as node_info wants it."""
    units: list[list[Any]] = []
    for name in config.cluster.enabled_disk_templates:
        template = storage.template(name)
        place = template.unit(config.cluster)
        params = [exclusive] if template.uses_lvm else []
        unit = [template.storage_type, place, params]
        if place and unit not in units:
            units.append(unit)
            if template.uses_lvm:
                units.append([constants.ST_LVM_PV, place, params])
    return units


