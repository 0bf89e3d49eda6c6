"""Packaging: `pip install .` gives the whole system."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^RELEASE_VERSION = "(.+)"', (
    HERE / "ganeti/constants/versions.py").read_text(), re.MULTILINE).group(1)

CLIENTS = ["cluster", "node", "instance", "group", "backup", "os", "job", "network", "storage",
           "filter", "debug"]
DAEMONS = ["masterd", "noded", "confd", "rapi"]


def exists(module: str) -> bool:
    """Whether a module is in this tree (a command comes with the issue that brings it)."""
    path = HERE / module.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


SCRIPTS = {
    **{f"gnt-{name}": f"ganeti.client.gnt_{name}" for name in CLIENTS},
    **{f"ganeti-{name}": f"ganeti.server.{name}" for name in DAEMONS},
    "ganeti-watcher": "ganeti.watcher.main",
    "ganeti-cleaner": "ganeti.tools.cleaner",
}

setup(
    name="ganeti",
    version=VERSION,
    description="One administrator, many hosts, one thing to manage",
    license="BSD-2-Clause",
    python_requires=">=3.11",
    packages=find_packages(include=["ganeti", "ganeti.*"]),
    include_package_data=True,
    package_data={"ganeti": ["py.typed"]},
    # lower bounds: what Debian 12 has
    install_requires=[
        "aiohttp>=3.8",
        "bitarray>=2.6",
        "cryptography>=38",
        "paramiko>=2.12",
        "pyasyncore; python_version >= '3.12'",
        "pyinotify>=0.9.6",
        "pyOpenSSL>=23.0",
        "pyparsing>=3.0",
        "qemu.qmp>=0.0.2",
        "simplejson>=3.18",
    ],
    entry_points={"console_scripts": [
        f"{script}={module}:main" for script, module in SCRIPTS.items() if exists(module)]},
)
