"""The programs as an administrator meets them: options, errors, files, JSON."""

import importlib
import json
import pathlib
import re
import subprocess
import sys

import pytest

from ganeti.htools import commands, maintenance, state, tags
from ganeti.htools.load import text
from ganeti.htools.prog import command_line, declared
from ganeti.tools import programs
from test.bench import clusters

SMALL = str(pathlib.Path(__file__).parents[2] / "golden/htools/small.txt")
CATALOGUE = pathlib.Path(__file__).parents[2] / "data/catalogue"
PROGRAMS = [name for name, module in programs.COMMANDS.items() if "htools" in module]


def module_of(name):
    return importlib.import_module(f"ganeti.htools.prog.{name}")


def run(name, *arguments):
    return module_of(name).main(list(arguments))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_declared_option_is_used(name):
    source = pathlib.Path(module_of(name).__file__).read_text()
    shared = "".join(path.read_text() for path in pathlib.Path(
        module_of(name).__file__).parent.glob("*.py")
        if path.stem in ("sources", "command_line"))
    for opt in module_of(name).OPTIONS:
        if opt.dest in ("help", "version", "help_completion"):
            continue
        assert re.search(rf"\b{opt.dest}\b", source.split("OPTIONS", 1)[1]
                         .replace("declared.options(", "", 1) + shared), opt.dest


@pytest.mark.parametrize("name", PROGRAMS)
def test_questions_that_every_program_answers(name, capsys):
    assert run(name, "--version") == 0
    assert f"{name} (ganeti) version " in capsys.readouterr().out
    assert run(name, "--help-completion") == 0
    assert "-V,--version none" in capsys.readouterr().out
    assert run(name, "--nonsense") == 2
    assert "Command line error: option --nonsense is unknown" in capsys.readouterr().err


def test_values_of_options_may_be_attached_or_left_out():
    opts = declared.options("print-nodes verbose quiet offline text-data print-commands")
    got = command_line.parse(opts, ["-vv", "-q", "-p", "-Oa", "-O", "b", "--text=x",
                                    "--print-commands=f", "rest"])
    assert (got.verbose, got.print_nodes, got.offline, got.text_data, got.print_commands,
            got.args) == (2, declared.NODE_FIELDS, ["a", "b"], "x", "f", ["rest"])
    for bad in (["-t"], ["--quiet=1"], ["--print"], ["-Z"]):
        with pytest.raises(command_line.UsageError):
            command_line.parse(opts, bad)


@pytest.mark.parametrize("arguments, part", [
    (["-t", "/nowhere"], "failed to load data, aborting: /nowhere: No such file"),
    ([], "No backend selected"), (["-t", SMALL, "extra"], "doesn't take any arguments"),
    (["-t", SMALL, "-L"], "Only one of"), (["-t", SMALL, "-O", "nodex"], "nodex"),
    (["-t", SMALL, "-pwhat"], "no field what"), (["-t", SMALL, "-G", "no"], "no node group 'no'"),
    (["-t", SMALL, "-X"], "with -L only")])
def test_mistakes_get_one_clear_line(arguments, part, capsys):
    assert run("hbal", *arguments) == 1
    error = capsys.readouterr().err
    assert "Error: " in error and part in error


def test_json_of_every_program(capsys):
    for name in PROGRAMS:
        if name in ("hail", "hscan", "harep"):
            continue
        run(name, "-t", SMALL, "--json", *(["-l", "2"] if name == "hspace" else []))
        assert json.loads(capsys.readouterr().out), name


def test_the_saved_states_read_again(tmp_path, capsys):
    assert run("hbal", "-t", SMALL, "-S", str(tmp_path / "x"), f"-C{tmp_path / 'moves.sh'}") == 0
    balanced = text.load(str(tmp_path / "x.balanced"))
    assert balanced.instances[4].pnode == "node3"
    capsys.readouterr()
    run("hbal", "-t", str(tmp_path / "x.balanced"), "--json")
    again = json.loads(capsys.readouterr().out)
    assert again["initial_score"] == pytest.approx(1.68483405, abs=1e-8) and not again["moves"]
    script = (tmp_path / "moves.sh").read_text()
    assert script.startswith("#!/bin/sh\n") and "  check\n" in script
    subprocess.run(["sh", "-n", str(tmp_path / "moves.sh")], check=True)


def test_opcodes_of_a_move(small):
    from ganeti.htools import balance, rounds
    whole = state.State(small, tags.meaning(small))
    steps = balance.balance(whole, whole.nodes_of_group(small.groups[0]), rounds.Rules(),
                            balance.Goal())
    job = commands.opcodes(whole, steps[0])
    assert [(op["OP_ID"], op.get("remote_node")) for op in job] == [
        ("OP_INSTANCE_MIGRATE", None), ("OP_INSTANCE_REPLACE_DISKS", "node3"),
        ("OP_INSTANCE_MIGRATE", None)]


def test_saved_answers_of_the_remote_api(tmp_path, capsys):
    from ganeti import constants
    policy = constants.IPOLICY_DEFAULTS
    answers = {
        "groups": [{"name": "g", "uuid": "u", "alloc_policy": "preferred", "ipolicy": policy,
                    "tags": []}],
        "nodes": [{"name": f"n{pos}", "mtotal": 8192, "mnode": 512, "mfree": 7000,
                   "dtotal": 10000, "dfree": 9000, "ctotal": 4, "cnos": 1, "offline": pos == 2,
                   "drained": False, "vm_capable": True, "group.uuid": "u", "tags": [],
                   "ndparams": {"spindle_count": 2}, "role": "M" if pos == 0 else "C"}
                  for pos in range(3)],
        "instances": [{"name": "i", "disk_usage": 1000, "beparams": {
            "maxmem": 512, "vcpus": 1, "auto_balance": True, "spindle_use": 1},
            "status": "running", "pnode": "n0", "snodes": ["n1"], "tags": [], "oper_ram": None,
            "disk_template": "drbd", "disk.sizes": [1000], "disk.spindles": [None]}],
        "info": {"ipolicy": policy, "tags": ["t"], "enabled_hypervisors": ["kvm"]}}
    for name, answer in answers.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(answer))
    url = f"file://{tmp_path}"
    assert run("hinfo", "-m", url, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert [node["nmem"] for node in record["nodes"]] == [4096, 4096, 4096]
    assert run("hscan", url, "-d", str(tmp_path)) == 0
    line = capsys.readouterr().out.splitlines()[1].split()
    assert line[1:5] == ["3", "1", "0", "0"]
    kept = text.load(str(tmp_path / (url.replace("/", "_") + ".data")))
    assert kept.nodes[0].master and kept.nodes[2].offline
    assert run("hscan", "file:///nowhere", "-d", str(tmp_path)) == 2
    assert "Error for file:///nowhere: failed to load data. Details:" in capsys.readouterr().err


def test_no_wave_holds_nodes_that_need_each_other():
    for seed in range(10):
        cluster = clusters.strange(seed)
        whole = state.State(cluster, tags.meaning(cluster))
        nodes = maintenance.vertices(whole, whole.nodes_of_group(cluster.groups[0]), None)
        edges = maintenance.graph(whole, nodes, offline_maintenance=False)
        for _name, groups in maintenance.colourings(edges):
            assert sorted(node for group in groups for node in group) == sorted(nodes)
            for group in groups:
                assert not any(set(edges[one]) & set(group) - {one} for one in group)


def test_a_master_must_be_known(tmp_path, capsys):
    path = tmp_path / "x"
    path.write_text(pathlib.Path(SMALL).read_text().replace("|8|M|", "|8|N|"))
    assert run("hroller", "-t", str(path)) == 1
    assert "--force" in capsys.readouterr().err
    assert run("hroller", "-t", str(path), "--force") == 0


def test_the_version_needs_no_arrays():
    code = ("import sys\nfrom ganeti.htools.prog import hbal\nhbal.main(['--version'])\n"
            "sys.exit('numpy' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
