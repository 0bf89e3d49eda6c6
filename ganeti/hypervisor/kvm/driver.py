"""The KVM driver: the order in which the subjects' modules do their part."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.hypervisor import linux
from ganeti.hypervisor.base import (
    USER_SHUTDOWN,
    BaseHypervisor,
    BlockDevice,
    HvParams,
    InstanceInfo,
    MigrationStatus,
)
from ganeti.hypervisor.kvm import (
    accel,
    balloon,
    binary,
    boot,
    build,
    console,
    cpu,
    firmware,
    launch,
    life,
    migrate,
    paths,
    plug,
    runtime,
    tap,
    validate,
)
from ganeti.hypervisor.kvm.guest import Guest
from ganeti.hypervisor.kvm.paths import Files
from ganeti.hypervisor.kvm.qmp import QmpError, Session
from ganeti.hypervisor.kvm.runtime import Runtime
from ganeti.hypervisor.kvm.state import Kept
from ganeti.undo import Undo

_MIB = 1 << 20
#: A guest that runs is asked for its memory; where QEMU is busy the size at start is told
_INFO_TIMEOUT = 2.0
_ARRIVAL_TIMEOUT = 30.0
_CANCEL_TIMEOUT = 10.0


class KvmHypervisor(BaseHypervisor):
    """Guests in QEMU, with hardware virtualisation where that works."""

    name = constants.HT_KVM
    can_migrate = True
    opens_addresses = True
    image_formats = frozenset([constants.IMAGE_RAW, constants.IMAGE_QCOW2])
    can_hotplug = True
    can_balloon = True
    needs_network_port = True
    detects_user_shutdown = True
    shutdown_daemon = constants.KVMD
    optional_ancillary_files = ("/etc/ganeti/kvm-vif-bridge", "/etc/ganeti/kvm-ifup-os",
                                "/etc/ganeti/vnc-cluster-password")

    # Life ------------------------------------------------------------------------------------

    def start(self, instance: objects.Instance, block_devices: Sequence[BlockDevice],
              paused: bool = False) -> None:
        """Start a guest; what an earlier one of its name has left is removed."""
        life.prepare(Files(instance.name))
        hvp = instance.hvparams
        qemu = binary.probe(hvp["kvm_path"])
        guest = firmware.equip(
            Guest.of(instance, qemu, accel.choose(hvp["kvm_flag"], qemu.path)))
        if guest.firmware:
            guest.kept.ensure_nvram(guest.firmware.template)
        life.execute(build.runtime(guest, instance, block_devices), instance, paused=paused)

    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        """Press the power button, or end QEMU; a guest without ACPI has no button."""
        files = Files(name or instance.name)
        if launch.pid(files) is None:
            return
        if force or not _has_button(files, instance):
            launch.end(files)
            return
        try:
            with Session(files.qmp, files.name) as session:
                migrate.run(session)
                session.execute("system_powerdown")
        except QmpError as err:
            if not retry:
                raise
            # it obeys already, and takes its time to close its disks (Gluster: 10 s)
            logging.info("QEMU of instance %s answers no more after the power button: %s",
                         files.name, err)
            return
        logging.debug("Pressed the power button of instance %s%s", files.name,
                      " again" if retry else "")

    def cleanup(self, name: str) -> None:
        """Remove what a stopped guest has left on the node."""
        files = Files(name)
        if launch.pid(files) is not None:
            raise errors.HypervisorError(f"Instance {name} still runs; stop it first")
        life.remove_traces(files)

    def reboot(self, instance: objects.Instance) -> None:
        """Let the guest shut itself down and start again, in the same QEMU where that is possible.

        It is not where QEMU ends with a reset of the guest's own: SeaBIOS makes one after ours.
        """
        files = Files(instance.name)
        if launch.pid(files) is None:
            raise errors.HypervisorError(f"Instance {instance.name} does not run on this node")
        hvp = runtime.load(files).hvp
        ends = hvp["reboot_behavior"] == constants.REBOOT_BEHAVIOR_EXIT
        with Session(files.qmp, files.name) as session:
            if hvp["acpi"]:
                life.shut_down_inside(session, files.name)
            if not ends:
                session.execute("system_reset")
                migrate.run(session)
        if ends:
            life.start_again(instance)

    # Looking ---------------------------------------------------------------------------------

    def list_instances(self, hvparams: HvParams | None = None) -> list[str]:
        """Guests that run, and those that their users shut down."""
        try:
            names = os.listdir(paths.directory("conf"))
        except FileNotFoundError:
            return []
        instances = [paths.instance_of_runtime(name) for name in sorted(names)]
        return [name for name in instances if name and (
            launch.pid(Files(name)) is not None or os.path.exists(Files(name).shutdown))]

    def instance_info(self, name: str, hvparams: HvParams | None = None) -> InstanceInfo | None:
        """State of a guest; memory as it is now, where QEMU answers."""
        files = Files(name)
        pid = launch.pid(files)
        shut_down = pid is None and os.path.exists(files.shutdown)
        if (pid is None and not shut_down) or not os.path.exists(files.runtime):
            return None
        run = runtime.load(files)
        if pid is None:
            return InstanceInfo(name, 0, run.memory, run.vcpus, state=USER_SHUTDOWN)
        try:
            cpu_seconds = linux.cpu_seconds(pid)
        except errors.HypervisorError:
            return None
        return InstanceInfo(name, pid, self._memory(files, run), run.vcpus, time=cpu_seconds)

    def _memory(self, files: Files, run: Runtime) -> int:
        try:
            with Session(files.qmp, files.name, connect_timeout=_INFO_TIMEOUT,
                         timeout=_INFO_TIMEOUT) as session:
                return balloon.size(session)
        except errors.HypervisorError as err:
            logging.info("Memory of instance %s is told as it was at start: %s", files.name, err)
            return run.memory

    def node_info(self, hvparams: HvParams | None = None) -> dict[str, Any]:
        """Memory and processors of the node, and QEMU's version."""
        info = linux.node_info()
        try:
            info["hv_version"] = list(binary.probe(self._program(hvparams)).version)
        except errors.HypervisorError as err:
            logging.warning("Version of QEMU is unknown: %s", err)
        return info

    def _program(self, hvparams: HvParams | None) -> str:
        return str((hvparams or {}).get("kvm_path") or self.parameters["kvm_path"].default)

    @classmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        """Serial console by ssh, else VNC or SPICE, else a message."""
        return console.describe(instance, node, hvparams)

    # What guests keep beside their disks -----------------------------------------------------

    @classmethod
    def keeps_state(cls, hvparams: HvParams) -> bool:
        """Variables of UEFI and the memory of a TPM."""
        return bool(boot.kind(hvparams) == constants.HT_BT_UEFI or hvparams["vtpm"])

    def get_state(self, instance: objects.Instance) -> dict[str, Any] | None:
        return Kept(instance.uuid).pack()

    def put_state(self, instance: objects.Instance, state: Mapping[str, Any] | None) -> None:
        if launch.pid(Files(instance.name)) is not None:
            raise errors.HypervisorError(
                f"Instance {instance.name} runs on this node, its state is not replaced")
        if state is None:
            Kept(instance.uuid).forget()
        else:
            Kept(instance.uuid).unpack(state)

    # Parameters ------------------------------------------------------------------------------

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        super().check_syntax(hvparams)
        validate.check_syntax(hvparams)

    @classmethod
    def check_size(cls, hvparams: HvParams, vcpus: int) -> None:
        validate.check_size(hvparams, vcpus)

    def validate(self, hvparams: HvParams) -> None:
        validate.validate(hvparams)

    def verify(self, hvparams: HvParams | None = None) -> str | None:
        """QEMU has to be there, and the run directory short enough for sockets."""
        try:
            qemu = binary.probe(self._program(hvparams))
            Files("x" * 20).check_sockets()
        except errors.HypervisorError as err:
            return errors.text(err)
        if (hvparams or {}).get("kvm_flag") != constants.HT_KVM_ENABLED:
            return None
        reason = accel.why_not(qemu.path)
        if reason is None:
            return None
        return f"kvm_flag=enabled, but hardware virtualisation does not work: {reason}"

    # Migration -------------------------------------------------------------------------------

    def migration_info(self, instance: objects.Instance) -> Any:
        """The runtime, in which hotplugged devices have their places too."""
        run = runtime.load(Files(instance.name))
        with self._session(instance) as session:
            notes: dict[str, Any] = {"cpu": {
                "features": cpu.features(session), "names": cpu.feature_names(session)}}
        if self.keeps_state(run.hvp):
            notes["state"] = Kept(instance.uuid).describe()
        return run.portable(notes)

    def accept_instance(self, instance: objects.Instance, info: Any, target: str) -> None:
        """Start a QEMU that waits for the guest."""
        files = Files(instance.name)
        run = Runtime.from_portable(info, f"that was sent for {instance.name}").relinked(instance)
        notes = Runtime.notes(info)
        life.prepare(files)
        qemu = binary.probe(run.command[0])
        machine = run.hvp["machine_version"]
        if machine and not qemu.has_machine(machine):
            raise errors.HypervisorError(
                f"Instance {instance.name} runs on machine type {machine}, which {qemu.path}"
                f" {'.'.join(map(str, qemu.version))} of this node does not have")
        if run.accelerator == accel.KVM:
            accel.choose(constants.HT_KVM_ENABLED, qemu.path)
        with Undo() as undo:
            if notes.get("state"):
                kept = Kept(instance.uuid)
                kept.expect(**notes["state"])
                undo.push("forget the guest's state", kept.arrived, False)
            life.execute(run, instance, target=target)
            undo.push("remove the guest's files", life.remove_traces, files)
            undo.push("end QEMU", launch.end, files)
            self._require_features(instance, notes.get("cpu", {}))
            undo.forget()

    def _require_features(self, instance: objects.Instance, cpus: Mapping[str, Any]) -> None:
        """Refuse a guest whose processors could do more than they can here."""
        if not cpus:
            return
        with self._session(instance) as session:
            missing = cpu.missing(cpus["features"], cpu.features(session))
            if not missing:
                return
            lost = set(cpus["names"]) - set(cpu.feature_names(session))
        # QEMU knows some by several spellings
        names = sorted({name.replace("_", "-").replace(".", "-") for name in lost})
        raise errors.HypervisorError(
            f"The processors of instance {instance.name} can do what this node can not give them:"
            f" {', '.join(names or missing)}; set 'cpu_type' to a model that all nodes have, and"
            " restart the instance")

    def migrate(self, cluster_name: str, instance: objects.Instance, target: str,
                live: bool) -> None:
        with self._session(instance) as session:
            migrate.send(session, self._migration_parameters(instance), target, live)

    def _migration_parameters(self, instance: objects.Instance) -> dict[str, Any]:
        return migrate.parameters(instance.hvparams, runtime.load(Files(instance.name)).hvp)

    def migration_status(self, instance: objects.Instance) -> MigrationStatus:
        with self._session(instance) as session:
            status = migrate.status(session, self._migration_parameters(instance))
            if status.status == constants.HV_MIGRATION_FAILED:
                logging.error("Migration of instance %s failed: %s", instance.name,
                              migrate.report(session))
        return status

    def finalize_migration_dst(self, instance: objects.Instance, info: Any,
                               success: bool) -> None:
        files = Files(instance.name)
        if not success:
            launch.end(files)
            life.remove_traces(files)
            Kept(instance.uuid).arrived(False)
            return
        run = runtime.load(files)
        with self._session(instance) as session:
            life.wait_for(session, ("running", "paused"), _ARRIVAL_TIMEOUT)
            migrate.run(session)
        Kept(instance.uuid).arrived(True)
        for number, (nic, name) in enumerate(zip(run.nics, tap.records(files), strict=True)):
            if not tap.connects_early(nic.nic):
                tap.connect(instance, number, nic.nic, name, tap.FINISHED)

    def finalize_migration_src(self, instance: objects.Instance, success: bool,
                               live: bool) -> None:
        files = Files(instance.name)
        if success:
            self._log_times(instance)
            launch.end(files)
            life.remove_traces(files)
            return
        with self._session(instance) as session:
            if migrate.cancel(session):
                migrate.wait_cancelled(session, _CANCEL_TIMEOUT)
            migrate.run(session)

    def _log_times(self, instance: objects.Instance) -> None:
        try:
            with self._session(instance) as session:
                logging.info("Migration of instance %s took %s", instance.name,
                             migrate.report(session))
        except errors.HypervisorError as err:
            logging.warning("How long the migration took is not known: %s", err)

    def _session(self, instance: objects.Instance) -> Session:
        files = Files(instance.name)
        if launch.pid(files) is None:
            raise errors.HypervisorError(f"Instance {instance.name} does not run on this node")
        return Session(files.qmp, files.name)

    # Changes while running -------------------------------------------------------------------

    def balloon(self, instance: objects.Instance, memory: int) -> None:
        with self._session(instance) as session:
            balloon.set_size(session, memory)

    def hotplug_supported(self, instance: objects.Instance) -> None:
        if launch.pid(Files(instance.name)) is None:
            raise errors.HotplugError(f"Instance {instance.name} does not run on this node")
        runtime.load(Files(instance.name))

    def hotplug(self, instance: objects.Instance, action: str, dev_type: str,
                device: objects.Disk | objects.Nic, extra: Any, seq: int
                ) -> objects.Disk | objects.Nic | None:
        return plug.change(instance, action, device, extra, seq)

    def resize_disk(self, instance: objects.Instance, disk: objects.Disk, size: int) -> None:
        run = runtime.load(Files(instance.name))
        found = [device for device in run.disks if device.disk.uuid == disk.uuid]
        if not found:
            raise errors.HypervisorError(
                f"The running instance {instance.name} does not have disk {disk.uuid}")
        with self._session(instance) as session:
            session.execute("block_resize", {"node-name": found[0].id, "size": size * _MIB})


def _has_button(files: Files, instance: objects.Instance) -> bool:
    """Whether the guest that runs has ACPI; a change since its start is for the next one."""
    try:
        return bool(runtime.load(files).hvp["acpi"])
    except errors.HypervisorError as err:
        logging.warning("What instance %s was started with is not known: %s", files.name, err)
        return bool(instance.hvparams["acpi"])
