"""`make bench`: print each row of the budget, write build/bench.json.

A row outside its budget is marked, it does not fail the run: times depend on what else the machine
does, the ratios less so.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import sys

from test.bench.rows import Row

#: Modules with a function rows() -> list of Row, in the order of the design's table.
SUBJECTS = ("cli", "master", "large", "rpc", "memory", "htools")


def _print(row: Row) -> None:
    ratio = "" if row.ratio is None else f"{row.ratio:6.2f} x {row.reference_name}"
    mark = "" if row.within else "  OVER BUDGET"
    print(f"{row.name:<58} {row.value:>9.2f} {row.unit:<5} {row.budget:<9} {ratio}{mark}",
          flush=True)


def main() -> int:
    wanted = sys.argv[1:] or SUBJECTS
    load = os.getloadavg()[0]
    print(f"{'what':<58} {'value':>9} {'unit':<5} {'budget':<9} ratio to a reference"
          f"   (load {load:.1f})")
    rows = []
    for subject in wanted:
        module = importlib.import_module(f"test.bench.bench_{subject}")
        for row in module.rows():
            _print(row)
            rows.append(row)
    target = pathlib.Path("build/bench.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps([
        {"name": row.name, "value": row.value, "unit": row.unit, "budget": row.budget,
         "reference": row.reference, "ratio": row.ratio} for row in rows], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
