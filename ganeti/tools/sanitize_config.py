"""sanitize-config: a copy of config.data that can be given to others.

Secrets always go. Names, addresses, logical volumes and OS names are replaced by others of the
same shape, the same one everywhere, so that what belonged together still does.
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import random
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ganeti import constants, errors, objects, pathutils, serializer
from ganeti.storage import registry as storage
from ganeti.tools import cfgupgrade
from ganeti.utils import io

NAME = "sanitize-config"
_WORDS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ADDRESSES = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*::?[0-9A-Fa-f:.]+)")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_GONE = "sanitized"
#: How many parts the logical id of a mirrored disk and of a logical volume has.
_WITH_SECRET, _VOLUME = 6, 2

Replace = Callable[[str], str]


def _yes_no(word: str) -> bool:
    if word.lower() not in _YES_NO:
        raise argparse.ArgumentTypeError(f"'{word}' is neither yes nor no")
    return _YES_NO[word.lower()]


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False,
        description="Write a copy of the configuration without what others must not know.")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell what is replaced")
    parser.add_argument("--path", dest="CONFIG_DATA_PATH", default=pathutils.CLUSTER_CONF_FILE,
                        metavar="FILE", help="the configuration (default: %(default)s)")
    for what, default in (("names", "yes"), ("ips", "yes"), ("lvs", "no"), ("os-names", "yes")):
        parser.add_argument(f"--sanitize-{what}", type=_yes_no, default=_YES_NO[default],
                            metavar="yes|no", help=f"replace {what} (default: {default})")
    parser.add_argument("--no-randomization", action="store_true",
                        help="replace the same by the same in every run")
    parser.add_argument("--base-domain", default="example.com",
                        help="domain of the new names (default: %(default)s)")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    parser.add_argument("output", nargs="?", help="file to write (default: the standard output)")
    return parser.parse_args(argv)


def _walk(value: Any, replace: Replace) -> Any:
    """Replace in every text of a tree, names of keys included."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, dict):
        return {replace(key): _walk(item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, replace) for item in value]
    return value


def _disks(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pending = list(tree.get("disks", {}).values())
    while pending:
        disk = pending.pop()
        yield disk
        pending.extend(disk.get("children") or [])


def remove_secrets(tree: dict[str, Any]) -> None:
    """Keys, certificates' digests, DRBD secrets, parameters of OS definitions."""
    cluster = tree["cluster"]
    for key in ("rsahostkeypub", "dsahostkeypub"):
        if key in cluster:
            cluster[key] = _GONE
    cluster["candidate_certs"] = {uuid: hashlib.sha1(uuid.encode()).hexdigest()
                                  for uuid in cluster.get("candidate_certs", {})}
    _blank(cluster.get("osparams_private_cluster", {}))
    _blank(cluster.get("osparams", {}))
    for instance in tree.get("instances", {}).values():
        _blank({"": instance.get("osparams", {}), "private": instance.get("osparams_private", {})})
    for disk in _disks(tree):
        if len(disk["logical_id"]) == _WITH_SECRET:
            disk["logical_id"][-1] = _GONE


def _blank(groups: dict[str, dict[str, Any]]) -> None:
    for values in groups.values():
        for key in values:
            values[key] = _GONE


class Names:
    """New names for the old ones, found as words in any text."""

    def __init__(self) -> None:
        self.table: dict[str, str] = {}

    def add(self, kind: str, names: list[str], suffix: str, chance: random.Random | None) -> None:
        """Name things of a kind; in their order, or shuffled."""
        numbers = list(range(1, len(names) + 1))
        if chance is not None:
            chance.shuffle(numbers)
        for number, name in zip(numbers, names, strict=True):
            self.table.setdefault(name, f"{kind}{number}{suffix}")

    def replace(self, text: str) -> str:
        """A text with its words replaced."""
        if text in self.table:
            return self.table[text]
        return _WORDS.sub(lambda match: self.table.get(match.group(), match.group()), text)


def _names(tree: dict[str, Any], container: str) -> list[str]:
    return sorted({item["name"] for item in tree.get(container, {}).values() if item.get("name")})


def name_table(tree: dict[str, Any], domain: str, chance: random.Random | None) -> Names:
    """New names for the cluster and for all that has a name."""
    names = Names()
    names.table[tree["cluster"]["cluster_name"]] = f"cluster.{domain}"
    names.add("node", _names(tree, "nodes"), f".{domain}", chance)
    names.add("instance", _names(tree, "instances"), f".{domain}", chance)
    names.add("network", _names(tree, "networks"), "", chance)
    names.add("group", [name for name in _names(tree, "nodegroups") if name != "default"], "",
              chance)
    return names


def volume_table(tree: dict[str, Any], chance: random.Random | None) -> Names:
    """New names for logical volumes."""
    volumes = sorted({disk["logical_id"][1] for disk in _disks(tree)
                      if storage.template(disk.get("dev_type", "")).uses_lvm
                      and len(disk["logical_id"]) == _VOLUME})
    names = Names()
    names.add("lv", volumes, "", chance)
    return names


def os_table(tree: dict[str, Any], chance: random.Random | None) -> Names:
    """New names for OS definitions (variants keep theirs)."""
    cluster = tree["cluster"]
    full = [instance.get("os", "") for instance in tree.get("instances", {}).values()]
    for key in ("os_hvp", "osparams", "osparams_private_cluster", "hidden_os", "blacklisted_os"):
        full += list(cluster.get(key, ()))
    names = Names()
    names.add("os", sorted({name.partition("+")[0] for name in full if name}), "", chance)
    return names


def _replace_os(tree: dict[str, Any], names: Names) -> None:
    """Only where OS names stand: they may be words like any other."""
    cluster = tree["cluster"]
    for key in ("os_hvp", "osparams", "osparams_private_cluster"):
        cluster[key] = {names.replace(name): value
                        for name, value in cluster.get(key, {}).items()}
    for key in ("hidden_os", "blacklisted_os"):
        cluster[key] = [names.replace(name) for name in cluster.get(key, [])]
    for instance in tree.get("instances", {}).values():
        if instance.get("os"):
            instance["os"] = names.replace(instance["os"])


class Addresses:
    """Other addresses of the same structure: two that shared a prefix still do.

    The last bits, which number the hosts of the smallest network, stay, so that address pools fit.
    """

    def __init__(self, key: bytes, networks: list[str]) -> None:
        self._key = key
        lengths = [ipaddress.ip_network(text, strict=False) for text in networks]
        self._bits = {4: min([16, *(n.prefixlen for n in lengths if n.version == 4)]),
                      6: min([64, *(n.prefixlen for n in lengths if n.version == 6)])}
        self._known: dict[str, str] = {}

    def replace(self, text: str) -> str:
        """A text with its addresses replaced."""
        return _ADDRESSES.sub(lambda match: self._one(match.group()), text)

    def _one(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = self._map(text)
        return self._known[text]

    def _map(self, text: str) -> str:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified or address.is_link_local:
            return text
        width, kept = address.max_prefixlen, self._bits[address.version]
        bits = f"{int(address):0{width}b}"
        changed = [self._flip(address.version, bits, index) if index < kept else bits[index]
                   for index in range(width)]
        return str(type(address)(int("".join(changed), 2)))

    def _flip(self, version: int, bits: str, index: int) -> str:
        """A bit, turned or not as the key and the bits before it decide."""
        if version == 4 and index < 3:
            return "110"[index]  # an address like those of hosts: 192 to 223
        text = f"{version}:{bits[:index]}".encode()
        turned = hashlib.blake2b(text, key=self._key, digest_size=1).digest()[0] & 1
        return str(int(bits[index]) ^ turned)


def sanitize(tree: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """The configuration without what the options say."""
    chance = None if options.no_randomization else random.SystemRandom()
    remove_secrets(tree)
    if options.sanitize_os_names:
        _replace_os(tree, _told(os_table(tree, chance), options))
    if options.sanitize_names:
        names = _told(name_table(tree, options.base_domain, chance), options)
        tree = _walk(tree, names.replace)
    if options.sanitize_lvs:
        tree = _walk(tree, _told(volume_table(tree, chance), options).replace)
    if options.sanitize_ips:
        networks = [network[key] for network in tree.get("networks", {}).values()
                    for key in ("network", "network6") if network.get(key)]
        key = b"same in every run" if options.no_randomization else secrets.token_bytes(32)
        tree = _walk(tree, Addresses(key, networks).replace)
    return tree


def _told(names: Names, options: argparse.Namespace) -> Names:
    if options.verbose:
        for old, new in sorted(names.table.items()):
            print(f"{old} -> {new}", file=sys.stderr)
    return names


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parse(argv)
    try:
        tree = sanitize(cfgupgrade.read_tree(options.CONFIG_DATA_PATH), options)
        if tree["version"] == constants.CONFIG_VERSION:
            objects.ConfigData.from_dict(tree)
        text = serializer.dumps(tree, indent=2) + "\n"
        if options.output in (None, "-"):
            sys.stdout.write(text)
        else:
            io.write_file(options.output, text, mode=0o600)
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    except OSError as err:
        print(f"{NAME}: {err.filename}: {err.strerror}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
