"""A command is a row, and a tool is a table of such rows."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganeti.cli.option import COUNT, HelpWanted, Option, UsageError, Values, parse

EXIT_SUCCESS, EXIT_FAILURE, EXIT_USAGE = 0, 1, 2

#: Every command has these.
COMMON_OPTIONS = [
    Option("-d", "--debug", dest="debug", action=COUNT, default=0,
           help="Show more of what is going on; may be repeated"),
    Option("--reason", dest="reason", help="Why this is done; kept with the job"),
]

INSTANCE, NODE, GROUP, NETWORK = "instance", "node", "group", "network"
OS, JOB, HOST, FILE, FILTER = "os", "jobid", "host", "file", "filter"
UNKNOWN, CHOICE, SUGGEST, COMMAND = "unknown", "choice", "suggest", "command"


class Arg:
    """One argument of a command, or several of one kind."""

    __slots__ = ("choices", "kind", "label", "max", "min")

    def __init__(self, kind: str, min: int = 1, max: int | None = 1, *,
                 choices: Sequence[str] = (), label: str | None = None) -> None:
        self.kind = kind
        self.min = min
        self.max = max
        self.choices = tuple(choices)
        self.label = label

    def usage(self) -> str:
        """How the usage line shows it."""
        word = self.label or ("|".join(self.choices) if self.kind == CHOICE else self.kind)
        word = f"{{{word}}}" if self.kind == CHOICE else f"<{word}>"
        if self.max == 1:
            return word if self.min else f"[{word}]"
        if self.max is not None and self.max == self.min:
            return " ".join([word] * self.max)
        return f"{word}..." if self.min else f"[{word}...]"


def one(kind: str, label: str | None = None) -> Arg:
    """Exactly one."""
    return Arg(kind, 1, 1, label=label)


def many(kind: str, minimum: int = 0, label: str | None = None) -> Arg:
    """Any number, but at least this."""
    return Arg(kind, minimum, None, label=label)


class Command:
    """What a command does, takes and is called."""

    def __init__(self, function: Callable[[Values, list[str]], int | None], *, help: str,
                 example: str, args: Sequence[Arg] = (), options: Sequence[Option] = (),
                 values: Mapping[str, Any] | None = None) -> None:
        """
        :param help: what it does, in a sentence
        :param example: a whole command line that can be typed
        :param values: fixed values that the function reads like options
        """
        self.function = function
        self.help = help
        self.example = example
        self.args = tuple(args)
        self.options = [*COMMON_OPTIONS, *options]
        self.values = dict(values or {})

    def check_count(self, name: str, args: Sequence[str]) -> None:
        """Refuse a wrong number of arguments."""
        least = sum(arg.min for arg in self.args)
        most: int | None = 0
        for arg in self.args:
            most = None if most is None or arg.max is None else most + arg.max
        if not args and not most and most is not None:
            return
        if most == 0:
            raise ArgumentError(f"Error: Command {name} expects no arguments")
        if most == least and len(args) != least:
            raise ArgumentError(f"Error: Command {name} expects {least} argument(s)")
        if most is not None and len(args) > most:
            raise ArgumentError(f"Error: Command {name} expects only {most} argument(s)")
        if len(args) < least:
            raise ArgumentError(f"Error: Command {name} expects at least {least} argument(s)")

    def check_choices(self, args: Sequence[str]) -> None:
        """Refuse a word that an argument of few words does not know."""
        for arg, word in zip(self.args, args, strict=False):
            if arg.max != 1:
                return
            if arg.kind == CHOICE and word not in arg.choices:
                raise ArgumentError(f"Error: '{word}' is not possible here; "
                                    f"choose from {', '.join(arg.choices)}")

    def usage(self, tool: str, name: str) -> str:
        """The usage line."""
        return " ".join(["Usage:", tool, name, "[options...]",
                         *(arg.usage() for arg in self.args)])

    def help_text(self, tool: str, name: str) -> str:
        """What --help prints."""
        lines = [self.usage(tool, name), "", self.help, "", f"Example: {self.example}", "",
                 "Options:"]
        for option in self.options:
            lines += _option_help(option)
        lines += _option_help(Option("-h", "--help", dest="help", action=COUNT,
                                     help="Show this text"))
        return "\n".join(lines) + "\n"


class ArgumentError(Exception):
    """The number or the words of the arguments are wrong."""


def _option_help(option: Option) -> list[str]:
    import textwrap
    label = f"  {option.label()}"
    text = option.help
    if option.takes_word and len(option.choices) > 5:
        text += f" ({', '.join(sorted(option.choices))})"
    width, column = 96, 34
    body = textwrap.wrap(text, width - column) or [""]
    if len(label) < column - 1:
        return [label.ljust(column) + body[0], *[" " * column + line for line in body[1:]]]
    return [label, *[" " * column + line for line in body]]


class Tool:
    """A program with its commands."""

    def __init__(self, name: str, commands: Mapping[str, str], *,
                 aliases: Mapping[str, str] | None = None,
                 env_defaults: Mapping[str, str] | None = None) -> None:
        """
        :param commands: name -> "module:ROW" below the tool's package, imported when used
        :param aliases: other names of commands
        :param env_defaults: variable whose words go before those given -> command
        """
        self.name = name
        self.package = f"ganeti.client.{name.replace('-', '_')}"
        self.commands = dict(commands)
        self.aliases = dict(aliases or {})
        self.env_defaults = dict(env_defaults or {})

    def command(self, name: str) -> Command:
        """The row of a command."""
        module, _, row = self.commands[name].partition(":")
        home = module if module.startswith("ganeti.") else f"{self.package}.{module}"
        command: Command = getattr(importlib.import_module(home), row)
        return command

    def find(self, word: str) -> str | None:
        """The name of the command that a word means: itself, an alias, or a clear beginning."""
        if word in self.commands:
            return word
        if word in self.aliases:
            return self.aliases[word]
        matches = {self.aliases.get(name, name) for name in (*self.commands, *self.aliases)
                   if name.startswith(word)}
        return matches.pop() if len(matches) == 1 and word else None

    def usage(self) -> str:
        """What the tool prints when no command is given."""
        lines = [f"Usage: {self.name} {{command}} [options...] [argument...]",
                 f"{self.name} <command> --help to see details", "", "Commands:"]
        width = max(len(name) for name in self.commands)
        lines += [f" {name.ljust(width)} - {self.command(name).help}"
                  for name in sorted(self.commands)]
        return "\n".join(lines) + "\n"

    def _env_words(self, name: str) -> list[str]:
        import shlex
        for variable, command in self.env_defaults.items():
            if command == name and os.environ.get(variable):
                return shlex.split(os.environ[variable])
        return []

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run the tool; the exit status."""
        words = list(sys.argv[1:] if argv is None else argv)
        if not words:
            sys.stdout.write(self.usage())
            return EXIT_FAILURE
        if words[0] == "--version":
            from ganeti.constants import versions
            print(f"{self.name} (ganeti {versions.VCS_VERSION}) {versions.RELEASE_VERSION}")
            return EXIT_SUCCESS
        if words[0] in ("--help", "-h"):
            sys.stdout.write(self.usage())
            return EXIT_SUCCESS
        name = self.find(words[0])
        if name is None:
            from ganeti import ht
            sys.stdout.write(self.usage())
            sys.stderr.write(f"{self.name} has no command '{words[0]}'"
                             f"{ht.nearest_hint(words[0], self.commands)}\n")
            return EXIT_FAILURE
        return self._run(name, [*self._env_words(name), *words[1:]])

    def _run(self, name: str, words: Sequence[str]) -> int:
        from ganeti.cli import commandlog, report
        command = self.command(name)
        try:
            values, args = parse(command.options, words)
            command.check_count(name, args)
            command.check_choices(args)
        except HelpWanted:
            sys.stdout.write(command.help_text(self.name, name))
            return EXIT_SUCCESS
        except UsageError as err:
            sys.stderr.write(f"{command.usage(self.name, name)}\n\n"
                             f"{self.name}: error: {err}\n")
            return EXIT_USAGE
        except ArgumentError as err:
            sys.stderr.write(f"{err}\n")
            return EXIT_FAILURE
        except report.SHOWN_ERRORS as err:
            return report.show(err)
        for key, value in command.values.items():
            setattr(values, key, value)
        values.tool, values.command = self.name, name
        commandlog.note(self.name, name, words, command.options)
        return report.guarded(command.function, values, args)
