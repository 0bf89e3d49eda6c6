"""Packaging: `pip install .` gives the whole system."""

import re
import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^RELEASE_VERSION = "(.+)"', (
    HERE / "ganeti/constants/versions.py").read_text(), re.MULTILINE).group(1)

PROGRAMS = runpy.run_path(str(HERE / "ganeti/tools/programs.py"))

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
        "numpy>=1.24",
        "paramiko>=2.12",
        "pyasyncore; python_version >= '3.12'",
        "pyinotify>=0.9.6",
        "pyOpenSSL>=23.0",
        "pyparsing>=3.0",
        "qemu.qmp>=0.0.2",
    ],
    extras_require={
        # what `make check` and `make doc` need beside
        "dev": ["hypothesis", "import-linter", "mypy", "myst-parser", "pytest>=7.2",
                "pytest-asyncio", "pytest-timeout", "pytest-xdist", "ruff", "sphinx"],
    },
    entry_points={"console_scripts": PROGRAMS["entry_points"]()},
)
