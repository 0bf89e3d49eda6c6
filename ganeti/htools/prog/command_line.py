"""Reading the command line of the balancing programs, and ending them.

Options may have an optional value, which then is attached (-pFIELDS, --print-nodes=FIELDS); that is
why argparse does not fit, and it would double the time that --version takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

from ganeti import constants, errors

EXIT_USAGE = 2


class UsageError(Exception):
    """The command line is not understood."""


class Option(NamedTuple):
    """An option: `read` makes the value from the text, which None means it takes none."""

    dest: str
    flags: tuple[str, ...]
    help: str
    read: Callable[[str], Any] | None = None
    default: Any = False
    #: value if none is attached; only with it may the value be left out
    bare: Any = None
    repeat: bool = False
    step: int = 0
    metavar: str = "VALUE"
    completes: str = "none"

    @property
    def optional(self) -> bool:
        return self.read is not None and self.bare is not None

    def label(self) -> str:
        """How help shows it: all its flags, with what follows them."""
        if self.read is None:
            return ", ".join(self.flags)
        if self.optional:
            return ", ".join(f"{flag}[={self.metavar}]" if flag.startswith("--")
                             else f"{flag}[{self.metavar}]" for flag in self.flags)
        return ", ".join(f"{flag}={self.metavar}" if flag.startswith("--")
                         else f"{flag} {self.metavar}" for flag in self.flags)


class Options(SimpleNamespace):
    """What was asked for, an attribute an option, and the arguments."""

    args: list[str]


def parse(options: Sequence[Option], argv: Sequence[str]) -> Options:
    """Values of all options; raises UsageError."""
    result = Options(args=[], **{opt.dest: [] if opt.repeat else opt.default for opt in options})
    by_flag = {flag: opt for opt in options for flag in opt.flags}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            result.args += rest
            break
        if word.startswith("--"):
            _long(result, by_flag, word, rest)
        elif word.startswith("-") and word != "-":
            _short(result, by_flag, word, rest)
        else:
            result.args.append(word)
    return result


def _long(result: Options, by_flag: Mapping[str, Option], word: str, rest: list[str]) -> None:
    flag, given, value = word.partition("=")
    if flag not in by_flag:
        close = {by_flag[known].dest: known for known in by_flag if known.startswith(flag)}
        if len(close) != 1:
            raise UsageError(f"option {flag} is {'ambiguous' if close else 'unknown'}")
        flag = next(iter(close.values()))
    opt = by_flag[flag]
    if opt.read is None and given:
        raise UsageError(f"option {flag} takes no value")
    _store(result, opt, flag, value if given else None, rest)


def _short(result: Options, by_flag: Mapping[str, Option], word: str, rest: list[str]) -> None:
    letters = word[1:]
    while letters:
        flag, letters = f"-{letters[0]}", letters[1:]
        if flag not in by_flag:
            raise UsageError(f"option {flag} is unknown")
        opt = by_flag[flag]
        if opt.read is None:
            _store(result, opt, flag, None, rest)
        else:
            _store(result, opt, flag, letters or None, rest)
            return


def _store(result: Options, opt: Option, flag: str, text: str | None, rest: list[str]) -> None:
    if opt.read is None:
        value: Any = getattr(result, opt.dest) + opt.step if opt.step else True
    else:
        if text is None and opt.optional:
            value = opt.bare
        else:
            if text is None:
                if not rest:
                    raise UsageError(f"option {flag} needs a value")
                text = rest.pop(0)
            try:
                value = opt.read(text)
            except (ValueError, errors.UnitParseError) as err:
                raise UsageError(f"option {flag}: {err}") from None
    if opt.repeat:
        getattr(result, opt.dest).append(value)
    else:
        setattr(result, opt.dest, value)


def usage(program: str, options: Sequence[Option], arguments: str) -> str:
    """The text of --help."""
    lines = [f"Usage: {program} [OPTION...]{' ' + arguments if arguments else ''}", ""]
    for opt in options:
        flags = opt.label()
        lines.append(f"  {flags:<38}  {opt.help}" if len(flags) <= 38
                     else f"  {flags}\n{'':42}{opt.help}")
    return "\n".join(lines) + "\n"


def run(program: str, options: Sequence[Option], body: Callable[[Options], int],
        argv: Sequence[str] | None = None, *, arguments: str = "") -> int:
    """Parse, answer the questions that every program answers, run, and report errors."""
    try:
        opts = parse(options, sys.argv[1:] if argv is None else argv)
    except UsageError as err:
        print(f"Command line error: {err}", file=sys.stderr)
        print(usage(program, options, arguments), end="", file=sys.stderr)
        return EXIT_USAGE
    if opts.help:
        print(usage(program, options, arguments), end="")
        return constants.EXIT_SUCCESS
    if opts.version:
        print(f"{program} (ganeti) version {constants.RELEASE_VERSION}")
        return constants.EXIT_SUCCESS
    if opts.help_completion:
        for opt in options:
            print(f"{','.join(opt.flags)} {opt.completes}")
        return constants.EXIT_SUCCESS
    try:
        if opts.args and not arguments:
            raise errors.GenericError("This program doesn't take any arguments.")
        return body(opts)
    except errors.GenericError as err:
        print(f"Error: {err.args[0] if err.args else err}", file=sys.stderr)
        return constants.EXIT_FAILURE
    except BrokenPipeError:
        sys.stderr.close()
        return constants.EXIT_FAILURE
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return constants.EXIT_FAILURE
