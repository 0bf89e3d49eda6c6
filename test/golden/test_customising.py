"""The examples of doc/customising.md, carried out in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test import packages

TOP = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(python|diff|toml)\n# (\S+?\.(?:py|toml))(?:: ([^\n]+))?\n(.*?)^```$",
                    re.M | re.S)
#: Where a block goes that does not make a file: text that it follows, and its indentation
PLACES = {
    ("ganeti/constants/kvm.py", "in KVM_PARAMETERS"): (
        "KVM_PARAMETERS = ParamTable(HT_KVM, [\n", 4),
    ("ganeti/hypervisor/kvm/machine.py", "in arguments()"): (
        '    cmd.add("-nodefaults", "-no-user-config")\n', 4),
    ("test/golden/kvm/cases.py", "in CASES"): ("CASES: dict[str, dict[str, Any]] = {\n", 4),
    ("ganeti/constants/disk.py", "in STORAGE"): ("STORAGE: list[tuple[str, str]] = [\n", 4),
    ("ganeti/constants/hypervisors.py", "in HYPERVISORS"): (
        "HYPERVISORS: list[tuple[str, str]] = [\n", 4),
    ("test/drivers/storages.py", "at the end"): ("", 0),
    ("test/drivers/hypervisors.py", "at the end"): ("", 0),
}


class Tree:
    """A copy of the program and its tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / "installed"
        for name in ("ganeti", "test", "tools"):
            shutil.copytree(TOP / name, root / name, symlinks=True,
                            ignore=shutil.ignore_patterns("__pycache__", "tmp*"))
        shutil.copy(TOP / "pyproject.toml", root)
        text = (TOP / "doc/customising.md").read_text()
        self.blocks = {path: (kind, where, code)
                       for kind, path, where, code in _BLOCK.findall(text)}

    def apply(self, path: str) -> None:
        """Do what the page says for a file."""
        kind, where, code = self.blocks.pop(path)
        target = self.root / path
        if kind == "diff":
            lines = code.splitlines()
            old, new = (next(line[1:] for line in lines if line[0] == sign) for sign in "-+")
            self._write(target, self._with(target.read_text(), old, new))
        elif not where:
            target.write_text(code)
        else:
            anchor, indent = PLACES[path, where]
            code = re.sub(r"^(?=.)", " " * indent, code, flags=re.M)
            text = target.read_text()
            self._write(target, f"{text}\n\n{code}" if not anchor else self._with(
                text, anchor, anchor + code))

    def install(self, *paths: str) -> None:
        """Install a package of the page, whose files are the examples in doc/."""
        for path in paths:
            shown = self.blocks.pop(path)[2]
            assert shown == (TOP / path).read_text(), f"the page shows another {path}"
        packages.install(self.site, (TOP / paths[0]).parent)

    @staticmethod
    def _with(text: str, old: str, new: str) -> str:
        assert text.count(old) == 1, f"{old!r} is not the one place that the page means"
        return text.replace(old, new)

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text)

    def pytest(self, *words: str, update: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": f"{self.root}:{self.site}",
                       "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("UPDATE_GOLDEN", None)
        if update:
            environment["UPDATE_GOLDEN"] = "1"
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
            cwd=self.root, env=environment, text=True, capture_output=True, check=False)

    def passes(self, *words: str, update: bool = False) -> None:
        result = self.pytest(*words, update=update)
        assert result.returncode == 0, result.stdout + result.stderr

    def command_lines(self) -> dict[str, str]:
        return {path.stem: path.read_text()
                for path in (self.root / "test/golden/kvm/command").iterdir()}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("tree"))


UNUSED = ("test/unit/test_declared_is_used.py", "-k", "used_in_the_driver and kvm")
GOLDEN = "test/golden/kvm/test_command.py"


def test_a_hypervisor_parameter(tree: Tree) -> None:
    before = tree.command_lines()
    tree.apply("ganeti/constants/kvm.py")
    assert "smbios_vendor" in tree.pytest(*UNUSED).stdout, "a parameter that nothing reads"
    tree.apply("ganeti/hypervisor/kvm/machine.py")
    tree.passes(*UNUSED)
    assert "smbios_vendor" in tree.pytest(GOLDEN).stdout, "and that no command line shows"
    tree.apply("test/golden/kvm/cases.py")
    tree.passes(GOLDEN, update=True)
    after = tree.command_lines()
    assert "-smbios type=1,manufacturer=ACME,, Inc.\n" in after.pop("smbios-vendor")
    assert after == before, "no other guest notices"


def test_a_changed_command_line(tree: Tree) -> None:
    before = tree.command_lines()
    tree.apply("ganeti/hypervisor/kvm/memory.py")
    assert tree.pytest(GOLDEN, "-k", "base").returncode == 1
    tree.passes(GOLDEN, update=True)
    old, new = ("-device virtio-balloon-pci,id=balloon", "-device virtio-balloon-pci,id=balloon,"
                "deflate-on-oom=on")
    assert tree.command_lines() == {name: text.replace(old, new)
                                    for name, text in before.items()}


KINDS = {
    "storage": ("storage-package", "ganeti_slab.py", "slab", "ganeti/constants/disk.py"),
    "hypervisor": ("hypervisor-package", "ganeti_program.py", "program",
                   "ganeti/constants/hypervisors.py"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_driver(tree: Tree, kind: str) -> None:
    package, module, name, registry = KINDS[kind]
    suite = (f"test/drivers/test_{kind}.py", "-k", name)
    tree.apply("test/drivers/" + ("storages.py" if kind == "storage" else "hypervisors.py"))
    assert tree.pytest(*suite).returncode == 1, "the kit alone does not make it"
    tree.install(f"doc/examples/{package}/pyproject.toml", f"doc/examples/{package}/{module}")
    tree.passes(*suite)

    shutil.rmtree(tree.site)
    shutil.copy(TOP / "doc/examples" / package / module, tree.root / f"ganeti/{kind}/{name}.py")
    tree.apply(registry)
    tree.passes(*suite)


def test_every_example_of_the_page_is_carried_out(tree: Tree) -> None:
    assert tree.blocks == {}
