"""lvmstrap: shows this node's disks, and makes a volume group of those that are unused.

A disk that anything is on or that anything uses is never touched, not even when it is named.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import re
import sys
from collections.abc import Iterator, Sequence

from ganeti import constants, errors, undo
from ganeti.storage import lvm
from ganeti.utils import process, text

SECTOR = 512
#: What the kernel lists as a disk and is none: memory, files, network, other devices' layers
_NO_DISKS = re.compile(r"(loop|ram|zram|fd|sr|nbd|drbd|rbd|dm-)\d+")
#: Partition type "Linux LVM" of GPT, for sfdisk
_LVM_TYPE = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
_LABEL_TIMEOUT = 30


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk of this node; `used` tells everything that speaks against taking it."""

    name: str
    size: int
    removable: bool
    used: tuple[str, ...]

    @property
    def device(self) -> str:
        return f"/dev/{self.name.replace('!', '/')}"


def survey(sysfs: str = "/sys/block", proc: str = "/proc") -> list[Disk]:
    """Every disk of this node that has a medium."""
    in_volume_groups = {os.path.realpath(pv.name): pv.vg_name for pv in lvm.physical_volumes()}
    mounted = _mounted(pathlib.Path(proc))
    swaps = {os.path.realpath(line.split()[0])
             for line in pathlib.Path(proc, "swaps").read_text().splitlines()[1:]}
    found = []
    for entry in sorted(pathlib.Path(sysfs).iterdir()):
        sectors = int(_word(entry, "size") or 0)
        if sectors and not _NO_DISKS.fullmatch(entry.name):
            found.append(Disk(
                entry.name, sectors * SECTOR // (1024 * 1024), _word(entry, "removable") == "1",
                tuple(_uses(entry, in_volume_groups, mounted, swaps))))
    return found


def _word(entry: pathlib.Path, name: str) -> str:
    file = entry / name
    return file.read_text().strip() if file.exists() else ""


def _mounted(proc: pathlib.Path) -> dict[str, str]:
    """Device number -> where it is mounted."""
    lines = (line.split() for line in (proc / "self/mountinfo").read_text().splitlines())
    return {words[2]: words[4] for words in lines}


def _uses(entry: pathlib.Path, in_volume_groups: dict[str, str], mounted: dict[str, str],
          swaps: set[str]) -> Iterator[str]:
    if _word(entry, "ro") == "1":
        yield "read-only"
    partitions = [child for child in sorted(entry.iterdir()) if (child / "partition").exists()]
    for part in [entry, *partitions]:
        device = f"/dev/{part.name.replace('!', '/')}"
        if device in in_volume_groups:
            yield f"{device} is in volume group {in_volume_groups[device] or '(none)'}"
        if _word(part, "dev") in mounted:
            yield f"{device} is mounted on {mounted[_word(part, 'dev')]}"
        if device in swaps:
            yield f"{device} is swap space"
        holders = sorted(os.listdir(part / "holders")) if (part / "holders").is_dir() else []
        if holders:
            yield f"{device} is used by {', '.join(holders)}"
    if partitions:
        yield f"it has {len(partitions)} partition{'s' if len(partitions) > 1 else ''}"


def contents(device: str) -> list[str]:
    """What can be told only from the device itself: data on it, somebody who has it open."""
    try:
        os.close(os.open(device, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as err:
        return [f"{device} can not be taken: {err.strerror}"]
    result = process.run(["blkid", "-p", "-o", "export", device])
    if result.exit_code not in (0, 2):
        raise errors.StorageError(f"blkid can not look at {device}: {result.fail_reason}")
    values = dict(line.partition("=")[::2] for line in result.stdout.splitlines())
    kinds = [values[key] for key in ("TYPE", "PTTYPE") if key in values]
    return [f"it holds {' and '.join(kinds)}"] if kinds else []


def inspected(allow_removable: bool) -> list[Disk]:
    """The survey with all that keeps a disk from being used."""
    disks = []
    for disk in survey():
        used = list(disk.used)
        if disk.removable and not allow_removable:
            used.append("removable (--allow-removable)")
        if not used:
            used += contents(disk.device)
        disks.append(dataclasses.replace(disk, used=tuple(used)))
    return disks


def show(disks: Sequence[Disk], verbose: bool) -> None:
    """A line a disk; without `verbose` the first reason is enough."""
    print(f"{'Name':<10} {'Size':>8} {'Used':<4} Info")
    for disk in disks:
        reasons = disk.used if verbose else disk.used[:1]
        print(f"{disk.name:<10} {text.format_unit(disk.size, 'h'):>8}"
              f" {'yes' if disk.used else 'no':<4} {'; '.join(reasons) or '-'}".rstrip())


def chosen(disks: Sequence[Disk], names: Sequence[str] | None) -> list[Disk]:
    """The named disks, or all unused ones; a used disk that is named is refused."""
    if names is None:
        free = [disk for disk in disks if not disk.used]
        if not free:
            raise errors.OpPrereqError(
                "There is no unused disk here; 'lvmstrap -v diskinfo' tells why",
                errors.ECODE_NORES)
        return free
    known = {disk.name: disk for disk in disks}
    wanted = [name.removeprefix("/dev/").replace("/", "!") for name in names]
    for name in wanted:
        if name not in known:
            raise errors.OpPrereqError(
                f"There is no disk '{name}'; here are {', '.join(known)}", errors.ECODE_NOENT)
        if known[name].used:
            raise errors.OpPrereqError(
                f"Disk {name} is not free: {'; '.join(known[name].used)}", errors.ECODE_STATE)
    return [known[name] for name in dict.fromkeys(wanted)]


def create(disks: Sequence[Disk], vg_name: str, use_sfdisk: bool, steps: undo.Undo) -> None:
    """Make one partition on each disk, and a volume group of them."""
    parts = []
    for disk in disks:
        steps.push(f"take the partition table off {disk.device}", _run,
                   ["wipefs", "-a", "-q", disk.device])
        part = _partition(disk, use_sfdisk)
        steps.push(f"wipe {part}", _run, ["wipefs", "-a", "-q", part])
        _run(["pvcreate", "-q", "-y", part])
        parts.append(part)
    _run(["vgcreate", "-q", vg_name, *parts])


def _partition(disk: Disk, use_sfdisk: bool) -> str:
    """Make one partition for LVM on a blank disk; its device."""
    if use_sfdisk:
        _run(["sfdisk", "-q", disk.device], f"label: gpt\ntype={_LVM_TYPE}\n")
    else:
        _run(["parted", "-s", "-a", "optimal", disk.device, "mklabel", "gpt", "mkpart", "lvm",
              "1MiB", "100%", "set", "1", "lvm", "on"])
    _run(["udevadm", "settle", f"--timeout={_LABEL_TIMEOUT}"])
    part = f"{disk.device}{'p' if disk.name[-1].isdigit() else ''}1"
    if not os.path.exists(part):
        raise errors.StorageError(f"The kernel does not show the new partition {part}")
    return part


def _run(argv: list[str], given: str | None = None) -> None:
    process.run(argv, input=given).require_success(" ".join(argv[:3]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lvmstrap", allow_abbrev=False, description=__doc__)
    parser.add_argument("action", choices=["diskinfo", "create"],
                        help="show the disks; make a volume group of unused ones")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--alldisks", action="store_true", help="create: take all unused disks")
    which.add_argument("-d", "--disks", metavar="NAME,...", help="create: take these disks")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell all reasons and steps")
    parser.add_argument("-r", "--allow-removable", action="store_true",
                        help="count removable disks as usable")
    parser.add_argument("-g", "--vg-name", default=constants.DEFAULT_VG,
                        help="name of the volume group (%(default)s)")
    parser.add_argument("--use-sfdisk", action="store_true",
                        help="partition with sfdisk instead of parted")
    parser.add_argument("--version", action="version",
                        version=f"lvmstrap (ganeti) {constants.RELEASE_VERSION}")
    return parser


def _perform(options: argparse.Namespace) -> None:
    if options.action == "create" and not (options.alldisks or options.disks):
        raise errors.OpPrereqError("Name the disks with --disks, or take --alldisks",
                                   errors.ECODE_INVAL)
    if os.getuid() != 0:
        raise errors.OpPrereqError("Only root can look at disks", errors.ECODE_ENVIRON)
    disks = inspected(options.allow_removable)
    if options.action == "diskinfo":
        show(disks, options.verbose)
        return
    if options.vg_name in [vg.name for vg in lvm.volume_groups()]:
        raise errors.OpPrereqError(
            f"There is a volume group {options.vg_name} already; vgextend adds disks to it",
            errors.ECODE_EXISTS)
    taken = chosen(disks, options.disks.split(",") if options.disks else None)
    with undo.Undo(lambda line: print(line, file=sys.stderr)) as steps:
        create(taken, options.vg_name, options.use_sfdisk, steps)
        steps.forget()
    if options.verbose:
        print(f"Made {options.vg_name} of {', '.join(disk.device for disk in taken)}")
    print(f"Volume group {options.vg_name} has"
          f" {text.format_unit(sum(disk.size for disk in taken), 'h')}")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parser().parse_args(argv)
    try:
        _perform(options)
    except errors.GenericError as err:
        print(f"lvmstrap: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
