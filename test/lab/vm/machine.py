"""One node of the lab: a QEMU process, its disks, its power switch, its ssh.

A new node starts from the saved state of a machine that has booted (`template`), which takes
seconds; one whose power was pulled boots from its own disk.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import time

from test.lab.vm import image
from test.lab.vm.errors import LabError
from test.lab.vm.network import Network
from test.lab.vm.qmp import Monitor

#: Sparse files; a cluster wants volume groups of 20 GiB
DATA_MIB = 24 * 1024
SPARE_MIB = 512
BOOT_TIMEOUT = 300
_LINUX = ("quiet root=/dev/vda panic=1 net.ifnames=0 mitigations=off nokaslr tsc=nowatchdog "
          "random.trust_bootloader=on")
_XEN = ("dom0_mem={dom0}M console=com1 com1=115200 loglvl=warning guest_loglvl=warning "
        "spec-ctrl=no xpti=no bti=no pv-l1tf=no smt=1 cpufreq=none watchdog=0")
#: A state can only be loaded by a machine that is made in the same way.
_HARDWARE = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]


class CommandFailed(AssertionError):
    """A command that should succeed did not; the text holds what it printed."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """What the machines of a lab are like; each kind has its own saved state."""

    memory: int = 512
    xen: bool = False
    dom0_memory: int = 640

    @property
    def name(self) -> str:
        return f"{self.memory}-xen-{self.dom0_memory}" if self.xen else str(self.memory)


class Machine:
    """Node `number` of a lab, with its files below `directory`."""

    def __init__(self, number: int, directory: pathlib.Path, network: Network, kind: Kind,
                 count: int, checkout_disk: pathlib.Path) -> None:
        self.number = number
        self.name = f"node{number}"
        self.address = network.address(number)
        self.directory = directory
        self._network = network
        self._kind = kind
        self._count = count
        self._checkout_disk = checkout_disk
        self._image = image.image()

    # power

    def start(self) -> None:
        """Switch it on and wait until ssh answers; a machine that is on is left alone."""
        if self.alive():
            return
        self.directory.mkdir(exist_ok=True)
        new = not (self.directory / "root.qcow2").exists()
        if new:
            self._make_disks()
            state = self._template_file("state")
            self._launch("-incoming", f"exec:cat {shlex.quote(str(state))}")
            self._become()
        else:
            self._launch()
            self._wait_for_console("NODE-UP")
        self._wait_for_ssh()

    def kill(self) -> None:
        """Pull the plug: what was not written to disk is lost, like on a real machine."""
        pid = self._pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + 30
            while _runs(pid):
                if time.monotonic() > deadline:
                    raise LabError(f"QEMU of {self.name} (process {pid}) does not die")
                time.sleep(0.02)
        self._drop_ssh()
        for name in ("pid", "qmp", "serial"):
            (self.directory / name).unlink(missing_ok=True)

    def alive(self) -> bool:
        return self._pid() is not None

    def discard(self) -> None:
        """Pull the plug and throw the disks away."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    # using it

    def ssh(self, *command: str) -> list[str]:
        """argv that runs a shell command on the node, or without one a login shell."""
        return [*self._network.from_master(), "ssh", "-q", "-F", "none",
                "-i", str(self._image / "id"), "-o", "IdentitiesOnly=yes",
                "-o", "ConnectTimeout=60", "-o", "ServerAliveInterval=30",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "ControlMaster=auto", "-o", "ControlPersist=3600",
                "-o", f"ControlPath={self.directory}/ssh", f"root@{self.address}", *command]

    def try_run(self, command: str, timeout: float = 300,
                stdin: str | bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Type a shell command on the node, whatever comes of it."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        # ssh's master process goes on and would keep pipes open: only its stderr is ours to close
        result = subprocess.run(self.ssh(command), capture_output=True, check=False,
                                timeout=timeout, input=b"" if data is None else data)
        return subprocess.CompletedProcess(
            command, result.returncode, result.stdout.decode(errors="replace"),
            result.stderr.decode(errors="replace"))

    def run(self, command: str, timeout: float = 300, stdin: str | bytes | None = None) -> str:
        """Type a shell command that must succeed; returns its standard output."""
        result = self.try_run(command, timeout, stdin)
        if result.returncode:
            raise CommandFailed(f"{self.name}# {command}\nexit {result.returncode}\n"
                                f"{result.stdout}{result.stderr}")
        return result.stdout

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        """Put a file on the node."""
        quoted = shlex.quote(path)
        self.run(f"cat >{quoted} && chmod {mode:o} {quoted}", stdin=content)

    def read(self, path: str) -> str:
        return self.run(f"cat {shlex.quote(path)}")

    def monitor(self) -> Monitor:
        """QEMU's monitor of the machine (to plug disks in, to freeze it)."""
        return Monitor(self.directory / "qmp")

    # parts

    def _pid(self) -> int | None:
        try:
            pid = int((self.directory / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _runs(pid) else None

    def _drop_ssh(self) -> None:
        if (self.directory / "ssh").exists():
            subprocess.run([*self.ssh(), "-O", "exit"], capture_output=True, check=False)
            (self.directory / "ssh").unlink(missing_ok=True)

    def _template_file(self, part: str) -> pathlib.Path:
        return self._image / f"template-{self._kind.name}-{_HARDWARE}.{part}"

    def _make_disks(self, base: str = "") -> None:
        base = base or f"-F qcow2 -b {self._template_file('qcow2')}"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *base.split(),
                        str(self.directory / "root.qcow2")], check=True)
        for name, size in (("data", DATA_MIB), ("spare", SPARE_MIB)):
            with open(self.directory / f"{name}.img", "wb") as file:
                file.truncate(size << 20)

    def _identity(self) -> str:
        return f"{self.number},{self._network.cluster.prefix},{self._count}"

    def _kernel(self) -> list[str]:
        lab = self._image
        linux = f"{_LINUX} node={self._identity()}"
        if not self._kind.xen:
            return ["-kernel", f"{lab}/vmlinuz", "-initrd", f"{lab}/initrd.gz",
                    "-append", f"console=ttyS0 {linux}"]
        # the hypervisor is the multiboot kernel; Linux and its initrd are its modules, whose
        # list is separated by commas (doubled inside an argument)
        module = f"{lab}/vmlinuz console=hvc0 {linux.replace(',', ',,')}"
        return ["-kernel", f"{lab}/xen", "-initrd", f"{module},{lab}/initrd.gz",
                "-append", _XEN.format(dom0=self._kind.dom0_memory)]

    def _launch(self, *more: str) -> None:
        here = self.directory
        tap = self._network.plug(self.number)
        for name in ("pid", "qmp", "serial", "serial.log"):
            (here / name).unlink(missing_ok=True)
        cpu = "qemu64,+svm,+npt" if self._kind.xen else "qemu64"
        argv = [
            *self._network.inside(), "qemu-system-x86_64", "-name", f"lab-{self.name}",
            "-accel", "tcg,thread=multi,tb-size=256", "-cpu", cpu, "-machine", "pc",
            "-m", str(self._kind.memory), "-smp", "1", "-nodefaults", "-display", "none",
            "-daemonize", "-pidfile", f"{here}/pid", *self._kernel(),
            "-drive", f"file={here}/root.qcow2,if=virtio,format=qcow2,cache=unsafe",
            "-drive", f"file={here}/data.img,if=virtio,format=raw,cache=unsafe,discard=unmap",
            "-drive", f"file={self._checkout_disk},if=virtio,format=raw,readonly=on",
            "-drive", f"file={here}/spare.img,if=virtio,format=raw,cache=unsafe,discard=unmap",
            "-netdev", f"tap,id=n0,ifname={tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=n0,mac=52:54:00:77:00:{self.number:02x},romfile=",
            "-device", "virtio-rng-pci",
            "-chardev", f"socket,id=s0,path={here}/serial,server=on,wait=off,"
                        f"logfile={here}/serial.log",
            "-serial", "chardev:s0", "-qmp", f"unix:{here}/qmp,server=on,wait=off", *more]
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        if result.returncode:
            raise LabError(f"QEMU of {self.name} did not start: {result.stderr.strip()}")

    def _console_text(self) -> str:
        log = self.directory / "serial.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _wait_for_console(self, text: str) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT
        while text not in self._console_text():
            if time.monotonic() > deadline or not self.alive():
                raise LabError(f"{self.name} did not come up; its console's last words: "
                               f"{self._console_text()[-500:]!r}")
            time.sleep(0.1)

    def _become(self) -> None:
        """Wait until the state is loaded (what is typed earlier is lost), then say who it is."""
        deadline = time.monotonic() + BOOT_TIMEOUT
        with self.monitor() as monitor:
            while monitor.command("query-status")["status"] != "running":
                if time.monotonic() > deadline:
                    raise LabError(f"The saved state of {self.name} did not load; if QEMU was "
                                   f"upgraded, remove {self._image}")
                time.sleep(0.05)
        line = f"\nlab-setnode {self._identity()},{time.time():.0f}; echo NODE-SE''T\n"
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(str(self.directory / "serial"))
            console.sendall(line.encode())
            self._wait_for_console("NODE-SET")

    def _wait_for_ssh(self) -> None:
        deadline = time.monotonic() + BOOT_TIMEOUT
        while self.try_run("true").returncode:
            if time.monotonic() > deadline:
                raise LabError(f"{self.name} is up but its sshd does not answer")
            time.sleep(0.2)

    # the saved state

    def has_template(self) -> bool:
        return self._template_file("state").exists()

    def make_template(self) -> None:
        """Boot this machine (number 0) once and save its state for all of its kind."""
        for old in self._image.glob(f"template-{self._kind.name}-*"):
            old.unlink()
        self.directory.mkdir(exist_ok=True)
        self._make_disks(f"-F raw -b {self._image}/root.img")
        self._launch()
        self._wait_for_console("NODE-UP")
        time.sleep(1)  # until the console's shell waits for input
        scratch = self._template_file("saving")
        with self.monitor() as monitor:
            monitor.command("migrate-set-parameters", **{"max-bandwidth": 2 << 30})
            monitor.command("migrate", uri=f"exec:cat >{shlex.quote(str(scratch))}")
            while True:
                status = monitor.command("query-migrate").get("status")
                if status == "completed":
                    break
                if status == "failed":
                    raise LabError("The state of the node could not be saved")
                time.sleep(0.05)
        self.kill()
        shutil.move(self.directory / "root.qcow2", self._template_file("qcow2"))
        scratch.rename(self._template_file("state"))
        self.discard()


def _runs(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
