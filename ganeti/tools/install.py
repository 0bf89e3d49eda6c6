"""The part of `make install` after pip: commands on the PATH, launchers, units, cron, logrotate.

Everything it places is listed by `_links` and `_copies`, which removal walks as well.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

from ganeti.tools import programs

LAUNCHER = """#!{python}
import sys
from {module} import main
sys.exit(main())
"""
#: File below daemons/ -> where it goes on the host; "{prefix}" and "{library}" are filled in.
FILES = {
    "ganeti.cron": "/etc/cron.d/ganeti",
    "ganeti.logrotate": "/etc/logrotate.d/ganeti",
    "ganeti.default": "/etc/default/ganeti",
}
UNIT_DIR = "/lib/systemd/system"


class Installation:
    """One installation: `stage` is DESTDIR, all other paths are as the host will see them."""

    def __init__(self, checkout: str, stage: str, prefix: str) -> None:
        self.checkout = pathlib.Path(checkout)
        self.stage = stage
        self.prefix = prefix
        self.library = f"{prefix}/lib/ganeti"
        self.python = f"{self.library}/env/bin/python"

    def staged(self, path: str) -> pathlib.Path:
        return pathlib.Path(self.stage + path)

    def links(self) -> dict[str, str]:
        """Commands and daemons: path on the host -> what it points to."""
        return {f"{self.prefix}/sbin/{name}": f"{self.library}/env/bin/{name}"
                for name in programs.COMMANDS | programs.DAEMONS}

    def copies(self) -> dict[str, pathlib.Path]:
        """Files outside the library directory: path on the host -> source."""
        daemons = self.checkout / "daemons"
        found = {target: daemons / name for name, target in FILES.items()
                 if (daemons / name).exists()}
        for pattern in ("*.service", "*.target"):
            for unit in sorted(daemons.rglob(pattern)):
                found[f"{UNIT_DIR}/{unit.name}"] = unit
        return found

    def install(self) -> None:
        self._fix_environment()
        for path, target in self.links().items():
            link = self.staged(path)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        for path, source in self.copies().items():
            target_file = self.staged(path)
            target_file.parent.mkdir(parents=True, exist_ok=True)
            if path.startswith("/etc/") and target_file.exists():
                continue  # the administrator's by now
            target_file.write_text(self._filled(source.read_text()))
            target_file.chmod(0o644)
        self._library()
        if not self.stage:
            from ganeti.tools import ensure_dirs
            ensure_dirs.ensure()

    def _filled(self, text: str) -> str:
        return text.replace("/usr/lib/ganeti", self.library).replace(
            "/usr/sbin", f"{self.prefix}/sbin")

    def _library(self) -> None:
        """Launchers and scripts below /usr/lib/ganeti."""
        library = self.staged(self.library)
        for name, module in programs.LIBRARY.items():
            path = library / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(LAUNCHER.format(python=self.python, module=module))
            path.chmod(0o755)
        shutil.copy2(self.checkout / "daemons/daemon-util", library / "daemon-util")
        for name in ("kvm-nic-setup", "kvm-ifup"):
            shutil.copy2(self.checkout / "daemons" / name, library / name)
        shutil.copytree(self.checkout / "daemons/network", library / "network",
                        dirs_exist_ok=True)
        for script in sorted((self.checkout / "tools").iterdir()):
            if script.is_file() and script.name not in programs.CHECKOUT_ONLY:
                shutil.copy2(script, library / "tools" / script.name)
        definitions = self.checkout / "tools/os"
        if definitions.is_dir():
            shutil.copytree(definitions, self.staged(f"{self.prefix}/share/ganeti/os"),
                            dirs_exist_ok=True)

    def _fix_environment(self) -> None:
        """A virtual environment names its own path in its scripts; take the stage out of it."""
        if not self.stage:
            return
        environment = self.staged(f"{self.library}/env")
        for path in [*(environment / "bin").iterdir(), environment / "pyvenv.cfg"]:
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            if self.stage.encode() in data and b"\0" not in data:
                path.write_bytes(data.replace(self.stage.encode(), b""))

    def uninstall(self) -> None:
        """Remove what `install` placed; files below /etc stay, as on removal of a package."""
        for path in [*self.links(), *(p for p in self.copies() if not p.startswith("/etc/"))]:
            self.staged(path).unlink(missing_ok=True)
        cron = self.staged(FILES["ganeti.cron"])
        cron.unlink(missing_ok=True)  # would call a program that is gone
        shutil.rmtree(self.staged(f"{self.prefix}/share/ganeti"), ignore_errors=True)


def main() -> int:
    """`python -m ganeti.tools.install install|uninstall CHECKOUT DESTDIR PREFIX`."""
    action, checkout, stage, prefix = sys.argv[1:5]
    installation = Installation(checkout, stage.rstrip("/"), prefix)
    if action == "uninstall":
        installation.uninstall()
        return 0
    installation.install()
    print(f"Installed below {stage}{installation.library}; "
          f"next: gnt-cluster init (README.md, 'From bare hosts to a cluster')")
    if not stage and os.path.isdir("/run/systemd/system"):
        os.system("systemctl daemon-reload")
    return 0


if __name__ == "__main__":
    sys.exit(main())
