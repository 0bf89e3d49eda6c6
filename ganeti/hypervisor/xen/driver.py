"""What the two Xen drivers share: the order in which the modules of the subjects do their part."""

from __future__ import annotations

import logging
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ganeti import constants, errors, objects, pathutils
from ganeti.hypervisor.base import (
    RUNNING,
    USER_SHUTDOWN,
    BaseHypervisor,
    BlockDevice,
    HvParams,
    InstanceInfo,
    MigrationStatus,
)
from ganeti.hypervisor.xen import console, domain, files, migrate, nics, parse, validate, xl
from ganeti.hypervisor.xen.cfg import quote
from ganeti.hypervisor.xen.parse import Domain
from ganeti.utils import retry

#: A domain that disappears while `xl` lists it makes the list fail
_LIST_TIMEOUT, _LIST_PAUSE = 5.0, 0.5
_QUICK = 60.0
#: How long a guest may take to shut down and come back, and Xen's tools to give memory back
_REBOOT_TIMEOUT, _END_TIMEOUT, _PAUSE = 180.0, 60.0, 0.2
#: So long a domain that asked for a reboot is left to the tools that watch over it
_TOOLS_TIMEOUT = 20.0
#: So long a domain whose end failed may take to go all the same
_OTHERS_TIMEOUT = 10.0


class XenHypervisor(BaseHypervisor):
    """Guests of this node's Xen; each of the two drivers shows those of its types."""

    can_migrate = True
    can_balloon = True
    opens_addresses = True
    detects_user_shutdown = True
    optional_ancillary_files: ClassVar[Sequence[str]] = ("/etc/ganeti/xen-ifup-os",)
    #: What Xen calls the guests of a driver
    guest_types: ClassVar[Sequence[str]]
    #: Options for guests that have to be asked by an ACPI event
    shutdown_words: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def configuration(self, instance: objects.Instance,
                      block_devices: Sequence[BlockDevice]) -> str:
        """What `xl` reads to make the domain."""

    # Life ------------------------------------------------------------------------------------

    def start(self, instance: objects.Instance, block_devices: Sequence[BlockDevice],
              paused: bool = False) -> None:
        """Start a guest; what an earlier one of its name has left is removed."""
        name = instance.name
        self.cleanup(name)
        path = files.write(name, self.configuration(instance, block_devices))
        nics.describe(instance)
        try:
            xl.require(f"Starting instance {name}", "create", *(["-p"] if paused else []), path)
        except errors.HypervisorError as err:
            self._end(name)
            kept = files.stash(name)
            nics.forget(name)
            raise errors.HypervisorError(
                f"{errors.text(err)}; the configuration that was tried is {kept}") from err

    def stop(self, instance: objects.Instance, *, force: bool = False, retry: bool = False,
             name: str | None = None, timeout: float | None = None) -> None:
        """Ask a guest to shut down, or end it."""
        called = name or instance.name
        found = self._find(called)
        if found is None or found.dying:
            return
        if force or found.ended:
            self._end(called)
            return
        if found.shut_down:  # it reboots
            return
        self._unpause(found)  # else it could not react
        result = xl.run("shutdown", *self.shutdown_words, str(found.id), timeout=_QUICK)
        if not result.failed:
            logging.debug("Asked instance %s to shut down%s", called, " again" if retry else "")
        elif not xl.is_unknown_domain(result):
            # a guest that is only booting can not hear; the caller asks again, and ends it at last
            logging.warning("Instance %s can not be asked to shut down: %s", called,
                            xl.explain(result.output))

    def cleanup(self, name: str) -> None:
        """Remove what a stopped guest has left: a domain that is kept, its files."""
        found = self._find(name)
        if found is not None and not found.ended:
            raise errors.HypervisorError(f"Instance {name} still runs; stop it first")
        self._end(name)
        files.remove(name)
        nics.forget(name)
        migrate.end(name)

    def reboot(self, instance: objects.Instance) -> None:
        """Let the guest shut itself down, and wait until it is back as a new domain."""
        name = instance.name
        before = self._require(name)
        if not domain.restarts(instance.hvparams):
            self._stop_inside("shutdown", before)
            self._create_again(name)
            return
        self._stop_inside("reboot", before)
        self._wait_for_new(name, before)

    def _stop_inside(self, what: str, found: Domain) -> None:
        """Ask a guest to shut down or reboot, and wait until its domain has stopped."""
        xl.require(f"Asking instance {found.name} to {what}", what, *self.shutdown_words,
                   str(found.id), timeout=_QUICK)

        def stopped() -> bool:
            now = self._find(found.name)
            return now is None or now.id != found.id or now.shut_down
        if not retry.wait_until(stopped, _REBOOT_TIMEOUT, _PAUSE):
            raise errors.HypervisorError(
                f"Instance {found.name} did not react to '{what}' for {_REBOOT_TIMEOUT:.0f} s;"
                " 'gnt-instance reboot --type=hard' stops and starts it")

    def _wait_for_new(self, name: str, before: Domain) -> None:
        """The tools that watch the domain start it again; where none do, this does."""
        def back() -> bool:
            now = self._find(name)
            return now is not None and now.id != before.id and not now.shut_down and now.vcpus > 0
        if retry.wait_until(back, _TOOLS_TIMEOUT, _PAUSE):
            return
        now = self._find(name)
        if now is not None and now.id == before.id:
            logging.warning("Nothing of Xen's tools watches over domain %s, starting it again from"
                            " its configuration", name)
            self._create_again(name)
        elif not retry.wait_until(back, _REBOOT_TIMEOUT, _PAUSE):
            raise errors.HypervisorError(
                f"Instance {name} has shut down for its reboot, but did not come back; look at"
                f" /var/log/xen/xl-{name}.log")

    def _create_again(self, name: str) -> None:
        self._end(name)
        xl.require(f"Starting instance {name} again", "create", files.config_path(name))

    def _end(self, name: str) -> None:
        """Destroy a domain and wait until it is gone.

        The tools that watch a domain take it down too once it has shut down; whoever comes second
        misses what the first has removed and fails, though the domain goes (seen with Xen 4.17).
        """
        found = self._find(name)
        if found is None:
            return
        result = xl.run("destroy", str(found.id), timeout=_QUICK)
        failed = result.failed and not xl.is_unknown_domain(result)
        if not retry.wait_until(lambda: self._find(name) is None,
                                _OTHERS_TIMEOUT if failed else _END_TIMEOUT, _PAUSE):
            if failed:
                raise xl.failure(f"Ending instance {name}", result)
            raise errors.HypervisorError(
                f"Domain {found.id} of instance {name} does not end: something still holds its"
                " memory or disks")

    def _unpause(self, found: Domain) -> None:
        if "p" in found.flags[2:3]:
            xl.require(f"Continuing instance {found.name}", "unpause", str(found.id),
                       timeout=_QUICK)

    # Looking ---------------------------------------------------------------------------------

    def domains(self) -> list[Domain]:
        """All that Xen has, dom0 first."""
        def attempt() -> list[Domain]:
            result = xl.run("list", "-v", timeout=_QUICK)
            if result.failed:
                raise retry.RetryAgain(result)
            return parse.domains(result.stdout)
        try:
            return retry.retry(attempt, _LIST_PAUSE, _LIST_TIMEOUT)
        except retry.RetryTimeout as err:
            raise xl.failure("Listing the domains of Xen", err.args[0]) from None

    def _find(self, name: str) -> Domain | None:
        for found in self.domains():
            if found.name == name and found.id != 0:
                return found
        return None

    def _require(self, name: str) -> Domain:
        found = self._find(name)
        if found is None or found.ended:
            raise errors.HypervisorError(f"Instance {name} does not run on this node")
        return found

    def list_instances(self, hvparams: HvParams | None = None) -> list[str]:
        """Guests that run, and those that their users shut down."""
        return [info.name for info in self.all_instances_info(hvparams)]

    def instance_info(self, name: str, hvparams: HvParams | None = None) -> InstanceInfo | None:
        found = [info for info in self.all_instances_info(hvparams) if info.name == name]
        return found[0] if found else None

    def all_instances_info(self, hvparams: HvParams | None = None) -> list[InstanceInfo]:
        """All guests by one look."""
        found = parse.guests(self.domains())
        types = self._types([guest.name for guest in found])
        infos = [_info(guest) for guest in found if types.get(guest.name) in self.guest_types]
        return [info for info in infos if info is not None]

    def _types(self, names: Sequence[str]) -> dict[str, str]:
        """What kind of guest each is: as configured, and where nothing is, as Xen says."""
        types = {name: parse.configured_type(files.read(name)) for name in names
                 if files.exists(name)}
        if set(names) - types.keys():
            result = xl.run("list", "-l", timeout=_QUICK)
            if result.failed:
                raise xl.failure("Listing the domains of Xen", result)
            types = {**parse.types(result.stdout), **types}
        return types

    def node_info(self, hvparams: HvParams | None = None) -> dict[str, Any]:
        """Memory and processors of the node, dom0's share of them, and Xen's version."""
        values = parse.info(xl.require("Asking Xen about the node", "info", timeout=_QUICK))
        dom0 = [found for found in self.domains() if found.id == 0]
        return parse.node_info(values, dom0[0] if dom0 else None)

    @classmethod
    def console(cls, instance: objects.Instance, node: objects.Node, group: objects.NodeGroup,
                hvparams: HvParams, beparams: Mapping[str, Any]) -> dict[str, Any]:
        return console.describe(instance, node)

    # Parameters ------------------------------------------------------------------------------

    @classmethod
    def check_syntax(cls, hvparams: HvParams) -> None:
        super().check_syntax(hvparams)
        validate.check_shared(cls.name, hvparams)

    @classmethod
    def check_size(cls, hvparams: HvParams, vcpus: int) -> None:
        validate.check_size(cls.name, hvparams, vcpus)

    def validate(self, hvparams: HvParams) -> None:
        super().validate(domain.with_real_paths(hvparams))
        values = parse.info(xl.require("Asking Xen about the node", "info", timeout=_QUICK))
        trouble = validate.trouble(hvparams, hvparams.get("domain_type", "hvm"), values)
        if trouble:
            raise errors.HypervisorError(
                f"Parameters of hypervisor {self.name} do not fit this node: "
                + "; ".join(trouble))

    def verify(self, hvparams: HvParams | None = None) -> str | None:
        """Xen and its tools have to answer."""
        try:
            values = parse.info(xl.require("Asking Xen about the node", "info", timeout=_QUICK))
            self.domains()
        except errors.HypervisorError as err:
            return errors.text(err)
        if not values.get("total_memory", "").isdigit():
            return "'xl info' does not tell the memory of the node; is this a dom0?"
        return None

    def powercycle(self, hvparams: HvParams | None = None) -> None:
        """Let Xen restart the machine at once, not only dom0's kernel."""
        result = xl.run("debug-keys", "R", timeout=_QUICK)
        if result.failed:
            logging.warning("Xen did not restart the node: %s", xl.explain(result.output))
            super().powercycle(hvparams)

    # Migration -------------------------------------------------------------------------------

    def migration_info(self, instance: objects.Instance) -> Any:
        """The configuration without the password, which the target has itself."""
        self._require(instance.name)
        text = "".join(line for line in files.read(instance.name).splitlines(keepends=True)
                       if not line.startswith("vncpasswd"))
        root = pathutils.ROOT
        return text.replace(f"{root}/", f"{pathutils.VIRTUAL_PREFIX}/") if root else text

    def accept_instance(self, instance: objects.Instance, info: Any, target: str) -> None:
        """Have the configuration ready with which the guest can be started here again."""
        name = instance.name
        if not isinstance(info, str) or "name = " not in info:
            raise errors.HypervisorError(
                f"The configuration that was sent for instance {name} is unusable")
        if self._find(name) is not None or self._find(name + parse.INCOMING) is not None:
            raise errors.HypervisorError(
                f"A domain {name} is on this node already; 'xl list' shows it, and 'gnt-instance"
                f" migrate --cleanup {name}' finds out which is the right one")
        nics.describe(instance)
        files.write(name, self._localised(info, instance))

    def _localised(self, info: str, instance: objects.Instance) -> str:
        text = info.replace(pathutils.VIRTUAL_PREFIX, pathutils.ROOT)
        path = instance.hvparams.get("vnc_password_file")
        if path:
            text += f"vncpasswd = {quote(domain.password(path))}\n"
        return text

    def migrate(self, cluster_name: str, instance: objects.Instance, target: str,
                live: bool) -> None:
        found = self._require(instance.name)
        port = instance.hvparams["migration_port"]
        if port != self.parameters["migration_port"].default:
            logging.warning("migration_port=%s has no effect: xl sends guests by ssh, to the port"
                            " that the node parameter ssh_port says", port)
        migrate.send(instance.name, found.memory, cluster_name, target, live)

    def migration_status(self, instance: objects.Instance) -> MigrationStatus:
        status = migrate.status(instance.name)
        if status.status == constants.HV_MIGRATION_FAILED:
            logging.error("Migration of instance %s failed: %s", instance.name, status.reason)
        return status

    def finalize_migration_dst(self, instance: objects.Instance, info: Any,
                               success: bool) -> None:
        """A guest that has come goes on; of one that has not, everything is removed."""
        name = instance.name
        if success:
            self._unpause(self._require(name))
            return
        for called in (name + parse.INCOMING, name):
            self._end(called)
        files.remove(name)
        nics.forget(name)

    def finalize_migration_src(self, instance: objects.Instance, success: bool,
                               live: bool) -> None:
        """Remove a guest that has left, or make it go on."""
        name = instance.name
        migrate.end(name)
        if success:
            for called in (name + parse.LEAVING, name):
                self._end(called)
            files.remove(name)
            nics.forget(name)
            return
        left = self._find(name + parse.LEAVING)
        if left is not None:
            xl.require(f"Giving instance {name} its name back", "rename", str(left.id), name,
                       timeout=_QUICK)
        found = self._require(name)
        if found.shut_down:
            raise errors.HypervisorError(
                f"Instance {name} was halted for its migration and can not be continued: 'xl' has"
                f" no command for it. 'gnt-instance reboot --type=hard {name}' starts it anew")
        self._unpause(found)

    # Changes while running -------------------------------------------------------------------

    def balloon(self, instance: objects.Instance, memory: int) -> None:
        """Change the memory of a guest; what it may have at most first, when that is less."""
        name = instance.name
        found = self._require(name)
        text = files.read(name)
        if memory > _setting(text, "maxmem"):
            xl.require(f"Raising the most memory that instance {name} may have to {memory} MiB",
                       "mem-max", str(found.id), str(memory), timeout=_QUICK)
            text = _set(text, "maxmem", memory)
        xl.require(f"Changing the memory of instance {name} to {memory} MiB", "mem-set",
                   str(found.id), str(memory), timeout=_QUICK)
        files.write(name, _set(text, "memory", memory))


def _info(found: Domain) -> InstanceInfo | None:
    """A domain as the master knows it; None for one that crashed and is only kept."""
    if found.powered_off:
        return InstanceInfo(found.name, found.id, found.memory, found.vcpus, USER_SHUTDOWN,
                            found.time)
    if found.ended:
        return None
    return InstanceInfo(found.name, found.id, found.memory, found.vcpus, RUNNING, found.time)


def _setting(text: str, key: str) -> int:
    """A number of a configuration; 0 when it is not in it."""
    found = re.search(rf"^{key}\s*=\s*'?(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _set(text: str, key: str, value: int) -> str:
    """The configuration with another number."""
    return re.sub(rf"^{key}\s*=.*$", f"{key} = {value}", text, flags=re.MULTILINE)
