"""The checkout and the Python packages that it needs, as a read-only disk for the nodes.

It is made anew for each lab. A node finds both under the paths that they have on this machine,
since nodes of one cluster call each other's programs by the same path.
"""

from __future__ import annotations

import compileall
import importlib.metadata
import pathlib
import re
import shutil
import subprocess
import sys

from ganeti.tools import programs
from ganeti.tools.vcluster import layout
from test.lab.vm.errors import LabError

SIZE_MIB = 256
"""Always the same, since the saved state of a node knows the size of its disks."""
_DIRECTORIES = ("ganeti", "daemons", "tools", "test/drivers")
_FILES = ("test/__init__.py", "test/noderoot.py", "test/lab/__init__.py",
          "test/lab/xenhost.py")
#: Only the balancing programs need it, and they run on the master.
_NOT_ON_NODES = ("numpy",)
_SITE = "lib/python3.11/site-packages"


def make_disk(path: pathlib.Path, scratch: pathlib.Path, key: pathlib.Path) -> None:
    """Write the disk's image to `path`.

    `scratch` is a directory that does not exist yet, `key` the administrator's ssh key.
    """
    if sys.version_info[:2] != (3, 11):
        raise LabError("The nodes have Debian 12's Python 3.11 and take over the packages of "
                       f"{sys.prefix}, whose Python is {sys.version.split()[0]}")
    _stage(scratch)
    shutil.copy(key.with_suffix(".pub"), scratch / "authorized_key")
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        file.truncate(SIZE_MIB << 20)
    result = subprocess.run(
        ["/sbin/mke2fs", "-q", "-t", "ext2", "-O", "^resize_inode", "-m", "0", "-d", str(scratch),
         str(path)], text=True, capture_output=True, check=False)
    if result.returncode:
        raise LabError(f"The disk with the checkout could not be made: {result.stderr.strip()}")
    shutil.rmtree(scratch)


def _stage(top: pathlib.Path) -> None:
    source = layout.checkout()
    copy = top / "checkout"
    for name in _DIRECTORIES:
        shutil.copytree(source / name, copy / name)
    for name in _FILES:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy2(source / name, copy / name)
    environment = pathlib.Path(sys.prefix)
    links = {source: "checkout"}
    if environment.is_relative_to(source):
        target = copy / environment.relative_to(source)
    else:
        target = top / "env"
        links[environment] = "env"
    _virtual_environment(target)
    for name in ("ganeti", "test"):
        compileall.compile_dir(copy / name, ddir=f"{source}/{name}", quiet=2, workers=2)
    (top / "bin").symlink_to(f"{sys.prefix}/bin")
    lines = ["#!/bin/sh", "# the host's paths lead here"]
    for path, name in links.items():
        lines += [f"mkdir -p {path.parent}", f"ln -sfn /opt/ganeti/{name} {path}"]
    lines += [
        f"ln -sfn {source}/daemons /usr/lib/ganeti",
        "cat /opt/ganeti/authorized_key >>/root/.ssh/authorized_keys",
        "cd /srv/ganeti 2>/dev/null && exit",
        "for d in file-storage shared-file-storage export os extstorage; do",
        "    mkdir -p /srv/ganeti/$d", "done", "mkdir -p /etc/ganeti",
        "printf '/srv/ganeti/%s\\n' file-storage shared-file-storage "
        ">/etc/ganeti/file-storage-paths",
        f"for d in {source}/tools/os/*; do ln -sfn $d /srv/ganeti/os/; done"]
    script = top / "lab-checkout"
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)


def _virtual_environment(target: pathlib.Path) -> None:
    """What Python and the checkout take for the environment that runs this."""
    (target / "bin").mkdir(parents=True)
    (target / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    for name in ("python", "python3", "python3.11"):
        (target / "bin" / name).symlink_to("/usr/bin/python3.11")
    for name, module in programs_on_nodes().items():
        launcher = target / "bin" / name
        launcher.write_text(f"#!{sys.prefix}/bin/python3\nimport sys\n"
                            f"sys.path.insert(0, {str(layout.checkout())!r})\n"
                            f"from {module} import main\nsys.exit(main())\n")
        launcher.chmod(0o755)
    (target / "bin/daemon-util").symlink_to(f"{layout.checkout()}/daemons/daemon-util")
    site = target / _SITE
    for name in sorted(_needed_packages()):
        for file in importlib.metadata.distribution(name).files or ():
            if file.parts[0] != ".." and "tests" not in file.parts:
                destination = site / file
                destination.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(str(file.locate()), destination)


def programs_on_nodes() -> dict[str, str]:
    """Name -> module of every program of the project."""
    library = {programs.script_name(path): module for path, module in programs.LIBRARY.items()}
    return programs.COMMANDS | programs.DAEMONS | library


def _needed_packages() -> set[str]:
    """The project's requirements and theirs, and the runner of the conformance suites."""
    found: set[str] = {"pytest"}
    open_names = ["ganeti", "pytest"]
    while open_names:
        for line in importlib.metadata.requires(open_names.pop()) or ():
            requirement, _, condition = line.partition(";")
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            if match is None or "extra ==" in condition:
                continue
            name = match.group().lower()
            if name not in found and name not in _NOT_ON_NODES and _installed(name):
                found.add(name)
                open_names.append(name)
    return found


def _installed(name: str) -> bool:
    """Whether it is here: conditions like `python_version < "3.8"` are not read."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
