"""Where the driver keeps its files: the catalogue's tree below <run dir>/kvm-hypervisor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ganeti import errors, pathutils

#: sun_path of Linux holds 108 bytes, the last one is a NUL
_LONGEST_SOCKET_PATH = 107


def directory(name: str) -> str:
    return os.path.join(pathutils.KVM_DIR, name)


#: Sub-directories and their modes; sockets give control over guests, so only the owner enters
DIRECTORIES = (("pid", 0o755), ("uid", 0o755), ("ctrl", 0o700), ("conf", 0o700), ("nic", 0o755),
               ("chroot", 0o755), ("chroot-quarantine", 0o755))


def ensure_directories() -> None:
    """Make what is missing of the tree."""
    for path, mode in ((pathutils.KVM_DIR, 0o755), (pathutils.LOG_KVM_DIR, 0o750),
                       *((directory(name), mode) for name, mode in DIRECTORIES)):
        try:
            os.makedirs(path, exist_ok=True)
            if os.stat(path).st_mode & 0o777 != mode:
                os.chmod(path, mode)
        except OSError as err:
            raise errors.HypervisorError(f"Can not prepare directory {path}: {err}") from err


def instance_of_runtime(file_name: str) -> str | None:
    """The instance to which a file of conf/ belongs."""
    return file_name.removesuffix(".runtime") if file_name.endswith(".runtime") else None


@dataclass(frozen=True)
class Files:
    """The files of one guest."""

    name: str

    def _control(self, suffix: str) -> str:
        return os.path.join(directory("ctrl"), f"{self.name}.{suffix}")

    @property
    def pid(self) -> str:
        return os.path.join(directory("pid"), self.name)

    @property
    def uid(self) -> str:
        return os.path.join(directory("uid"), self.name)

    @property
    def runtime(self) -> str:
        return os.path.join(directory("conf"), f"{self.name}.runtime")

    @property
    def nics(self) -> str:
        return os.path.join(directory("nic"), self.name)

    @property
    def chroot(self) -> str:
        return os.path.join(directory("chroot"), self.name)

    @property
    def log(self) -> str:
        return os.path.join(pathutils.LOG_KVM_DIR, f"{self.name}.log")

    @property
    def tpm_log(self) -> str:
        return os.path.join(pathutils.LOG_KVM_DIR, f"{self.name}.swtpm.log")

    @property
    def monitor(self) -> str:
        return self._control("monitor")

    @property
    def qmp(self) -> str:
        return self._control("qmp")

    @property
    def guest_agent(self) -> str:
        return self._control("qga")

    @property
    def serial(self) -> str:
        return self._control("serial")

    @property
    def kvmd(self) -> str:
        return self._control("kvmd")

    @property
    def tpm(self) -> str:
        return self._control("swtpm")

    @property
    def tpm_pid(self) -> str:
        return self._control("swtpm-pid")

    @property
    def shutdown(self) -> str:
        return self._control("shutdown")

    @property
    def sockets(self) -> tuple[str, ...]:
        return (self.monitor, self.qmp, self.guest_agent, self.serial, self.kvmd, self.tpm)

    def check_sockets(self) -> None:
        """Refuse an instance whose sockets the kernel could not address."""
        longest = max(self.sockets, key=lambda path: len(os.fsencode(path)))
        length = len(os.fsencode(longest))
        if length > _LONGEST_SOCKET_PATH:
            raise errors.HypervisorError(
                f"The control socket {longest} would have a path of {length} bytes, the kernel"
                f" takes {_LONGEST_SOCKET_PATH}; use a shorter instance name, or a shorter root"
                " directory for the virtual cluster")
