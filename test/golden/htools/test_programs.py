"""What the balancing programs print for a small cluster; `python -m` of this writes it anew."""

import contextlib
import importlib
import io
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent
CASES = {
    "hinfo.out": ("hinfo", ["-v"]),
    "hinfo-tables.out": ("hinfo", ["-p", "--print-instances"]),
    "hbal.out": ("hbal", ["-C", "-p+ptags,peermap,plist", "--print-instances"]),
    "hbal-verbose.out": ("hbal", ["-v", "-v"]),
    "hbal-evacuate.out": ("hbal", ["-E", "-C"]),
    "hroller.out": ("hroller", ["--print-moves"]),
    "hroller-evacuate.out": ("hroller", ["--print-moves", "--full-evacuation"]),
    "hroller-help.out": ("hroller", ["--help"]),
    "hcheck.out": ("hcheck", []),
    "hcheck-machine.out": ("hcheck", ["--machine-readable"]),
    "hspace.out": ("hspace", ["-l", "3", "-p"]),
    "hspace-machine.out": ("hspace", ["-l", "3", "--machine-readable"]),
    "hail-help.out": ("hail", ["--help"]),
    "hspace-help.out": ("hspace", ["--help"]),
    "hcheck-help.out": ("hcheck", ["--help"]),
    "hbal-help.out": ("hbal", ["--help"]),
    "hinfo-help.out": ("hinfo", ["--help"]),
    "hsqueeze.out": ("hsqueeze", ["-C", "-v"]),
    "hsqueeze-online.out": ("hsqueeze", ["-C", "-v", "--minimal-resources=60"]),
    "hsqueeze-help.out": ("hsqueeze", ["--help"]),
    "hscan-help.out": ("hscan", ["--help"]),
    "harep-help.out": ("harep", ["--help"]),
}
#: What is not about the small cluster.
INPUT = {"hsqueeze": ["-t", str(HERE / "shared.txt")], "harep": [], "hscan": []}


def output(program: str, arguments: list[str]) -> str:
    """Standard output and error of a run on a small cluster."""
    module = importlib.import_module(f"ganeti.htools.prog.{program}")
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = module.main([*INPUT.get(program, ["-t", str(HERE / "small.txt")]), *arguments])
    return f"{out.getvalue()}exit {status}\n"


@pytest.mark.parametrize("name", CASES)
def test_output_is_as_recorded(name):
    assert output(*CASES[name]) == (HERE / name).read_text()


if __name__ == "__main__":
    for case, call in CASES.items():
        (HERE / case).write_text(output(*call))
