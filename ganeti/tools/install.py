"""The part of `make install` after pip: commands on the PATH, scripts, units, cron, logrotate,
directories; and `make uninstall`, which removes what the list of an installation names.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

from ganeti import pathutils
from ganeti.tools import programs
from ganeti.utils import directories

#: File below daemons/ -> where it goes on the host.
FILES = {
    "ganeti.cron": "/etc/cron.d/ganeti",
    "ganeti.logrotate": "/etc/logrotate.d/ganeti",
    "ganeti.default": "/etc/default/ganeti",
}
UNIT_DIR = "/lib/systemd/system"
#: Scripts below daemons/ that go to the library directory as they are.
SCRIPTS = ("daemon-util", "kvm-nic-setup", "lxc-nic-setup", "vif-ganeti", "vif-ganeti-metad")
#: What such scripts read.
SOURCED = ("net-common",)
#: Former names of scripts that administrators' files may call.
OTHER_NAMES = {"kvm-ifdown": "kvm-nic-setup", "kvm-ifup": "kvm-nic-setup"}
MANIFEST = "installed-files"
#: These live only while the machine is up; the daemons make them.
_VOLATILE = ("/var/run/", "/var/lock", "/run/")


class Installation:
    """One installation: `stage` is DESTDIR, all other paths are as the host will see them."""

    def __init__(self, checkout: str, stage: str, prefix: str) -> None:
        self.checkout = pathlib.Path(checkout)
        self.stage = stage
        self.prefix = prefix
        self.library = f"{prefix}/lib/ganeti"
        #: path on the host -> digest of what was placed there, None for a link
        self.placed: dict[str, str | None] = {}

    def staged(self, path: str) -> pathlib.Path:
        return pathlib.Path(self.stage + path)

    def units(self) -> list[str]:
        return sorted(path.name for path in (self.checkout / "daemons/systemd").iterdir())

    # placing

    def install(self) -> None:
        self.placed = self._former()
        for name in sorted(programs.COMMANDS | programs.DAEMONS):
            self._link(f"{self.prefix}/sbin/{name}", f"{self.library}/env/bin/{name}")
        self._library()
        for name, target in FILES.items():
            self._configuration(target, self.checkout / "daemons" / name)
        for name in self.units():
            self._copy(f"{UNIT_DIR}/{name}", self.checkout / "daemons/systemd" / name, 0o644)
        self._definitions()
        self._directories()
        manifest = self.staged(f"{self.library}/{MANIFEST}")
        manifest.write_text(json.dumps(self.placed, indent=1, sort_keys=True) + "\n")

    def _library(self) -> None:
        """Programs and scripts below /usr/lib/ganeti."""
        for path in programs.LIBRARY:
            self._link(f"{self.library}/{path}",
                       f"{self.library}/env/bin/{programs.script_name(path)}")
        for name in SCRIPTS:
            self._copy(f"{self.library}/{name}", self.checkout / "daemons" / name, 0o755)
        for name in SOURCED:
            self._copy(f"{self.library}/{name}", self.checkout / "daemons" / name, 0o644)
        for name, target in OTHER_NAMES.items():
            self._link(f"{self.library}/{name}", target)
        network = self.checkout / "daemons/network"
        for script in sorted(network.rglob("*")):
            if script.is_file():
                self._copy(f"{self.library}/network/{script.relative_to(network)}", script, 0o755)
        for script in sorted((self.checkout / "tools").iterdir()):
            if script.is_file() and script.name not in programs.CHECKOUT_ONLY:
                self._copy(f"{self.library}/tools/{script.name}", script, 0o755)

    def _definitions(self) -> None:
        """The operating system definitions that come along, where definitions are looked for."""
        base = "/usr/share/ganeti/os" if self.prefix == "/usr" else f"{self.library}/os"
        source = self.checkout / "tools/os"
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self._copy(f"{base}/{path.relative_to(source)}", path,
                           0o755 if os.access(path, os.X_OK) else 0o644)

    def _directories(self) -> None:
        """Data, log and run directories; a stage gets only those that outlive a boot."""
        if not self.stage:
            directories.ensure_directories()
            return
        directories.ensure_directories(
            entry._replace(path=self.stage + entry.path)
            for entry in directories.node_directories()
            if not (entry.path + "/").startswith(_VOLATILE))

    def _link(self, path: str, target: str) -> None:
        link = self.staged(path)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        self.placed[path] = None

    def _copy(self, path: str, source: pathlib.Path, mode: int) -> None:
        target = self.staged(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        content = source.read_bytes()
        if self.prefix != "/usr":
            content = content.replace(b"/usr/lib/ganeti", self.library.encode()).replace(
                b"/usr/sbin/ganeti", f"{self.prefix}/sbin/ganeti".encode())
        target.write_bytes(content)
        target.chmod(mode)
        self.placed[path] = _digest(content)

    def _configuration(self, path: str, source: pathlib.Path) -> None:
        """A file below /etc: the administrator's own as soon as it was changed."""
        target = self.staged(path)
        if target.exists() and self.placed.get(path) != _digest(target.read_bytes()):
            print(f"{path} was changed on this machine and is left alone")
            return
        self._copy(path, source, 0o644)

    def _former(self) -> dict[str, str | None]:
        """What an earlier installation placed; what this one doesn't place any more goes now."""
        manifest = self.staged(f"{self.library}/{MANIFEST}")
        if not manifest.exists():
            return {}
        former: dict[str, str | None] = json.loads(manifest.read_text())
        for path in former:
            if not path.startswith("/etc/"):
                self.staged(path).unlink(missing_ok=True)
        return {path: digest for path, digest in former.items() if path.startswith("/etc/")}

    # removing

    def uninstall(self) -> None:
        """Remove what the installation placed; changed files below /etc and all data stay."""
        placed = self._former()
        for path, digest in placed.items():
            target = self.staged(path)
            if target.exists() and _digest(target.read_bytes()) == digest:
                target.unlink()
            elif target.exists():
                print(f"{path} was changed on this machine and is left alone")
        self.staged(f"{self.library}/{MANIFEST}").unlink(missing_ok=True)
        shutil.rmtree(self.staged(f"{self.library}/env"))
        for top in (self.library, "/usr/share/ganeti"):
            _remove_empty(self.staged(top))


def _systemctl(action: str, *units: str) -> None:
    """Have the units start at boot, or no more; nothing is started or stopped here."""
    if shutil.which("systemctl") is None:
        return
    if os.path.isdir("/run/systemd/system"):
        subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "--quiet", action, *units], check=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _remove_empty(top: pathlib.Path) -> None:
    """Remove a directory tree as far as it holds nothing (not an administrator's definitions)."""
    for directory, _, _ in os.walk(top, topdown=False):
        if not os.listdir(directory):
            os.rmdir(directory)


def main() -> int:
    """`python -m ganeti.tools.install install|uninstall CHECKOUT DESTDIR PREFIX`."""
    action, checkout, stage, prefix = sys.argv[1:5]
    installation = Installation(checkout, stage.rstrip("/"), prefix.rstrip("/"))
    if action == "uninstall":
        if not stage:
            _systemctl("disable", *installation.units())
        installation.uninstall()
        print(f"Removed; data ({pathutils.DATA_DIR}, {pathutils.LOG_DIR}, {pathutils.CONF_DIR}, "
              f"{pathutils.SRV_DIR}) is left alone")
    else:
        installation.install()
        if not stage:
            _systemctl("enable", *installation.units())
        print(f"Installed below {stage}{installation.library}; next: gnt-cluster init "
              "(doc/install.md)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
