"""Tables of nodes, instances and coefficients, as text; counts in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ganeti.htools import model
from ganeti.htools.load import text
from ganeti.htools.prog import declared
from ganeti.utils import io

if TYPE_CHECKING:
    from ganeti.htools.state import Ints, State

_STATUS_LETTERS = {"running": "R", "ADMIN_down": " ", "ADMIN_offline": "-", "ERROR_down": "!",
                   "ERROR_nodedown": "!", "ERROR_nodeoffline": "!", "ERROR_up": "!",
                   "ERROR_wrongnode": "!", "USER_down": " "}


class Field(NamedTuple):
    """A column of the node table: head, whether it is flush right, text for (state, node)."""

    head: str
    right: bool
    show: Callable[[Any, int], str]


def _row(number: int, form: str, divisor: int = 1) -> Callable[[Any, int], str]:
    def show(state: State, pos: int) -> str:
        value = state.raw[number, pos]
        return format(int(value) // divisor if form == "d" else value, form)
    return show


def _status(state: State, pos: int) -> str:
    return "-" if state.offline[pos] else "*" if state.fail_n1[pos] else " "


def _members(primary: bool) -> Callable[[Any, int], str]:
    def show(state: State, pos: int) -> str:
        where = state.pri if primary else state.sec
        found = [number for number in range(len(where)) if where[number] == pos]
        return "[" + ",".join(map(str, reversed(found))) + "]"
    return show


def _tags(state: State, pos: int) -> str:
    return ",".join(f"{name}={int(count)}" for name, count in
                    zip(state.exclusion_names, state.tag_count[pos], strict=True) if count)


def _peers(state: State, pos: int) -> str:
    row = state.peers[pos]
    return "[" + ",".join(f"({peer},{int(row[peer])})" for peer in row.nonzero()[0]) + "]"


def _present_free(state: State, pos: int) -> str:
    """Free memory as the node would report it now."""
    return str(int(state.raw[0, pos] + max(0.0, state.x_mem[pos]) - state.x_mem[pos]))


def _share(rows: Sequence[int], form: str) -> Callable[[Any, int], str]:
    def show(state: State, pos: int) -> str:
        return format(sum(state.raw[row, pos] * state.scale[row, pos] + state.base[row, pos]
                          for row in rows), form)
    return show


# rows of State.raw by number: the state module, and NumPy with it, is not needed for --help
NODE_FIELDS = {
    "idx": Field("Index", True, lambda state, pos: str(pos)),
    "name": Field("Name", False, lambda state, pos: state.cluster.nodes[pos].alias),
    "fqdn": Field("Name", False, lambda state, pos: state.cluster.nodes[pos].name),
    "status": Field("F", False, _status),
    "tmem": Field("t_mem", True, lambda state, pos: f"{state.t_mem[pos]:.0f}"),
    "nmem": Field("n_mem", True, lambda state, pos: f"{state.n_mem[pos]:.0f}"),
    "imem": Field("i_mem", True, lambda state, pos: str(int(
        state.t_mem[pos] - state.n_mem[pos] - max(0.0, state.x_mem[pos]) - state.raw[0, pos]))),
    "xmem": Field("x_mem", True, lambda state, pos: str(int(state.x_mem[pos]))),
    "fmem": Field("f_mem", True, lambda state, pos: f"{state.f_mem[pos]:.0f}"),
    "umem": Field("u_mem", True, _row(0, "d")),
    "rmem": Field("r_mem", True, lambda state, pos: str(int(state.r_mem[pos]))),
    "amem": Field("a_mem", True, lambda state, pos: str(int(
        max(0.0, state.raw[0, pos] - state.r_mem[pos])))),
    "tdsk": Field("t_dsk", True, lambda state, pos: f"{int(state.t_dsk[pos]) / 1024:.0f}"),
    "fdsk": Field("f_dsk", True, _row(1, "d", 1024)),
    "tcpu": Field("pcpu", True, lambda state, pos: f"{state.t_cpu[pos]:.0f}"),
    "ucpu": Field("vcpu", True, _row(3, "d")),
    "pcnt": Field("pcnt", True, lambda state, pos: str(int(state.pri_count[pos]))),
    "scnt": Field("scnt", True, lambda state, pos: str(int(state.sec_count[pos]))),
    "plist": Field("primaries", True, _members(True)),
    "slist": Field("secondaries", True, _members(False)),
    "pfmem": Field("p_fmem", True, _share((0,), ".4f")),
    "pfdsk": Field("p_fdsk", True, _share((1, 2), ".4f")),
    "rcpu": Field("r_cpu", True, _share((3,), "5.2f")),
    "cload": Field("lCpu", True, _row(4, "5.3f")),
    "mload": Field("lMem", True, _row(5, "5.3f")),
    "dload": Field("lDsk", True, _row(6, "5.3f")),
    "nload": Field("lNet", True, _row(7, "5.3f")),
    "ptags": Field("PrimaryTags", False, _tags),
    "peermap": Field("PeerMap", False, _peers),
    "spindle_count": Field("NodeSpindles", True, lambda state, pos: str(int(state.spindles[pos]))),
    "hi_spindles": Field("MaxSpindles", True, lambda state, pos: f"{state.hi_spn[pos]:.1f}"),
    "inst_spindles": Field("InstSpindles", True, _row(8, ".1f")),
}


def field_names(wanted: str) -> list[str]:
    """The columns that -p asks for; a leading + adds to the usual ones."""
    text_ = f"{declared.NODE_FIELDS},{wanted[1:]}" if wanted.startswith("+") else wanted
    names = text_.split(",")
    if unknown := [name for name in names if name not in NODE_FIELDS]:
        raise model.RequestError(f"There is no field {', '.join(unknown)} of nodes; there are: "
                                 + ", ".join(sorted(NODE_FIELDS)))
    return names


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool],
          prefix: str = "") -> list[str]:
    """Lines with columns as wide as needed, one blank between."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[pos]) for line in lines) for pos in range(len(head))]
    return [prefix + " ".join(cell.rjust(width) if flush else cell.ljust(width)
                              for cell, width, flush in zip(line, widths, right, strict=True))
            for line in lines]


def node_table(state: State, wanted: str) -> list[str]:
    """The nodes."""
    fields = [NODE_FIELDS[name] for name in field_names(wanted)]
    return table([field.head for field in fields],
                 [[field.show(state, pos) for field in fields]
                  for pos in range(state.node_count)],
                 [field.right for field in fields], " ")


def node_records(state: State) -> list[dict[str, Any]]:
    """The nodes for JSON: name, group, and the usual fields as numbers."""
    records = []
    for pos, node in enumerate(state.cluster.nodes):
        record: dict[str, Any] = {"name": node.name, "group": node.group,
                                  "offline": bool(state.offline[pos]),
                                  "n1_failure": bool(state.fail_n1[pos])}
        for name in declared.NODE_FIELDS.split(",")[2:]:
            record[name] = float(NODE_FIELDS[name].show(state, pos))
        records.append(record)
    return records


def instance_table(state: State) -> list[str]:
    """The instances."""
    nodes = state.cluster.nodes
    rows = []
    for pos, inst in enumerate(state.instances):
        sec = state.sec[pos]
        rows.append([
            _STATUS_LETTERS[inst.status], inst.alias, nodes[state.pri[pos]].alias,
            nodes[sec].alias if sec >= 0 else "", "Y" if inst.auto_balance else "N",
            f"{inst.vcpus:3d}", f"{inst.mem:5d}", f"{inst.dsk // 1024:5d}",
            *(f"{load:5.3f}" for load in inst.load)])
    head = ("F", "Name", "Pri_node", "Sec_node", "Auto_bal", "vcpu", "mem", "dsk", "lCpu", "lMem",
            "lDsk", "lNet")
    return table(head, rows, [False] * 5 + [True] * 7, " ")


def instance_records(state: State) -> list[dict[str, Any]]:
    """The instances for JSON."""
    return [{"name": inst.name, "status": inst.status, "nodes": list(state.placements(pos)),
             "memory": inst.mem, "disk": inst.dsk, "vcpus": inst.vcpus}
            for pos, inst in enumerate(state.instances)]


def coefficients(values: dict[str, float]) -> list[str]:
    """The components of the metric."""
    from ganeti.htools import score
    return table(("Field", "Value", "Weight"), [
        (component.name, f"{values[component.name]:.8f}", f"x{component.weight:.2f}")
        for component in score.COMPONENTS], (False, True, True), "   ")


def show_coefficients(title: str, state: State, nodes: Ints | None = None) -> None:
    """The score and the components of the metric, on standard error."""
    from ganeti.htools import score
    values = score.components(state, nodes)
    print("\n".join([f"{title} overall {score.total(values):.8f}", *coefficients(values)]),
          file=sys.stderr)


def show_tables(title: str, state: State, print_nodes: str | None, print_instances: bool) -> None:
    """What -p and --print-instances ask for, on standard error."""
    start = f"{title} " if title else ""
    if print_instances:
        lines = [f"{start or 'Instances '}instance map:", *instance_table(state)]
        print("\n" + "\n".join([_capital(lines[0]), *lines[1:]]), file=sys.stderr)
    if print_nodes:
        lines = [f"{start}cluster status:" if title else "Cluster status:",
                 *node_table(state, print_nodes)]
        print("\n" + "\n".join([_capital(lines[0]), *lines[1:]]) + "\n", file=sys.stderr)


def _capital(line: str) -> str:
    return line[:1].upper() + line[1:]


def count(number: int, thing: str) -> str:
    """1 node, 2 nodes."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def placed(state: State) -> model.Cluster:
    """The cluster with the placements, and what is left free, of a state."""
    import dataclasses
    nodes = [dataclasses.replace(
        node, f_mem=int(_present_free(state, pos)) if node.t_mem else 0,
        f_dsk=int(state.raw[1, pos]), f_spindles=int(state.raw[2, pos]))
        for pos, node in enumerate(state.cluster.nodes)]
    instances = []
    for pos, inst in enumerate(state.instances):
        names = state.placements(pos)
        instances.append(dataclasses.replace(
            inst, pnode=names[0], snode=names[1] if len(names) > 1 else ""))
    return dataclasses.replace(state.cluster, nodes=nodes, instances=instances)


def save(filename: str, state: State, what: str) -> None:
    """Write a state in text format."""
    write(filename, text.dump(placed(state)))
    print(f"The cluster state {what} has been written to file '{filename}'", file=sys.stderr)


def write(filename: str, content: str, mode: int = 0o644) -> None:
    """Write a file that the administrator named."""
    try:
        io.write_file(filename, content, mode=mode)
    except OSError as err:
        raise model.RequestError(f"Can not write {filename}: {err.strerror}") from err


def print_json(value: Any) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, indent=1))
