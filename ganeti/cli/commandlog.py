"""commands.log: who typed which command, for the administrator who looks back."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from ganeti.cli.option import Option

_SECRET_TYPES = ("keyprivateval",)
_HIDDEN = "<redacted>"


def note(tool: str, command: str, words: Sequence[str], options: Sequence[Option]) -> None:
    """Add a line about a command that begins; values of secret options are left out.

    People who may not write to the log directory use the commands all the same: for them, and on
    a machine that is no node, nothing is noted.
    """
    import shlex

    from ganeti import pathutils
    text = " ".join(shlex.quote(word) for word in [command, *without_secrets(words, options)])
    now = time.time()
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    who = os.environ.get("SUDO_USER") or os.environ.get("LOGNAME") or _user()
    line = (f"{stamp},{int(now % 1 * 1000):03d}: {tool} pid={os.getpid()} INFO {who} runs:"
            f" {text}\n").replace("\n", "\\n")[:-2] + "\n"
    try:
        fd = os.open(pathutils.LOG_COMMANDS,
                     os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError:
        return
    try:
        os.write(fd, line.encode("utf-8", "backslashreplace"))
    except OSError:
        return  # a full disk must not keep anybody from mending it
    finally:
        os.close(fd)


def _user() -> str:
    import pwd
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def without_secrets(words: Sequence[str], options: Sequence[Option]) -> list[str]:
    """The words of a command line, with a mark in place of what is secret."""
    secret = [name for option in options if option.type in _SECRET_TYPES for name in option.names]
    shown: list[str] = []
    hide = False
    for word in words:
        name, equals, _value = word.partition("=")
        is_secret = len(name) > 2 and any(full.startswith(name) for full in secret)
        if hide:
            shown.append(_HIDDEN)
        elif is_secret and equals:
            shown.append(f"{name}={_HIDDEN}")
        else:
            shown.append(word)
        hide = is_secret and not equals and not hide
    return shown
