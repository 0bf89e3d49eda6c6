"""The configuration file of a container."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import errors, objects
from ganeti.hypervisor.lxc import limits
from ganeti.hypervisor.lxc.cgroup import Tree
from ganeti.hypervisor.lxc.disks import Further
from ganeti.hypervisor.lxc.limits import Setting
from ganeti.hypervisor.lxc.paths import MONITOR, PAYLOAD, PIVOT, Files
from ganeti.utils import text

#: LXC's own list of system calls that containers have no business with, where it is installed
_SECCOMP = "/usr/share/lxc/config/common.seccomp"
#: What is kept of the console's output, and once more of what came before
_CONSOLE_LOG_SIZE = "1MB"
_KEY = re.compile(r"lxc(\.[a-z0-9_-]+)+")
#: The driver would not find the container again if these were others
_OURS = ("lxc.rootfs.path", "lxc.cgroup.dir", "lxc.cgroup.relative", "lxc.hook.version")


def render(instance: objects.Instance, files: Files, tree: Tree, root_mount: str,
           further: Sequence[Further], nics: Sequence[Setting]) -> str:
    """The text of the file; lines of extra_config come last and so override others."""
    hvp = instance.hvparams
    lines: list[Setting] = [
        ("lxc.uts.name", instance.name),
        ("lxc.hook.version", "1"),
        ("lxc.rootfs.path", f"dir:{files.rootfs}"),
        ("lxc.hook.pre-mount", root_mount),
        ("lxc.mount.auto", "proc:mixed sys:mixed cgroup:mixed"),
        *(("lxc.mount.entry", disk.entry) for disk in further),
        ("lxc.tty.max", str(hvp["num_ttys"])),
        ("lxc.console.logfile", files.console_log),
        ("lxc.console.size", _CONSOLE_LOG_SIZE),
        ("lxc.console.rotate", "1"),
        ("lxc.cgroup.dir.container", files.group(PAYLOAD)),
        ("lxc.cgroup.dir.monitor", files.group(MONITOR)),
        ("lxc.cgroup.dir.monitor.pivot", files.group(PIVOT)),
        *limits.settings(hvp, instance.beparams, tree, [disk.rule for disk in further]),
        *_capabilities(hvp["drop_capabilities"]),
        *([("lxc.seccomp.profile", _SECCOMP)] if os.path.exists(_SECCOMP) else []),
        *nics,
        *extra(hvp["extra_config"]),
    ]
    return "".join(f"{key} = {value}\n" for key, value in lines)


def capabilities(value: str) -> list[str]:
    """Names in the parameter drop_capabilities."""
    return [word.strip() for word in value.split(",") if word.strip()]


def _capabilities(value: str) -> list[Setting]:
    names = capabilities(value)
    return [("lxc.cap.drop", " ".join(names))] if names else []


def extra(value: str) -> list[Setting]:
    """Entries of extra_config, KEY=VALUE joined by commas; a backslash before a comma keeps it."""
    found: list[Setting] = []
    for entry in text.unescape_and_split(value):
        if not entry.strip():
            continue
        key, equals, rest = (part.strip() for part in entry.partition("="))
        if not equals or not _KEY.fullmatch(key):
            raise errors.OpPrereqError(
                f"extra_config: '{entry.strip()}' is not of the form lxc.KEY=VALUE (entries are"
                " joined by commas; write '\\,' for a comma in a value)", errors.ECODE_INVAL)
        if "\n" in rest:
            raise errors.OpPrereqError(
                f"extra_config: the value of {key} has more than one line", errors.ECODE_INVAL)
        if key.startswith(_OURS):
            raise errors.OpPrereqError(
                f"extra_config: {key} is set by Ganeti and can not be changed",
                errors.ECODE_INVAL)
        found.append((key, rest))
    return found


def check(hvparams: Mapping[str, Any]) -> None:
    """Refuse lists that LXC would not understand; OpPrereqError says which entry is wrong."""
    extra(hvparams["extra_config"])
    for names, words, form, example in (
            ("devices", limits.device_rules(hvparams["devices"]),
             r"[abc]( (\d+|\*):(\d+|\*) [rwm]{1,3})?", "c 1:3 rw"),
            ("drop_capabilities", capabilities(hvparams["drop_capabilities"]),
             r"[a-z][a-z0-9_]*", "sys_module"),
            ("extra_cgroups", limits.extra_controllers(hvparams),
             r"[a-z][a-z0-9_]*", "net_cls")):
        for word in words:
            if not re.fullmatch(form, word):
                raise errors.OpPrereqError(
                    f"{names}: '{word}' is no entry such as '{example}' (entries are joined by"
                    " commas)", errors.ECODE_INVAL)
