"""The options of all programs, each declared once; a program lists the names of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti import errors
from ganeti.htools.prog.command_line import Option

NODE_FIELDS = ("status,name,tmem,nmem,imem,xmem,fmem,umem,rmem,tdsk,fdsk,tcpu,ucpu,pcnt,scnt,"
               "pfmem,pfdsk,rcpu,cload,mload,dload,nload")
TO_SCREEN = "-"
DEFAULT_SOCKET = "*"


def _names(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"'{text}' is neither yes nor no")
    return text == "yes"


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"'{text}' is no whole number") from None


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"'{text}' is no number") from None


def _positive(text: str) -> float:
    if (value := _real(text)) <= 0:
        raise ValueError(f"{text} is not above 0")
    return value


def _fraction(text: str) -> float:
    if not 0 <= (value := _real(text)) <= 1:
        raise ValueError(f"{text} is not between 0 and 1")
    return value


def _priority(text: str) -> str:
    if text not in ("low", "normal", "high"):
        raise ValueError(f"'{text}' is none of low, normal, high")
    return text


def _spec(text: str) -> tuple[int, int, int, int]:
    """DISK,MEMORY,CPUS[,SPINDLES] as (memory, disk, cpus, spindles)."""
    from ganeti.htools.load import units
    parts = text.split(",")
    if not 3 <= len(parts) <= 4:
        raise ValueError(f"'{text}' is not DISK,MEMORY,CPUS[,SPINDLES]")
    try:
        disk, memory = units.parse_size(parts[0]), units.parse_size(parts[1])
    except errors.UnitParseError as err:
        raise ValueError(str(err)) from None
    return memory, disk, _number(parts[2]), _number(parts[3]) if len(parts) > 3 else 1


_ALL = (
    Option("print_nodes", ("-p", "--print-nodes"), "print the nodes as they are in the end; FIELDS"
           " replace the usual columns, with a leading + they are added", str, None, NODE_FIELDS,
           metavar="FIELDS"),
    Option("print_instances", ("--print-instances",), "print the instances as they are in the end"),
    Option("print_commands", ("-C", "--print-commands"), "print the commands that make the solution"
           " true, or write them as a shell script to FILE", str, None, TO_SCREEN,
           metavar="FILE"),
    Option("text_data", ("-t", "--text-data"), "read the cluster from a file in text format",
           str, None, metavar="FILE", completes="file"),
    Option("simulate", ("--simulate",), "an empty cluster; a group each time: POLICY,NODES,DISK,"
           "MEMORY,CPUS[,SPINDLES[,0|1]]", str, repeat=True, metavar="SPEC", completes="string"),
    Option("master", ("-m", "--master"), "read the cluster by the remote API of this host or URL;"
           " file://DIR reads saved answers", str, None, metavar="HOST", completes="host"),
    Option("luxi", ("-L", "--luxi"), "ask the master daemon on this host, at SOCKET if given",
           str, None, DEFAULT_SOCKET, metavar="SOCKET", completes="file"),
    Option("ialloc_src", ("-I", "--ialloc-src"), "read the cluster from an allocator's request",
           str, None, metavar="FILE", completes="file"),
    Option("exec_jobs", ("-X", "--exec"), "submit the jobs and follow them (with -L only)"),
    Option("first_job_group", ("--first-job-group",), "end after the first set of jobs"),
    Option("reason", ("--reason",), "what the reason trail of the jobs says", str, None,
           metavar="TEXT"),
    Option("priority", ("--priority",), "priority of the jobs: low, normal or high", _priority,
           None, metavar="PRIO", completes="choices=low,normal,high"),
    Option("group", ("-G", "--group"), "work on this node group, by name or UUID", str, None,
           metavar="GROUP", completes="onegroup"),
    Option("max_length", ("-l", "--max-length"), "no more than this number of moves or new"
           " instances; negative for no limit", _number, -1, metavar="N", completes="integer"),
    Option("verbose", ("-v", "--verbose"), "tell more", default=1, step=1),
    Option("verbose", ("-q", "--quiet"), "tell less", default=1, step=-1),
    Option("offline", ("-O", "--offline"), "count this node as offline", str, repeat=True,
           metavar="NODE", completes="onenode"),
    Option("static_kvm_node_memory", ("--static-kvm-node-memory",), "MiB that the host of KVM"
           " guests keeps for itself; 0 believes what it reports", _number, 4096, metavar="MIB",
           completes="integer"),
    Option("evac_mode", ("-E", "--evac-mode"), "move only instances of offline and drained nodes"),
    Option("restricted_migration", ("--restricted-migration",), "no live migration off a healthy"
           " primary node"),
    Option("min_score", ("-e", "--min-score"), "be content this close to the best score",
           _real, 1e-9, metavar="SCORE", completes="float"),
    Option("max_cpu", ("--max-cpu",), "virtual CPUs a physical one, instead of the policy's ratio",
           _positive, None, metavar="RATIO", completes="float"),
    Option("min_disk", ("--min-disk",), "part of each node's disk to keep free", _fraction, 0.0,
           metavar="FRACTION", completes="float"),
    Option("min_gain", ("-g", "--min-gain"), "end when a move gains less than this", _real, 0.01,
           metavar="GAIN", completes="float"),
    Option("min_gain_limit", ("--min-gain-limit",), "score from which down the least gain counts",
           _real, 0.1, metavar="SCORE", completes="float"),
    Option("no_disk_moves", ("--no-disk-moves",), "fail over and migrate only, copy no disks"),
    Option("no_instance_moves", ("--no-instance-moves",), "replace secondary nodes only"),
    Option("select_instances", ("--select-instances",), "move none but these", _names, [],
           metavar="NAME,...", completes="manyinstances"),
    Option("exclude_instances", ("--exclude-instances",), "do not move these", _names, [],
           metavar="NAME,...", completes="manyinstances"),
    Option("ignore_soft_errors", ("--ignore-soft-errors",), "place in spite of soft limits (N+1,"
           " ratios, tags)"),
    Option("dynu_file", ("-U", "--dynu-file"), "read utilisation: lines of NAME CPU MEM DISK NET",
           str, None, metavar="FILE", completes="file"),
    Option("ignore_dynu", ("--ignore-dynu",), "as if no instance used anything"),
    Option("mond", ("--mond",), "ask the nodes' monitoring daemons for their CPU load", _yes_no,
           False, True, metavar="yes|no", completes="choices=yes,no"),
    Option("mond_data", ("--mond-data",), "read what monitoring daemons said from a file", str,
           None, metavar="FILE", completes="file"),
    Option("mond_required", ("--exit-on-missing-mond-data",), "fail if a node's CPU load is not"
           " known"),
    Option("mond_xen", ("--mond-xen",), "use the CPU load that Xen tells of each guest"),
    Option("exclusion_tags", ("--exclusion-tags",), "instances with the same tag of these prefixes"
           " exclude each other", _names, [], metavar="PREFIX,...", completes="string"),
    Option("save", ("-S", "--save"), "write the cluster before and after, in text format, to files"
           " whose names start with FILE", str, None, metavar="FILE"),
    Option("no_capacity_checks", ("--no-capacity-checks",), "do not ask whether the cluster"
           " survives the loss of any node"),
    Option("restrict_allocation_to", ("--restrict-allocation-to",), "place on these nodes only",
           _names, None, metavar="NODE,...", completes="manynodes"),
    Option("disk_template", ("--disk-template",), "disk template of the new instances", str, None,
           metavar="TEMPLATE", completes="string"),
    Option("spindle_use", ("--spindle-use",), "spindle use of the new instances", _number, None,
           metavar="N", completes="integer"),
    Option("independent_groups", ("--independent-groups",), "groups that are not redundant now do"
           " not keep the others from being filled"),
    Option("accept_existing_errors", ("--accept-existing-errors",), "fill up in spite of nodes that"
           " are not redundant now"),
    Option("machine_readable", ("--machine-readable",), "print KEY=value lines", _yes_no, False,
           True, metavar="yes|no", completes="choices=yes,no"),
    Option("standard_alloc", ("--standard-alloc",), "size of the instances of the standard run:"
           " DISK,MEMORY,CPUS[,SPINDLES]", _spec, None, metavar="SPEC", completes="string"),
    Option("tiered_alloc", ("--tiered-alloc",), "size that the tiered run begins with:"
           " DISK,MEMORY,CPUS[,SPINDLES]", _spec, None, metavar="SPEC", completes="string"),
    Option("output_dir", ("-d", "--output-dir"), "where to write the files", str, ".",
           metavar="DIR", completes="dir"),
    Option("no_headers", ("--no-headers",), "print no head line"),
    Option("offline_maintenance", ("--offline-maintenance",), "instances are shut down: nodes only"
           " exclude each other as primary and secondary"),
    Option("node_tags", ("--node-tags",), "only nodes with one of these tags", _names, None,
           metavar="TAG,...", completes="string"),
    Option("print_moves", ("--print-moves",), "print the moves of instances that are needed"),
    Option("full_evacuation", ("--full-evacuation",), "free the nodes of secondaries too"),
    Option("skip_non_redundant", ("--skip-non-redundant",), "leave out nodes with instances that"
           " are on them only"),
    Option("ignore_non_redundant", ("--ignore-non-redundant",), "do not care where such instances"
           " go"),
    Option("force", ("-f", "--force"), "go on if it is not known which node is the master"),
    Option("one_step_only", ("--one-step-only",), "print the first group only"),
    Option("no_simulation", ("--no-simulation",), "judge the present state only"),
    Option("job_delay", ("--job-delay",), "seconds that repairs wait before they begin", _real,
           10.0, metavar="SECONDS", completes="float"),
    Option("dry_run", ("--dry-run",), "only tell what would be done"),
    Option("minimal_resources", ("--minimal-resources",), "online nodes when less than this many"
           " standard instances fit on each", _real, 2.0, metavar="FACTOR", completes="float"),
    Option("target_resources", ("--target-resources",), "keep room for this many standard"
           " instances on each node", _real, 2.0, metavar="FACTOR", completes="float"),
    Option("json", ("--json",), "print one JSON object instead of text"),
    Option("version", ("-V", "--version"), "print the version"),
    Option("help", ("-h", "--help"), "print this"),
    Option("help_completion", ("--help-completion",), "print the options for command completion"),
)
_BY_FLAG = {opt.flags[-1].lstrip("-"): opt for opt in _ALL}
_EVERYWHERE = ("version", "help", "help-completion")


def options(names: str) -> Sequence[Option]:
    """The options of these long names (blank separated), and those that every program has."""
    return [_BY_FLAG[name] for name in (*names.split(), *_EVERYWHERE)]
