"""What a resource is configured to, read from ``drbdsetup show``.

The text is nested: ``name words;`` and ``name words { ... }``, with comments after ``#``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ganeti import errors

_TOKEN = re.compile(r'\s*(?:#[^\n]*|"(?P<quoted>[^"]*)"|(?P<mark>[{};])|(?P<word>[^\s{};"#]+))')


@dataclass(slots=True)
class Section:
    """A block: its values by name, and the blocks in it as (name with its words, block)."""

    values: dict[str, list[str]] = field(default_factory=dict)
    sections: list[tuple[list[str], Section]] = field(default_factory=list)

    def section(self, *names: str) -> Section:
        """The first block of a path of names; an empty one where there is none."""
        found = self
        for name in names:
            found = next((block for words, block in found.sections if words[0] == name),
                         Section())
        return found

    def value(self, name: str) -> str | None:
        """The words of a value as one text."""
        return " ".join(self.values[name]) if name in self.values else None


@dataclass(frozen=True, slots=True)
class Configured:
    """A resource with one volume: volumes below it, ends of its connection, options."""

    data: str | None = None
    meta: str | None = None
    #: Ends as "ipv4:192.0.2.1:11000"
    local: str | None = None
    remote: str | None = None
    two_primaries: bool = False
    #: Version 9 keeps a peer in mind that it does not look for any more
    idle_peer: bool = False


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """(token, is a mark) one by one."""
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise errors.BlockDeviceError(
                f"Can not read this of 'drbdsetup show': {text[position:position + 40]!r}")
        position = match.end()
        if match["mark"]:
            yield match["mark"], True
        elif match["quoted"] is not None or match["word"]:
            yield match["quoted"] if match["quoted"] is not None else match["word"], False


def parse(text: str) -> Section:
    """The nested blocks of the output."""
    root = Section()
    stack, words = [root], list[str]()
    for token, mark in _tokens(text):
        if not mark:
            words.append(token)
            continue
        if token == "{" and words:
            block = Section()
            stack[-1].sections.append((words, block))
            stack.append(block)
        elif token == ";" and words:
            stack[-1].values[words[0]] = words[1:]
        elif token == "}" and not words and len(stack) > 1:
            stack.pop()
        else:
            raise errors.BlockDeviceError(f"Unexpected '{token}' in the output of drbdsetup show")
        words = []
    if len(stack) != 1 or words:
        raise errors.BlockDeviceError("The output of 'drbdsetup show' ends too early")
    return root


def configured(text: str) -> Configured:
    """What the output of ``drbdsetup show RESOURCE`` tells, of either version."""
    resource = parse(text).section("resource")
    volume = resource.section("_this_host", "volume")
    connection = resource.section("connection")
    path = connection.section("path")
    local = path.value("_this_host") or resource.section("_this_host").value("address")
    remote = path.value("_remote_host") or resource.section("_remote_host").value("address")
    idle = "_is_standalone" in connection.values
    if idle:
        local = remote = None
    net = connection.section("net") if connection.sections else resource.section("net")
    return Configured(
        data=_path(volume, "disk"), meta=_path(volume, "meta-disk"), local=_address(local),
        remote=_address(remote), two_primaries=net.value("allow-two-primaries") == "yes",
        idle_peer=idle)


def _path(volume: Section, name: str) -> str | None:
    words = volume.values.get(name)
    return words[0] if words and words[0] != "none" else None


def _address(text: str | None) -> str | None:
    """``ipv4 192.0.2.1:11000`` as it is given to commands."""
    return None if text is None else text.replace(" ", ":", 1)
