"""Every option of every program changes something, on one of some clusters; and exit codes."""

import contextlib
import importlib
import io
import itertools
import json
import pathlib

import pytest

from ganeti import constants
from ganeti.htools.load import text
from ganeti.htools.prog import command_line
from ganeti.tools import programs
from test.bench import clusters
from test.unit.htools import documents

GOLDEN = pathlib.Path(__file__).parents[2] / "golden/htools"
PROGRAMS = [name for name, module in programs.COMMANDS.items() if "htools" in module]
#: Tried only against a master daemon or a monitoring daemon: the tests on a virtual cluster,
#: and test_load.
LIVE = {"luxi", "first_job_group", "reason", "priority", "mond", "job_delay", "dry_run"}
#: Loads and memory of KVM hosts come from live back ends only.
NOT_FROM_FILES = {("hail", "mond_xen"), ("hsqueeze", "static_kvm_node_memory")}
#: dest -> words to add, and words that are there with and without it.
WORDS = {
    "print_nodes": (["-p"], []), "print_instances": (["--print-instances"], []),
    "print_commands": (["-C"], []), "evac_mode": (["-E"], []), "verbose": (["-v", "-v"], []),
    "restricted_migration": (["--restricted-migration"], []), "quiet": (["-q"], []),
    "exec_jobs": (["-X"], []), "group": (["-G", "nowhere"], []), "max_length": (["-l", "1"], []),
    "offline": (["-O", "node1"], []), "min_score": (["-e", "1000"], []),
    "max_cpu": (["--max-cpu=1"], []), "min_disk": (["--min-disk=0.9"], []),
    "min_gain": (["-g", "5"], ["--min-gain-limit=100"]),
    "min_gain_limit": (["--min-gain-limit=100"], ["-g", "5"]),
    "no_disk_moves": (["--no-disk-moves"], []), "no_instance_moves": (["--no-instance-moves"], []),
    "select_instances": (["--select-instances=inst1"], []),
    "exclude_instances": (["--exclude-instances=inst1,inst2"], []),
    "ignore_soft_errors": (["--ignore-soft-errors"], []), "dynu_file": (["-U", "{loads}"], []),
    "ignore_dynu": (["--ignore-dynu"], ["-U", "{loads}"]),
    "mond_data": (["--mond-data={reports}"], []),
    "mond_xen": (["--mond-xen"], ["--mond-data={reports}"]),
    "mond_required": (["--exit-on-missing-mond-data"], ["--mond-data={reports}"]),
    "exclusion_tags": (["--exclusion-tags=service"], []), "save": (["-S", "{saved}"], []),
    "json": (["--json"], []), "no_capacity_checks": (["--no-capacity-checks"], []),
    "restrict_allocation_to": (["--restrict-allocation-to=node1"], []),
    "disk_template": (["--disk-template=plain"], []), "spindle_use": (["--spindle-use=90"], []),
    "independent_groups": (["--independent-groups"], []),
    "accept_existing_errors": (["--accept-existing-errors"], []),
    "machine_readable": (["--machine-readable"], []),
    "standard_alloc": (["--standard-alloc=2g,1g,1"], []),
    "tiered_alloc": (["--tiered-alloc=2g,1g,1"], []), "output_dir": (["-d", "/nowhere"], []),
    "no_headers": (["--no-headers"], []), "node_tags": (["--node-tags=power:a"], []),
    "offline_maintenance": (["--offline-maintenance"], []),
    "print_moves": (["--print-moves"], []),
    "full_evacuation": (["--full-evacuation"], ["--print-moves"]),
    "skip_non_redundant": (["--skip-non-redundant"], []),
    "ignore_non_redundant": (["--ignore-non-redundant"], ["--print-moves"]),
    "force": (["--force"], []), "one_step_only": (["--one-step-only"], []),
    "no_simulation": (["--no-simulation"], []),
    "minimal_resources": (["--minimal-resources=1000"], []),
    "target_resources": (["--target-resources=1000"], []),
    "static_kvm_node_memory": (["--static-kvm-node-memory=9999"], ["-m", "{rapi}"]),
    "master": (["-m", "{rapi}"], None), "ialloc_src": (["-I", "{request}"], None),
    "simulate": (["--simulate=p,3,100g,8g,4"], None), "text_data": (["-t", "{other}"], None),
}


def module_of(program):
    return importlib.import_module(f"ganeti.htools.prog.{program}")


def run(program, arguments):
    """Exit status and all that is printed."""
    module = module_of(program)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        return module.main(arguments), out.getvalue()


def strange():
    """Clusters of all kinds, the first of them with two groups and without a master."""
    cluster = clusters.realistic(6, per_node=3, groups=2)
    for node in cluster.nodes:
        node.master = False
    cluster.nodes[0].f_mem = 0
    yield cluster
    for seed in range(60):
        cluster = clusters.strange(seed)
        cluster.nodes[0].master = True
        yield cluster


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("effects")
    names = [f"inst{number}" for number in range(30)]
    (directory / "loads").write_text("".join(
        f"{name} {number} 2 {number * number} 0\n" for number, name in enumerate(names)))
    (directory / "reports").write_text(json.dumps({"node0": [
        {"name": "cpu-avg-load", "data": {"cpu_number": 8, "cpus": [], "cpu_total": 7.5}},
        {"name": "xen-cpu-avg-load", "data": dict.fromkeys(names, 4.0)}]}))
    request = {**documents.document(clusters.realistic(4, per_node=2)),
               "request": documents.allocate(), "enabled_hypervisors": [constants.HT_KVM]}
    (directory / "request").write_text(json.dumps(request))
    policy = constants.IPOLICY_DEFAULTS
    for name, answer in {
            "groups": [{"name": "g", "uuid": "u", "alloc_policy": "preferred", "tags": [],
                        "ipolicy": policy}],
            "nodes": [{"name": f"n{pos}", "mtotal": 32768, "mnode": 512,
                       "mfree": 30000 - 9000 * pos, "dtotal": 10000, "dfree": 9000, "ctotal": 4,
                       "cnos": 1, "offline": False, "drained": False, "vm_capable": True,
                       "group.uuid": "u", "tags": [], "role": "M" if pos == 0 else "C"}
                      for pos in range(3)],
            "instances": [], "info": {"ipolicy": policy, "tags": [],
                                      "enabled_hypervisors": ["kvm"]}}.items():
        (directory / f"{name}.json").write_text(json.dumps(answer))
    paths = [GOLDEN / "small.txt", GOLDEN / "shared.txt"]
    for number, cluster in enumerate(strange()):
        paths.append(directory / f"cluster{number}")
        paths[-1].write_text(text.dump(cluster))
    words = {name: str(directory / name) for name in ("loads", "reports", "request", "saved")}
    return paths, {**words, "rapi": f"file://{directory}", "other": str(GOLDEN / "shared.txt")}


def bases(program, paths, words):
    """Command lines that begin a run of a program on one of the clusters."""
    for path in paths:
        if program == "hail":
            yield [words["request"], "-t", str(path)]
            yield [words["request"]]
        elif program == "hscan":
            yield [words["rapi"], "-d", str(pathlib.Path(words["loads"]).parent)]
        else:
            yield ["-t", str(path), *(["-l", "3"] if program == "hspace" else [])]


#: harep works on a live cluster only.
CASES = [(name, opt.dest if "-q" not in opt.flags else "quiet")
         for name in PROGRAMS if name != "harep"
         for opt in module_of(name).OPTIONS
         if (name, opt.dest) not in NOT_FROM_FILES
         and opt.dest not in LIVE | {"help", "version", "help_completion"}]


@pytest.mark.parametrize("program, dest", CASES)
def test_an_option_changes_something(program, dest, files):
    paths, words = files
    more, there = WORDS[dest]
    more = [word.format(**words) for word in more]
    for base in itertools.islice(bases(program, paths, words), 70):
        if there is None:
            before, after = run(program, base), run(program, more)
        else:
            known = {flag for opt in module_of(program).OPTIONS for flag in opt.flags}
            if there and there[0].partition("=")[0] in known:
                # another back end takes the place of the file
                base = [word.format(**words) for word in there] + (
                    [] if there[0] == "-m" else base)
            before, after = run(program, base), run(program, [*base, *more])
        assert after[0] != command_line.EXIT_USAGE, after[1]
        if before != after:
            return
    pytest.fail("the same on all clusters")


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "hail"])
def test_exit_codes(program, files):
    assert run(program, ["--help"])[0] == run(program, ["-V"])[0] == 0
    assert run(program, ["--no-such-option"])[0] == command_line.EXIT_USAGE
    if program == "hscan":
        assert run(program, ["-d", "/tmp", "file:///nowhere"])[0] == 2
    elif program != "harep":
        assert run(program, ["-t", "/nowhere"])[0] == 1
        assert run(program, ["-t", str(GOLDEN / "small.txt"), "surplus"])[0] == 1
