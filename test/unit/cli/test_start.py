"""What commands import, and the completion script."""

import subprocess
import sys

import pytest

from ganeti.cli import completion

_LOADED = """
import sys
from ganeti.client import {module}
from ganeti.cli import jobs, listing, table, report
from ganeti.luxi import client
{module}.TOOL.command("list")
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("module", ["gnt_job", "gnt_instance", "gnt_node"])
def test_lists_start_without_what_they_do_not_need(module):
    done = subprocess.run([sys.executable, "-c", _LOADED.format(module=module)], check=True,
                          capture_output=True, text=True)
    loaded = set(done.stdout.split())
    heavy = {"asyncio", "aiohttp", "paramiko", "cryptography", "OpenSSL", "pyparsing",
             "dataclasses", "inspect", "optparse", "argparse", "logging", "subprocess",
             "ganeti.opcodes", "ganeti.objects", "ganeti.query", "ganeti.qlang",
             "ganeti.storage", "ganeti.rpc", "ganeti.masterd"}
    assert not loaded & heavy


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "ganeti"
    path.write_text(completion.script())
    return path


@pytest.mark.parametrize(("words", "offered"), [
    (["gnt-instance", "st"], "start startup stop"),
    (["gnt-instance", "reboot", "--type", ""], "full hard soft"),
    (["gnt-instance", "migrate", "-n", "x", "--cl"], "--cleanup"),
    (["gnt-cluster", "queue", "dr"], "drain"),
    (["gnt-node", "modify", "--offline", ""], "yes no"),
    (["gnt-node", "info", "no"], "node1 node2"),
    (["hbal", "--restr"], "--restricted-migration"),
    (["hbal", "-O", "no"], "node1 node2"),
    (["hbal", "--priority", ""], "low normal high"),
    (["hbal", "-C", "--no-d"], "--no-disk-moves"),
    (["gnt-nothing-like-it"], ""),
])
def test_completion(script, tmp_path, words, offered):
    data = tmp_path / "var/lib/ganeti"
    data.mkdir(parents=True)
    (data / "ssconf_node_list").write_text("node1\nnode2\nother\n")
    quoted = " ".join(f"'{word}'" for word in words)
    function = f"_{words[0].replace('-', '_')}"
    code = (f". {script}; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; "
            f"declare -F {function} > /dev/null && {function}; echo \"${{COMPREPLY[*]}}\"")
    done = subprocess.run(["bash", "-c", code], check=True, capture_output=True, text=True,
                          env={"GANETI_ROOTDIR": str(tmp_path), "PATH": "/usr/bin:/bin"})
    assert done.stdout.strip() == offered
