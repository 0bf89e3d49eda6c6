"""The manual page of a tool in Markdown, read from its rows; no fact of a command is written here.

`doc/generate.py` turns the pages into HTML and into man pages (section 8).
"""

from __future__ import annotations

import importlib
import re

from ganeti.cli.command import COMMON_OPTIONS, EXIT_FAILURE, EXIT_SUCCESS, EXIT_USAGE, Tool
from ganeti.cli.option import Option

_SPECIAL = re.compile(r"([\\`*_\[\]<>{}|$#~])")

_EXIT = f"""## Exit status

`{EXIT_SUCCESS}`
: Done.

`{EXIT_FAILURE}`
: It failed, or was refused; the reason is on standard error.

`{EXIT_USAGE}`
: The options can not be understood.
"""

_ENVIRONMENT = """## Environment

`GANETI_ROOTDIR`, `GANETI_HOSTNAME`
: The tree and the name of a virtual node, on which the command then works.
"""


def escape(text: str) -> str:
    """Plain text, as Markdown that shows it unchanged."""
    return _SPECIAL.sub(r"\\\1", text)


def summary(tool: Tool) -> str:
    """What a tool is for: the docstring of its package, after the name."""
    first = (importlib.import_module(tool.package).__doc__ or "").strip().splitlines()[0]
    return first.removeprefix(f"{tool.name}:").strip().rstrip(".")


def markdown(tool: Tool) -> str:
    """The whole page."""
    parts = [
        f"# {tool.name}\n",
        "## Synopsis\n",
        f"`{tool.name} COMMAND [OPTIONS...] [ARGUMENTS...]`\n",
        "## Description\n",
        escape(f"{summary(tool)[0].upper()}{summary(tool)[1:]}.") + "\n",
        "Options come before the arguments. Names of commands and of options may be shortened as "
        "long as they stay clear; `--help` after a command shows its options.\n",
        "## Options of every command\n",
        *(_option(option) for option in COMMON_OPTIONS),
        "`-h, --help`\n: Show the usage and the options.\n",
        "## Commands\n",
        *(_command(tool, name) for name in sorted(tool.commands)),
        _EXIT,
        _environment(tool),
    ]
    return "\n".join(parts)


def _command(tool: Tool, name: str) -> str:
    command = tool.command(name)
    also = sorted(alias for alias, target in tool.aliases.items() if target == name)
    parts = [f"### {name}\n",
             f"`{command.usage(tool.name, name).removeprefix('Usage: ')}`\n",
             escape(command.help.rstrip(".")) + ".\n"]
    if also:
        parts.append(f"Also called {', '.join(f'`{alias}`' for alias in also)}.\n")
    parts.append(f"Example: `{command.example}`\n")
    parts += [_option(option) for option in command.options if option not in COMMON_OPTIONS]
    return "\n".join(parts)


def _option(option: Option) -> str:
    text = escape(option.help)
    if option.choices and set(option.placeholder.split("|")) != set(option.choices):
        text += f" ({', '.join(f'`{choice}`' for choice in sorted(option.choices))})"
    return f"`{option.label()}`\n: {text}\n"


def _environment(tool: Tool) -> str:
    rows = [f"`{variable}`\n: Words that go before those given to `{command}`.\n"
            for variable, command in sorted(tool.env_defaults.items())]
    return "\n".join([_ENVIRONMENT, *rows])
