"""One mirrored disk on this node: a DRBD minor over a data and a meta volume.

Nothing here decides between two copies: DRBD's own generations do, and where they can not, the
connection stays down until an administrator says which copy is to be given up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from ganeti import constants, errors, objects
from ganeti.storage.base import BlockDev
from ganeti.storage.drbd import dialect, generations, kernel, show, status
from ganeti.storage.mirror import Copy, MirrorDev
from ganeti.utils import process, retry

MAJOR = 147
SECTOR = 512
MIB = 1024 * 1024

#: How long a node looks for its peer before it goes on alone, in seconds
PEER_PATIENCE = 2.0
#: How long states that pass by themselves, and programs that hold the device open, may take
PATIENCE = 15.0
#: How long both sides may take to agree on a new size
RESIZE_PATIENCE = 60.0
_DELAY = 0.1


class DrbdDevice(MirrorDev):
    """A minor; its logical id is [node, node, port, minor, minor, secret]."""

    def __init__(self, disk: objects.Disk, children: Sequence[BlockDev] = ()) -> None:
        super().__init__(disk, children)
        if len(disk.logical_id) != 6 or len(children) not in (0, 2):
            raise errors.BlockDeviceError(
                f"Wrong description of a mirrored disk: {list(disk.logical_id)[:5]},"
                f" {len(children)} volumes")
        here = disk.dynamic_params or {}
        if "local-minor" not in here:
            raise errors.BlockDeviceError(
                f"Disk {disk.iv_name or disk.uuid} is not mirrored on this node")
        port, self._secret = disk.logical_id[2], disk.logical_id[5]
        node_id = here["local-node-id"]
        self.ends = dialect.Ends(
            minor=here["local-minor"], node_id=node_id, peer_id=1 - node_id,
            local=None if port is None else dialect.endpoint(here["local-ip"], port),
            remote=None if port is None else dialect.endpoint(here["remote-ip"], port))
        self.major, self.minor = MAJOR, self.ends.minor
        for child, name in zip(self.children, ("data-stripes", "meta-stripes"), strict=False):
            child.params = {**child.params, "stripes": self.params[name]}

    @property
    def path(self) -> str:
        return f"/dev/drbd{self.ends.minor}"

    # What DRBD tells.

    def state(self) -> status.Mirror | None:
        """What the kernel says of the minor; None when it is not configured."""
        return kernel.mirrors().get(self.ends.minor)

    def require_state(self) -> status.Mirror:
        found = self.state()
        if found is None:
            raise errors.BlockDeviceError(
                f"Disk {self.disk.iv_name or self.disk.uuid} is not active on this node (DRBD"
                f" minor {self.ends.minor}); 'gnt-instance activate-disks' activates it")
        return found

    def shown(self) -> show.Configured:
        """How the resource is configured now."""
        result = kernel.run(self.dialect.show(self.ends))
        return show.configured("" if result.failed else result.stdout)

    @property
    def dialect(self) -> dialect.Dialect:
        """The language of this node's module."""
        return dialect.of_version(kernel.major_version())

    def attach(self) -> bool:
        if not kernel.loaded():
            self.why_not = "DRBD is not loaded"
        self.attached = kernel.loaded() and self.state() is not None
        return self.attached

    def present(self) -> bool:
        return (bool(self.children) and all(child.attach() for child in self.children)) \
            or self.attach()

    def _volumes(self) -> tuple[BlockDev, BlockDev]:
        """Data and meta volume, which have to be here."""
        if not self.children:
            raise errors.BlockDeviceError(f"{self.path} has no volumes on this node")
        data, meta = self.children
        data.require_attached()
        meta.require_attached()
        return data, meta

    # Life.

    def create(self, size: int, *, spindles: int | None = None, exclusive: bool = False) -> None:
        """Write fresh meta data; the volumes exist already."""
        if exclusive:
            raise errors.BlockDeviceError(
                "Mirrored disks can not be made on nodes with exclusive storage")
        if self.attach():
            raise errors.BlockDeviceError(
                f"DRBD minor {self.ends.minor} is in use already; 'gnt-cluster verify' tells by"
                " whom")
        _data, meta = self._volumes()
        kernel.call(self.dialect.create_meta(self.ends.minor, meta.path),
                    f"write the meta data of {self.path}")

    def assemble(self) -> None:
        """Configure the minor, or what is missing of it, and set all its parameters."""
        state = self.state()
        shown = self.shown() if state is not None else show.Configured()
        if state is not None and self._is_foreign(shown):
            logging.warning("%s is over %s, not over the instance's volume; taking it down",
                            self.path, shown.data)
            self.shutdown()
            state, shown = None, show.Configured()
        if state is None:
            self._make_minor()
        if state is None or state.diskless:
            self.attach_volumes()
        else:
            kernel.call(self.dialect.disk_options(self.ends.minor, self.params),
                        f"set the options of {self.path}")
        self.connect(shown)
        self.attached = True

    def _is_foreign(self, shown: show.Configured) -> bool:
        """Whether the minor lies over another volume than the one that it should."""
        return bool(self.children and shown.data and shown.data != self.children[0].path)

    def _make_minor(self) -> None:
        language = self.dialect
        for argv in (language.new_resource(self.ends), language.new_minor(self.ends)):
            kernel.call(argv, f"make {self.path}")

    def attach_volumes(self) -> None:
        """Put the local copy below the minor."""
        data, meta = self._volumes()
        language, minor = self.dialect, self.ends.minor
        kernel.call(language.apply_log(minor, meta.path), f"check the meta data of {self.path}")
        kernel.call(language.attach(minor, data.path, meta.path, self.disk.size, self.params),
                    f"attach {data.path} to {self.path}")

    def connect(self, shown: show.Configured, *, two_primaries: bool = False,
                discard: bool = False) -> None:
        """Have the connection that the disk's description tells, whatever is there now."""
        language, ends = self.dialect, self.ends
        stale = shown.local and (shown.local, shown.remote) != (ends.local, ends.remote)
        if stale and shown.local and shown.remote:
            self._disconnect(shown.local, shown.remote)
        if ends.remote is None:
            return
        if shown.remote is None or stale:
            options = dialect.connection_options(
                self.params, self._secret, two_primaries=two_primaries)
            for argv in language.forget_peer(ends) if shown.idle_peer or stale else ():
                kernel.call(argv, f"forget the old connection of {self.path}")
            for argv in language.connect(ends, options, discard=discard):
                kernel.call(argv, f"connect {self.path} to {ends.remote}", secret=True)
        else:
            kernel.call(language.change_net(ends, dialect.net_options(self.params)),
                        f"set the options of the connection of {self.path}")
        for argv in language.sync(ends, self.params):
            kernel.call(argv, f"set the speed of {self.path}")

    def _disconnect(self, local: str, remote: str) -> None:
        for argv in self.dialect.disconnect(self.ends, local, remote):
            kernel.call(argv, f"disconnect {self.path}")

    def shutdown(self) -> None:
        self._insist(lambda: kernel.run(self.dialect.down(self.ends)), "take down")
        self.attached = False

    def remove(self) -> None:
        if self.attach():
            self.shutdown()

    # Roles.

    def open(self, *, force: bool = False, exclusive: bool = True) -> None:
        """Become primary; `force` declares this copy the good one, for new disks only."""
        state = self.require_state()
        if state.primary:
            return
        if not force:
            state = self.settle(PEER_PATIENCE)
            self._require_peer_where_two_may_write(state)
        self._insist(lambda: kernel.run(self.dialect.primary(self.ends, force=force)),
                     "make primary")

    def _require_peer_where_two_may_write(self, state: status.Mirror) -> None:
        """While a guest migrates, both sides write only as long as they see each other."""
        if not state.connected and not state.resyncing and self.shown().two_primaries:
            raise errors.BlockDeviceError(
                f"{self.path} has lost its peer while two nodes may write; becoming primary now"
                " could split the data")

    def close(self) -> None:
        if self.require_state().primary:
            self._insist(lambda: kernel.run(self.dialect.secondary(self.ends)), "make secondary")

    def settle(self, peer_patience: float) -> status.Mirror:
        """Wait while the state passes by itself; a peer that is not there is soon given up."""
        def waits_for_peer() -> bool:
            return self.require_state().connection == status.WAITING

        retry.wait_until(lambda: not waits_for_peer(), peer_patience, _DELAY)
        retry.wait_until(lambda: not self.require_state().passing, PATIENCE, _DELAY)
        return self.require_state()

    def _insist(self, action: Any, what: str) -> None:
        """Try again while a program looks at the device or its state passes by itself."""
        def attempt() -> None:
            result: process.Result = action()
            if result.failed:
                raise retry.RetryAgain(" ".join(result.output.split()))

        try:
            retry.retry(attempt, _DELAY, PATIENCE if self._may_change() else 0.0, factor=1.5,
                        max_delay=1.0)
        except retry.RetryTimeout as err:
            raise errors.BlockDeviceError(f"Can not {what} {self.path}: {err}") from err

    def _may_change(self) -> bool:
        """Whether waiting can help: the minor is there."""
        return self.state() is not None

    # Changing the connection and the local copy.

    def attach_net(self, two_primaries: bool) -> None:
        """Be connected, with or without a second primary; live where it is connected already."""
        self.require_state()
        shown = self.shown()
        self.connect(shown, two_primaries=two_primaries)
        if shown.remote == self.ends.remote and shown.two_primaries != two_primaries:
            word = "yes" if two_primaries else "no"
            kernel.call(self.dialect.change_net(self.ends, [f"--allow-two-primaries={word}"]),
                        f"set the roles that {self.path} allows")

    def disconnect_net(self) -> None:
        """Stop looking for the peer."""
        self.require_state()
        shown = self.shown()
        if shown.local and shown.remote:
            self._disconnect(shown.local, shown.remote)

    def discard_and_connect(self) -> None:
        """Give up what this copy has changed since the split, and take the peer's data."""
        if self.require_state().primary:
            raise errors.BlockDeviceError(
                f"{self.path} is in use on this node, its data can not be given up here")
        self.disconnect_net()
        self.connect(self.shown(), discard=True)

    def remove_children(self) -> None:
        """Let go of the local copy; reads and writes go to the peer."""
        if not self.require_state().diskless:
            kernel.call(self.dialect.detach(self.ends.minor), f"detach {self.path}")

    def add_children(self, children: Sequence[BlockDev]) -> None:
        """Take new volumes as the local copy, to be filled by the peer."""
        if not self.require_state().diskless:
            raise errors.BlockDeviceError(f"{self.path} has its volumes already")
        self.children = list(children)
        _data, meta = self._volumes()
        kernel.call(self.dialect.create_meta(self.ends.minor, meta.path),
                    f"write the meta data of {self.path}")
        self.attach_volumes()
        for argv in self.dialect.sync(self.ends, self.params):
            kernel.call(argv, f"set the speed of {self.path}")

    def pause_sync(self, pause: bool) -> None:
        self.require_state()
        kernel.call(self.dialect.pause(self.ends, pause),
                    f"{'pause' if pause else 'resume'} the synchronisation of {self.path}")

    def grow(self, amount: int, *, dry_run: bool = False, backing_store: bool = True,
             exclusive: bool = False) -> None:
        """The volumes of both nodes grow first, then the primary tells the mirror."""
        data, _meta = self._volumes()
        data.grow(amount, dry_run=dry_run, backing_store=backing_store, exclusive=exclusive)
        if dry_run or backing_store:
            return
        wanted = self.disk.size + amount
        self.require_state()
        kernel.call(self.dialect.resize(self.ends.minor, wanted), f"resize {self.path}")
        if not retry.wait_until(lambda: self.actual_size() >= wanted * MIB, RESIZE_PATIENCE,
                                _DELAY):
            raise errors.BlockDeviceError(
                f"{self.path} did not become {wanted} MiB large; it has"
                f" {self.actual_size() // MIB} MiB")

    def snapshot(self, name: str | None, size: int | None) -> list[Any]:
        data, _meta = self._volumes()
        return data.snapshot(name, size)

    def set_info(self, text: str) -> None:
        for child in self.children:
            if child.attached or child.attach():
                child.set_info(text)

    # Looking.

    def actual_size(self) -> int:
        path = f"/sys/block/drbd{self.ends.minor}/size"
        try:
            with open(path, encoding="ascii") as fobj:
                return int(fobj.read()) * SECTOR
        except (OSError, ValueError) as err:
            raise errors.BlockDeviceError(f"Can not tell the size of {self.path}: {err}") from err

    def sync_status(self) -> dict[str, Any]:
        state = self.require_state()
        if state.up_to_date:
            local = constants.LDS_OKAY
        else:
            local = constants.LDS_SYNC if state.resyncing else constants.LDS_FAULTY
        return {
            "dev_path": self.path,
            "major": self.major,
            "minor": self.minor,
            "sync_percent": state.percent,
            "estimated_time": state.estimated,
            "is_degraded": not (state.connected and state.up_to_date),
            "ldisk_status": local,
        }

    def in_step(self, patience: float) -> tuple[bool, float]:
        state = self.settle(patience)
        if not state.connected and not state.resyncing:
            raise errors.BlockDeviceError(
                f"{self.path} is not connected to its peer (DRBD says {state.connection});"
                " 'gnt-instance repair-disks' tells how both copies stand")
        return not state.resyncing, 100.0 if state.percent is None else state.percent

    def needs_activation(self) -> bool:
        if not self.attach():
            return True
        state = self.require_state()
        return state.standalone or state.diskless

    def copy(self) -> Copy:
        """Works for a disk that is not active, too: then its meta data is read."""
        state, language = self.state(), self.dialect
        if state is not None and not state.diskless:
            argv = language.generation(self.ends)
        else:
            _data, meta = self._volumes()
            argv = language.stored_generation(self.ends, meta.path)
        text = kernel.call(argv, f"read the generation of {self.path}").strip()
        generations.parse(text)
        if state is None:
            return Copy(text, status.UNCONFIGURED, status.UNKNOWN, status.UNKNOWN, 0)
        return Copy(text, state.connection, state.role, state.disk, state.out_of_sync)
