"""Running `xl`, and what an administrator can do about its failures.

What its answers look like is in `parse`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ganeti import errors
from ganeti.utils import process

PROGRAM = "xl"
#: Seconds; `xl` waits for scripts, for other calls of itself, and for a kernel to be unpacked
TIMEOUT = 300
_SHOWN = 700
#: What a failure looks like -> what is wrong, and how it is mended
_HINTS = [
    (r"Could not obtain handle on privileged command interface|privcmd",
     "this node does not run under the Xen hypervisor, or the module xen-privcmd is missing: boot"
     " the Xen entry of the boot menu, or 'modprobe xen-privcmd'"),
    (r"cannot open libxl context|Is xen running|xs_open|xenstore.*(connect|socket)",
     "the tools can not reach Xen or xenstored: start Xen's services ('systemctl start xen'; of"
     " other distributions than Debian 'xencommons')"),
    (r"segment kernel too large", "the guest has too little memory for its kernel"),
    (r"failed to free memory|[Cc]annot allocate|can't allocate|Not enough memory|out of memory",
     "the node has too little free memory: look at 'xl info', and fix the memory of dom0 with"
     " dom0_mem on Xen's command line"),
    (r"hotplug|script.*(exited|killing|failed)|unable to add (disk|nic|vif)",
     "a script for disks or interfaces failed: look at /var/log/xen/xen-hotplug.log, and whether"
     " bridge and disk are there"),
    (r"logdirty|log dirty|shadow op",
     "this build of Xen can not track what a paravirtual guest writes, so it can not migrate live:"
     " 'gnt-instance migrate --non-live'"),
    (r"device model|qemu-system.*(No such file|not found)|device_model",
     "look at 'device_model' and at /var/log/xen/qemu-dm-*.log"),
    (r"[Ll]ocking failed|locked.*by another",
     "another 'xl' holds the lock for too long"),
    (r"Host key verification failed|Permission denied|Connection refused|Connection timed out",
     "the other node can not be reached by ssh: 'gnt-cluster verify' tests that"),
]
_NO_DOMAIN = re.compile(r"is an invalid domain identifier|Non-existant domain|no such domain",
                        re.IGNORECASE)


def run(*words: str, timeout: float = TIMEOUT) -> process.Result:
    """Run `xl`; HypervisorError when it is not there."""
    try:
        return process.run([PROGRAM, *words], timeout=timeout)
    except errors.ProcessError as err:
        raise errors.HypervisorError(
            f"{errors.text(err)}; install Xen's tools (of Debian the package 'xen-utils'), or take"
            " Xen out of the cluster with 'gnt-cluster modify --enabled-hypervisors'") from err


def require(what: str, *words: str, timeout: float = TIMEOUT) -> str:
    """What `xl` prints; HypervisorError that says `what` failed, why, and what to do."""
    result = run(*words, timeout=timeout)
    if result.failed:
        raise failure(what, result)
    return result.stdout


def failure(what: str, result: process.Result) -> errors.HypervisorError:
    """The error for a failed call."""
    return errors.HypervisorError(
        f"{what} failed: {explain(result.output) or result.fail_reason}")


def is_unknown_domain(result: process.Result) -> bool:
    """Whether a call failed because there is no such domain."""
    return result.failed and _NO_DOMAIN.search(result.output) is not None


def explain(output: str) -> str:
    """The lines that tell something, and a hint where one is known."""
    said = "; ".join(_telling(output.splitlines()))[-_SHOWN:]
    for pattern, hint in _HINTS:
        if re.search(pattern, output):
            return f"{said} ({hint})"
    return said


def _telling(lines: Sequence[str]) -> list[str]:
    """Errors without the library's file names and without what only follows from them."""
    noise = ("Parsing config", "xc: progress", "xc: info", "Saving to", "Loading new save file")
    follows = ("Unable to destroy guest", "Destruction of domain failed", "Non-existant domain")
    kept = [re.sub(r"^libxl: \w+: \S+?:\d+:\w+: ", "", line.strip()) for line in lines
            if line.strip() and not line.strip().startswith(noise)]
    telling = [line for line in kept if not line.endswith(follows)]
    return telling or kept
