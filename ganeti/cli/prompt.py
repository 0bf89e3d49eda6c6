"""Questions to the person at the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ganeti.cli.report import to_stderr, to_stdout

#: answer -> (what is typed, what it means)
YES_NO = (("y", True, "Yes, do it"), ("n", False, "No, leave it"))
_VIEW = "v"
_LONG_LIST = 20


def ask(question: str, choices: Sequence[tuple[str, object, str]] = YES_NO) -> object:
    """Ask on the terminal; the last choice is the default, and taken when there is no terminal."""
    default = choices[-1]
    try:
        terminal = open("/dev/tty", "r+b", buffering=0)  # noqa: SIM115 - closed below
    except OSError:
        to_stderr(f"{question}\nThere is no terminal to answer on, so it is not done; --help tells"
                  " which option answers beforehand.")
        return default[1]
    with terminal:
        letters = [letter for letter, _value, _text in choices[:-1]]
        hint = "/".join([*letters, f"[{default[0]}]", "?"])
        answers = {letter: value for letter, value, _text in choices}
        while True:
            terminal.write(f"{question}\n{hint}: ".encode())
            line = terminal.readline().decode("utf-8", "replace")
            if not line:
                return default[1]
            word = line.strip().lower()
            if word in answers:
                return answers[word]
            if not word:
                return default[1]
            if word == "?":
                texts = "\n".join(f" {letter} - {text}" for letter, _value, text in choices)
                terminal.write(f"{texts}\n".encode())


def confirm(question: str) -> bool:
    """A question that is answered with yes or no."""
    return bool(ask(question))


def confirm_many(names: Sequence[str], kind: str, operation: str, extra: str = "") -> bool:
    """Ask whether an operation shall be done to all of these."""
    listing = "".join(f"\n  {name}" for name in names)
    question = (f"The {operation} will operate on {len(names)} {kind}.\n{extra}"
                "Do you want to continue?")
    if len(names) <= _LONG_LIST:
        return bool(ask(f"{question}\nAffected {kind}:{listing}"))
    choices = (YES_NO[0], (_VIEW, _VIEW, f"View the list of affected {kind}"), YES_NO[1])
    answer = ask(question, choices)
    while answer == _VIEW:
        to_stdout(f"Affected {kind}:{listing}")
        answer = ask(question, choices)
    return bool(answer)
