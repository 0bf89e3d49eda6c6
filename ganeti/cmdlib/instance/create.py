"""OP_INSTANCE_CREATE."""

from __future__ import annotations

import dataclasses
from typing import Any

from ganeti import constants, errors, objects, opcodes
from ganeti import undo as undo_stack
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import instance_parameters as parameters
from ganeti.cmdlib.checks import ipolicy, memory, names, nics, nodes, os_definitions
from ganeti.cmdlib.instance import (
    adopt,
    allocate,
    create_import,
    create_request,
    disk_specs,
    disks,
    hookenv,
    os_install,
    power,
)
from ganeti.cmdlib.instance.base import Level
from ganeti.config import instances
from ganeti.hypervisor import registry as hypervisors
from ganeti.utils import tags
from ganeti.utils import uuid as uuids


class LUInstanceCreate(base.LogicalUnit):
    """Create an instance: reserve, make its disks, record it, install it, start it.

    Everything is taken back when a step before the start fails; a guest that only does not
    start is kept, since its installation may be worth hours.
    """

    OP = opcodes.OpInstanceCreate
    HOOKS = base.Hooks("instance-add", constants.HTYPE_INSTANCE)

    request: create_request.Request
    #: The forthcoming instance that is made real
    planned: objects.Instance | None = None
    primary: str | None = None
    secondary: str | None = None
    hostname_ip: str | None = None
    #: Where the contents of the disks come from, for an import
    source: create_import.Source | None = None

    def expand(self) -> None:
        op = self.op
        self.source = create_import.prepare(self)
        if op.commit:
            self._complete_from_plan()
        self.request = create_request.read(self.config, op)
        self.name = self.request.name
        if op.name_check:
            self.name, self.hostname_ip = names.resolve(self.name, "The instance name")
        tags.add((), self.request.tags)
        parameters.require_enabled_hypervisor(self, self.request.hypervisor)
        if op.start and not self.request.start and not op.forthcoming:
            self.feedback.info("Nothing is installed, so the instance is not started")
        self._expand_nodes()

    def _complete_from_plan(self) -> None:
        planned = self.config.instance_by_name(names.normalised(self.op.instance_name))
        if planned is not None and planned.forthcoming:
            create_request.complete(self.config, self.op, planned)

    def _expand_nodes(self) -> None:
        op = self.op
        given = op.pnode_uuid or op.pnode
        if given and op.iallocator:
            raise errors.OpPrereqError(
                "Give either nodes or an iallocator, not both", errors.ECODE_INVAL)
        second = op.snode_uuid or op.snode
        if second and not self.request.needs_secondary:
            raise errors.OpPrereqError(
                f"The disk template '{self.request.template}' uses one node only; a secondary"
                " node means nothing for it", errors.ECODE_INVAL)
        if given:
            self.primary = self.config.expand_node(given).uuid
            self.secondary = self.config.expand_node(second).uuid if second else None
            if op.opportunistic_locking:
                raise errors.OpPrereqError(
                    "Opportunistic locking needs an iallocator to choose among the nodes",
                    errors.ECODE_INVAL)
            self._require_two_nodes()
        else:
            allocate.name_of(self, op.iallocator)
        if op.group_name and given:
            raise errors.OpPrereqError(
                "A node group is for the iallocator to choose in; it can not be given together"
                " with a node", errors.ECODE_INVAL)
        self.group_uuid = (self.config.expand_group(op.group_name).uuid
                           if op.group_name else None)

    def _require_two_nodes(self) -> None:
        if self.request.needs_secondary and not self.secondary:
            raise errors.OpPrereqError(
                f"The disk template '{self.request.template}' needs a secondary node",
                errors.ECODE_INVAL)
        if self.primary == self.secondary:
            raise errors.OpPrereqError(
                "The secondary node has to be another one than the primary node",
                errors.ECODE_INVAL)

    # Locks.

    def locks(self, level: Level) -> base.LockRequest | None:
        if level == Level.INSTANCE:
            return base.LockRequest([self.name])
        if level == Level.NODEGROUP:
            return base.LockRequest(self._groups(), shared=True)
        if level in (Level.NODE, Level.NODE_RES):
            return self._node_request(level)
        return None

    def _groups(self) -> Any:
        if self.primary is None:
            return [self.group_uuid] if self.group_uuid else base.ALL
        return {self.config.nodes[uuid].group for uuid in self._given_nodes()}

    def _given_nodes(self) -> list[str]:
        return [uuid for uuid in (self.primary, self.secondary) if uuid]

    def _source_nodes(self) -> list[str]:
        """The node that holds the export."""
        return [self.source.node_uuid] if self.source and self.source.node_uuid else []

    def _node_request(self, level: Level) -> base.LockRequest:
        if self.primary is not None:
            return base.LockRequest([*self._given_nodes(), *self._source_nodes()])
        if level == Level.NODE_RES and not self.owns_all(Level.NODE):
            return base.LockRequest(self.owned(Level.NODE))
        return base.LockRequest(base.ALL, opportunistic=self.op.opportunistic_locking)

    # Prerequisites.

    def check_prereq(self) -> None:
        self._check_name()
        self._choose_nodes()
        assert self.primary is not None
        self.node = self.config.nodes[self.primary]
        for uuid in self._given_nodes():
            nodes.require_target(self.config.nodes[uuid])
        self.group = self.config.group_of(self.node)
        if adopt.wanted(self.request.disks):
            self.request = dataclasses.replace(
                self.request, disks=adopt.with_sizes(self, self.primary, self.request.disks))
        self._settle_nics()
        self._check_parameters()
        self._check_policy()
        if self.op.forthcoming:
            return
        disk_specs.require_space(self, self._given_nodes(), self.request.disks)
        if self.request.os_type:
            self._check_os()
        nics.require_bridges(self, self.nics, self.primary)
        if self.request.start:
            memory.require(self, self.primary, f"create instance {self.name}",
                           self.beparams[constants.BE_MAXMEM], self.request.hypervisor)

    def _check_name(self) -> None:
        found = self.config.instance_by_name(self.name)
        if self.op.commit:
            if found is None or not found.forthcoming:
                raise errors.OpPrereqError(
                    f"There is no forthcoming instance '{self.name}' to be created",
                    errors.ECODE_NOENT if found is None else errors.ECODE_STATE)
            self.planned = found
            self.planned_disks = self.config.instance_disks(found)
        else:
            names.require_free(self, self.name)
            try:
                self.cfg.reserve.names.take(self.job_id, self.name)
            except errors.ReservationError as err:
                raise errors.OpPrereqError(str(err), errors.ECODE_NOTUNIQUE) from err
        if self.op.ip_check and self.hostname_ip:
            names.require_quiet(self.hostname_ip, self.name)

    def _choose_nodes(self) -> None:
        if self.primary is None:
            chosen = self._ask_allocator()
            self.primary = chosen[0]
            self.secondary = chosen[1] if len(chosen) > 1 else None
            named = ", ".join(self.config.nodes[uuid].name for uuid in chosen)
            self.feedback.info(f"Selected nodes for instance {self.name}: {named}")
            self._require_two_nodes()
        keep = self._given_nodes()
        for level in (Level.NODE, Level.NODE_RES):
            self.release(level, keep=[*keep, *self._source_nodes()])
        self.release(Level.NODEGROUP, keep={self.config.nodes[uuid].group for uuid in keep})

    def _ask_allocator(self) -> list[str]:
        """Nodes for the instance; among those that were free where not all could be locked."""
        if not self.op.opportunistic_locking:
            return allocate.allocate(self, self.op.iallocator, self.wanted())
        free = sorted(self.config.nodes[uuid].name for uuid in self.owned(Level.NODE))
        if not free:
            raise errors.OpPrereqError(
                "All nodes are busy with other jobs; try again later", errors.ECODE_TEMP_NORES)
        try:
            return allocate.allocate(self, self.op.iallocator, self.wanted(free))
        except errors.OpPrereqError as err:
            if err.args[1] != errors.ECODE_NORES or len(free) == len(self.config.nodes):
                raise
            raise errors.OpPrereqError(
                f"{err.args[0]} (among the nodes that were free: {', '.join(free)})",
                errors.ECODE_TEMP_NORES) from err

    def wanted(self, restrict_to: list[str] | None = None) -> allocate.Wanted:
        """The instance as an allocator is asked for it."""
        return wanted(self.config, self.request, self.op.group_name, restrict_to)

    def _settle_nics(self) -> None:
        """Interfaces with their addresses reserved; those of a planned instance keep theirs."""
        old = list(self.planned.nics) if self.planned else []
        self.nics = []
        for index, wish in enumerate(self.request.nics):
            where = f"nic {index}"
            before = old[index] if index < len(old) else objects.Nic(
                uuid=uuids.new(), mac="", nicparams={})
            self.nics.append(nics.change(
                self, before, wish, self.group, where, hostname_ip=self.hostname_ip,
                conflicts_check=self.op.conflicts_check))
        nics.require_unique_names(self.nics)

    def _check_parameters(self) -> None:
        request = self.request
        self.beparams = {**self.config.filled_beparams(), **request.beparams}
        parameters.require_sane_backend(self.beparams)
        self.hvparams = {
            **self.config.filled_hvparams(request.hypervisor, request.os_type),
            **request.hvparams}
        parameters.check_hvparams(self, self._given_nodes(), request.hypervisor, self.hvparams)
        parameters.require_fitting_size(request.hypervisor, self.hvparams, self.beparams)

    def _check_policy(self) -> None:
        request = self.request
        sizes = ipolicy.Sizes(
            memory=self.beparams[constants.BE_MAXMEM], vcpus=self.beparams[constants.BE_VCPUS],
            disks=[spec.size for spec in request.disks], nics=len(self.nics),
            spindle_use=self.beparams[constants.BE_SPINDLE_USE],
            templates=sorted({spec.template for spec in request.disks} or {request.template}))
        for text in ipolicy.require(self.config, self.group, sizes, f"Instance {self.name}",
                                    ignore=self.op.ignore_ipolicy):
            self.feedback.warning(text)

    def _check_os(self) -> None:
        assert self.primary is not None
        probe = self._object(objects.Instance(
            uuid=uuids.new(), name=self.name, primary_node=self.primary,
            hypervisor=self.request.hypervisor))
        os_definitions.require(
            self, [self.primary], self.request.os_type,
            os_install.parameters_for(self.config, probe, self.request.osparams_secret),
            force_variant=self.op.force_variant)

    def _object(self, start: objects.Instance) -> objects.Instance:
        """The instance's object, without its disks."""
        request = self.request
        return start.replace(
            os=request.os_type, hvparams=request.hvparams, beparams=request.beparams,
            osparams=request.osparams, osparams_private=request.osparams_private,
            nics=self.nics, tags=sorted(request.tags),
            admin_state=constants.ADMINST_DOWN, admin_state_source=constants.ADMIN_SOURCE)

    # Hooks.

    def hooks_env(self) -> dict[str, Any]:
        names_of = self._node_names()
        env: dict[str, Any] = {"ADD_MODE": self.op.mode}
        if self.source is not None:
            env.update(self.source.hook_env(self.config))
        env.update(hookenv.build(
            self.config, name=self.name, primary=names_of[0], secondaries=names_of[1:],
            os_type=self.request.os_type, status=self.op.start, beparams=self.beparams,
            hvparams=self.hvparams, hypervisor=self.request.hypervisor,
            disk_template=self.request.template, tags=self.request.tags, nics=self.nics,
            disks=hookenv.spec_environment([spec.env() for spec in self.request.disks])))
        return env

    def hooks_nodes(self) -> tuple[list[str], list[str]]:
        found = list(dict.fromkeys([self.config.cluster.master_node, *self._given_nodes()]))
        return found, found

    # Doing it.

    def dry_run_result(self) -> list[str]:
        return self._node_names()

    def _node_names(self) -> list[str]:
        return [self.config.nodes[uuid].name for uuid in self._given_nodes()]

    def exec(self) -> list[str]:
        instance = self._new_instance()
        place = disk_specs.Place(
            self.name, instance.uuid, instance.primary_node,
            [self.secondary] if self.secondary else [], self.op.file_driver,
            self.op.file_storage_dir)
        laid_out = disk_specs.lay_out(self, self.request.disks, place)
        result = self._node_names()
        if self.op.forthcoming:
            self._record(instance.replace(forthcoming=True),
                         [disk.replace(forthcoming=True) for disk in laid_out])
            return result
        self._make(instance, laid_out)
        if self.request.start:
            self._start(instance.uuid)
        else:
            disks.deactivate(self, self.config.instances[instance.uuid])
        return result

    def _new_instance(self) -> objects.Instance:
        assert self.primary is not None
        needs_port = hypervisors.get_class(self.request.hypervisor).needs_network_port
        port = self.planned.network_port if self.planned else None
        if needs_port and port is None:
            port = self.cfg.reserve.ports.generate(self.job_id)
        return self._object(objects.Instance(
            uuid=self.planned.uuid if self.planned else uuids.new(), name=self.name,
            primary_node=self.primary, hypervisor=self.request.hypervisor,
            network_port=port if needs_port else None))

    def _make(self, instance: objects.Instance, laid_out: list[objects.Disk]) -> None:
        """Disks, configuration, contents; a failure takes everything back and says so."""
        undo = undo_stack.Undo(self.feedback)
        try:
            with undo:
                if adopt.wanted(self.request.disks):
                    adopt.take_over(self, instance, laid_out, self.request.disks, undo)
                elif laid_out:
                    self.feedback("* creating instance disks...")
                    disks.create(self, instance, laid_out, undo)
                self.feedback(f"adding instance {self.name} to cluster config")
                self._record(instance, laid_out)
                undo.push(f"remove instance {self.name} from the configuration", self._unrecord,
                          instance)
                self._fill(self.config.instances[instance.uuid], undo)
                undo.forget()
        except errors.GenericError as err:
            left = f", except: {'; '.join(undo.failed)}" if undo.failed else ""
            raise errors.OpExecError(
                f"Could not create instance {self.name}: {errors.text(err)}; what had been made"
                f" was removed again{left}") from err

    def _record(self, instance: objects.Instance, laid_out: list[objects.Disk]) -> None:
        with self.cfg.edit(job=self.job_id) as draft:
            if self.planned is not None:
                instances.remove(draft, self.planned)
                uuids_of = [draft.add(disk).uuid for disk in laid_out]
                draft.put(instance.replace(disks=uuids_of))
            else:
                instances.add(draft, instance, laid_out)

    def _unrecord(self, instance: objects.Instance) -> None:
        """Take the instance out of the configuration, or make it forthcoming again."""
        with self.cfg.edit(job=self.job_id) as draft:
            instances.remove(draft, instance)
            if self.planned is not None:
                draft.put(self.planned)
                for disk in self.planned_disks:
                    draft.put(disk)

    def _fill(self, instance: objects.Instance, undo: undo_stack.Undo) -> None:
        """Zeroes where the cluster wants them, mirrors in step, and the operating system."""
        if not instance.disks:
            return
        undo.push(f"shut down the disks of instance {self.name}", disks.shutdown, self, instance)
        disks.activate(self, instance)
        instance = self.config.instances[instance.uuid]
        held = self.config.instance_disks(instance)
        if self.config.cluster.prealloc_wipe_disks and not adopt.wanted(self.request.disks):
            disks.wipe(self, instance, [(disk, 0) for disk in held])
        self.release(Level.NODE)
        if not disks.wait_for_sync(self, instance, oneshot=not self.op.wait_for_sync) \
                and self.op.wait_for_sync:
            raise errors.OpExecError("There are some degraded disks for this instance")
        self.release(Level.NODE_RES)
        if self.source is not None:
            create_import.restore(self, instance, self.source)
        elif self.request.install:
            os_install.run(self, instance, self.request.osparams_secret, reinstall=False)

    def _start(self, uuid: str) -> None:
        instance = power.mark_up(self, self.config.instances[uuid])
        self.feedback("* starting instance...")
        try:
            power.start(self, instance)
        except errors.OpExecError as err:
            power.mark_down(self, instance)
            raise errors.OpExecError(
                f"Instance {self.name} was created, but does not start: {errors.text(err)}; it"
                f" is kept and marked down ('gnt-instance startup {self.name}' tries again,"
                f" 'gnt-instance remove {self.name}' removes it)") from err


def wanted(
    config: objects.ConfigData,
    request: create_request.Request,
    group_name: str | None,
    restrict_to: list[str] | None = None,
) -> allocate.Wanted:
    """A creation as an allocator is asked for it."""
    return allocate.Wanted(
        name=request.name, disk_template=request.template, os=request.os_type,
        hypervisor=request.hypervisor,
        beparams={**config.filled_beparams(), **request.beparams},
        disks=[{"size": spec.size, "mode": spec.mode, "spindles": spec.spindles,
                "type": spec.template} for spec in request.disks],
        nics=[{"mac": wish.get("mac") or constants.VALUE_AUTO, "ip": wish.get("ip"),
               **{key: config.filled_nicparams(wish.own_params)[key] for key in ("mode", "link")}}
              for wish in request.nics],
        tags=request.tags, group_name=group_name, nodes=restrict_to)
