"""Virtual clusters: networks are chosen apart, and a node's processes are told from others."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganeti.tools.vcluster import layout, nodes


@pytest.fixture
def chosen():
    """Chooses networks, and gives them back at the end."""
    prefixes: list[str] = []

    def choose() -> str:
        prefixes.append(layout.free_prefix())
        return prefixes[-1]

    yield choose
    for prefix in prefixes:
        layout.release(prefix)


def test_clusters_made_at_the_same_moment_get_different_networks(chosen):
    first = chosen()
    code = "from ganeti.tools.vcluster import layout; print(layout.free_prefix())"
    other = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True,
                           cwd=layout.checkout(), check=True).stdout.strip()
    assert first not in (other, chosen())


def test_a_network_is_free_again_after_its_release(chosen):
    first = chosen()
    layout.release(first)
    # other test runs may take it first
    assert chosen() == first or first not in layout._claims


def test_readers_of_a_nodes_files_are_not_on_the_node(tmp_path: Path):
    node = layout.VirtualNode("node1", "127.0.77.1", str(tmp_path / "node1"))
    (tmp_path / "node1").mkdir()
    script = tmp_path / "node1/create"
    script.write_text("#!/bin/sh\nread line\n")
    script.chmod(0o755)
    log = tmp_path / "node1/log"
    log.touch()
    pipe = subprocess.PIPE
    with subprocess.Popen([str(script)], env={}, stdin=pipe) as on_node, \
            subprocess.Popen(["tail", "-f", str(log)], stdin=pipe) as reader:
        found = nodes.processes(node)
        on_node.kill()
        reader.kill()
    assert on_node.pid in found and reader.pid not in found
