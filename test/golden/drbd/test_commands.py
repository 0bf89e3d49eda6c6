"""The command lines of DRBD 8.4 and 9, each action of a device's life in its order.

Those of 8.4 were run on real machines (test/lab/test_drbd.py); those of 9 follow the help texts of
drbd-utils 9.22, and no kernel with DRBD 9 was there to run them.
"""

from __future__ import annotations

import os
import pathlib
import shlex

import pytest

from ganeti import constants
from ganeti.storage.drbd import dialect

HERE = pathlib.Path(__file__).parent
PLAIN = constants.DISK_TABLES[constants.DT_DRBD8].defaults()
TUNED = {**PLAIN, "dynamic-resync": True, "c-max-rate": 100000, "disk-barriers": "bf",
         "meta-barriers": True, "protocol": "A", "disk-custom": "--al-extents=257",
         "net-custom": "--max-buffers 4000 --sndbuf-size=0"}
DATA, META = "/dev/xenvg/u.disk0_data", "/dev/xenvg/u.disk0_meta"


def ends(local: str = "192.0.2.1", remote: str = "192.0.2.2") -> dialect.Ends:
    return dialect.Ends(minor=3, node_id=0, peer_id=1, local=dialect.endpoint(local, 11000),
                        remote=dialect.endpoint(remote, 11000))


def life(language: dialect.Dialect, params: dict, here: dialect.Ends) -> list[tuple[str, list]]:
    assert here.local and here.remote
    options = dialect.connection_options(params, "SECRET", two_primaries=False)
    two = dialect.connection_options(params, "SECRET", two_primaries=True)
    return [
        ("create", [language.create_meta(3, META)]),
        ("make", [language.new_resource(here), language.new_minor(here)]),
        ("attach", [language.apply_log(3, META), language.attach(3, DATA, META, 128, params)]),
        ("attach, whatever size", [language.attach(3, DATA, META, 0, params)]),
        ("connect", language.connect(here, options)),
        ("connect with two primaries", language.connect(here, two)),
        ("connect and discard", language.connect(here, options, discard=True)),
        ("speed", language.sync(here, params)),
        ("options while in use", [language.disk_options(3, params),
                                  language.change_net(here, dialect.net_options(params))]),
        ("roles", [language.primary(here), language.primary(here, force=True),
                   language.secondary(here)]),
        ("pause", [language.pause(here, True), language.pause(here, False)]),
        ("grow", [language.resize(3, 192)]),
        ("look", [language.show(here), language.generation(here),
                  language.stored_generation(here, META)]),
        ("disconnect", language.disconnect(here, here.local, here.remote)),
        ("forget the peer", language.forget_peer(here)),
        ("end", [language.detach(3), language.down(here)]),
    ]


@pytest.mark.parametrize(("major", "name", "params"), [
    (8, "plain", PLAIN), (8, "tuned", TUNED), (9, "plain", PLAIN), (9, "tuned", TUNED)])
def test_golden(major, name, params):
    """UPDATE_GOLDEN=1 writes the files anew; the diff shows what a change does to users."""
    text = "".join(f"# {action}\n" + "".join(shlex.join(argv) + "\n" for argv in lines)
                   for action, lines in life(dialect.of_version(major), params, ends()))
    path = HERE / f"drbd{major}-{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


def test_addresses_of_both_versions_of_ip():
    here = ends("2001:db8::1", "2001:db8::2")
    [connect] = dialect.of_version(8).connect(here, [])
    assert connect[-2:] == ["ipv6:[2001:db8::1]:11000", "ipv6:[2001:db8::2]:11000"]


@pytest.mark.parametrize(("letters", "wanted"), [
    ("n", []), ("b", ["--disk-barrier=no"]), ("d", ["--disk-drain=no"]),
    ("bf", ["--disk-barrier=no", "--disk-flushes=no"]),
    ("bdf", ["--disk-barrier=no", "--disk-flushes=no", "--disk-drain=no"])])
def test_letters_of_barriers(letters, wanted):
    params = {**PLAIN, "disk-barriers": letters}
    assert dialect.barrier_options(params, every=False) == wanted
    assert len(dialect.barrier_options(params, every=True)) == 4
