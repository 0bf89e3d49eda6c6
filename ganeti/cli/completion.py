"""Writes the bash completion of all commands: ``python3 -m ganeti.cli.completion``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Sequence

from ganeti.cli import command as kinds
from ganeti.cli.command import Arg, Tool
from ganeti.cli.option import Option
from ganeti.tools import programs

TOOLS = ("gnt-cluster", "gnt-node", "gnt-instance", "gnt-group", "gnt-network", "gnt-os",
         "gnt-backup", "gnt-storage", "gnt-job", "gnt-filter", "gnt-debug")

#: What is asked of ssconf or of the master for a kind of argument or option.
_SOURCES = {
    kinds.INSTANCE: "instances", kinds.NODE: "nodes", kinds.GROUP: "groups", kinds.OS: "oses",
    kinds.NETWORK: "networks", kinds.JOB: "jobs", "one_node": "nodes",
    "one_nodegroup": "groups", "one_os": "oses", "inst_add_nodes": "nodes",
    kinds.FILE: "files", kinds.COMMAND: "commands",
}

_HELPERS = r"""
_ganeti_ssconf() { cat "${GANETI_ROOTDIR}/var/lib/ganeti/ssconf_$1" 2>/dev/null; }

_ganeti_names() {
  case "$1" in
    nodes) _ganeti_ssconf node_list ;;
    instances) _ganeti_ssconf instance_list ;;
    groups) _ganeti_ssconf nodegroups | cut -d' ' -f2 ;;
    networks) _ganeti_ssconf networks | cut -d' ' -f2 ;;
    oses) gnt-os list --no-headers 2>/dev/null ;;
    jobs) gnt-job list --no-headers -o id 2>/dev/null ;;
    files) compgen -f -- "$cur" ;;
    commands) compgen -c -- "$cur" ;;
    *) printf '%s\n' $1 ;;
  esac
}

# options with a word, the option before the cursor -> what to offer
_ganeti_complete() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
  local tool="$1" names="$2" word index=0 position
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "$names" -- "$cur"))
    return
  fi
  word="${COMP_WORDS[1]//-/_}"
  local -n options="_ganeti_${tool}_${word}_options" values="_ganeti_${tool}_${word}_values"
  local -n arguments="_ganeti_${tool}_${word}_arguments"
  [ -n "${options+set}" ] || return
  if [ -n "${values[$prev]+set}" ]; then
    COMPREPLY=($(compgen -W "$(_ganeti_names "${values[$prev]}")" -- "$cur"))
    return
  fi
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
    return
  fi
  for ((position = 2; position < COMP_CWORD; position++)); do
    case "${COMP_WORDS[position]}" in
      -*) [ -n "${values[${COMP_WORDS[position]}]+set}" ] && ((position++)) ;;
      *) ((index++)) ;;
    esac
  done
  [ "$index" -ge "${#arguments[@]}" ] && index=$((${#arguments[@]} - 1))
  [ "$index" -ge 0 ] && COMPREPLY=($(compgen -W "$(_ganeti_names "${arguments[index]}")" -- "$cur"))
}
"""


_PROGRAM = r"""
# options with a word of the program
_ganeti_program() {
  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
  local -n options="_ganeti_$1_options" values="_ganeti_$1_values"
  if [ -n "${values[$prev]+set}" ] && [[ "$cur" != -* ]]; then
    COMPREPLY=($(compgen -W "$(_ganeti_names "${values[$prev]}")" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  fi
}
"""

#: The same for the words that follow options of the balancing programs.
_PROGRAM_SOURCES = {
    "onenode": "nodes", "manynodes": "nodes", "onegroup": "groups", "manyinstances": "instances",
    "file": "files", "dir": "files",
}


def _offer(kind: str, choices: Collection[str]) -> str:
    """What stands for a kind of word in the script."""
    return " ".join(choices) if choices else _SOURCES.get(kind, "")


def _option_words(options: Sequence[Option]) -> dict[str, str]:
    """Options that a word follows -> what is offered for it."""
    result: dict[str, str] = {}
    for option in options:
        if option.takes_word:
            words = _offer(option.completes or "", option.choices or (
                ("yes", "no") if option.type == "bool" else ()))
            result.update((name, words) for name in option.names)
    return result


def _argument(arg: Arg) -> str:
    return _offer(arg.kind, arg.choices)


def tool_script(tool: Tool) -> str:
    """The part for one tool."""
    short = tool.name.replace("-", "_")
    names = sorted([*tool.commands, *tool.aliases])
    lines = [f"# {tool.name}"]
    for name in names:
        command = tool.command(tool.aliases.get(name, name))
        prefix = f"_ganeti_{short}_{name.replace('-', '_')}"
        options = sorted(flag for option in command.options for flag in option.names)
        words = _option_words(command.options)
        values = " ".join(f"[{flag}]={_quote(words[flag])}" for flag in sorted(words))
        lines.append(f"{prefix}_options={_quote(' '.join([*options, '--help']))}")
        lines.append(f"declare -A {prefix}_values=({values})")
        lines.append(f"{prefix}_arguments=({' '.join(_quote(_argument(a)) for a in command.args)})")
    lines.append(f"_{short}() {{ _ganeti_complete {short} {_quote(' '.join(names))}; }}")
    lines.append(f"complete -F _{short} {tool.name}")
    return "\n".join(lines) + "\n"


def program_script(name: str) -> str:
    """The part for one balancing program, which has options only."""
    options = importlib.import_module(programs.COMMANDS[name]).OPTIONS
    flags = sorted(flag for option in options for flag in option.flags)
    words = {flag: _program_words(option.completes) for option in options
             if option.read is not None and not option.optional for flag in option.flags}
    values = " ".join(f"[{flag}]={_quote(words[flag])}" for flag in sorted(words))
    return (f"# {name}\n_ganeti_{name}_options={_quote(' '.join(flags))}\n"
            f"declare -A _ganeti_{name}_values=({values})\n"
            f"_{name}() {{ _ganeti_program {name}; }}\ncomplete -F _{name} {name}\n")


def _program_words(kind: str) -> str:
    if kind.startswith("choices="):
        return kind.removeprefix("choices=").replace(",", " ")
    return _PROGRAM_SOURCES.get(kind, "")


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def load_tool(name: str) -> Tool:
    """A tool by its name."""
    tool: Tool = importlib.import_module(f"ganeti.client.{name.replace('-', '_')}").TOOL
    return tool


def script() -> str:
    """The whole script."""
    head = "# Completion of the gnt-* commands and the balancing programs; source it from bash.\n"
    return "\n".join([head + _HELPERS, *(tool_script(load_tool(name)) for name in TOOLS), _PROGRAM,
                      *(program_script(name) for name in programs.COMMANDS if name not in TOOLS)])


if __name__ == "__main__":
    sys.stdout.write(script())
