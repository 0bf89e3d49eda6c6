"""Graphical consoles of real guests, entered by clients with right and wrong passwords."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti.utils import net
from test.drivers.kvm import clients, lab

pytestmark = [pytest.mark.qemu,
              pytest.mark.skipif(not os.path.exists(lab.QEMU), reason="no QEMU on this machine")]
NAME = "inst1.example.org"


@pytest.fixture
def started(node: lab.Node, place: Path) -> Iterator[Any]:
    """Starts a guest with a network port of its own, and gives that port."""
    instances = []

    def start(**hvparams: Any) -> int:
        inst = lab.instance_dict(NAME, **hvparams)
        inst["network_port"] = net.free_port("127.0.0.1")
        node.call("validate", inst["hvparams"])
        node.call("start", inst, [node.link(NAME, 0, lab.make_disk(place / "disk"))])
        instances.append(inst)
        return int(inst["network_port"])

    yield start
    for inst in instances:
        node.call("stop", inst, force=True)


@pytest.fixture
def password(place: Path) -> str:
    (place / "password").write_text("s3cret\nnot this\n")
    return str(place / "password")


def test_vnc_wants_its_password(started: Any, password: str) -> None:
    port = started(vnc_bind_address="127.0.0.1", vnc_password_file=password)
    width, height = clients.vnc(("127.0.0.1", port), "s3cret")
    assert width >= 640 and height >= 400
    for wrong in ("wrong", "not this", ""):
        with pytest.raises(clients.Refused, match=r"(?i)authentication fail"):
            clients.vnc(("127.0.0.1", port), wrong)
    with pytest.raises(clients.Refused, match="security 1 is not among"):
        clients.vnc(("127.0.0.1", port))


def test_vnc_on_a_socket(started: Any, place: Path) -> None:
    started(vnc_bind_address=str(place))
    assert clients.vnc(f"{place}/{NAME}.vnc")[0] >= 640


def test_vnc_with_certificates(started: Any, place: Path, password: str) -> None:
    """The files by the names that QEMU wants, made as administrators may make them."""
    directory = place / "tls"
    lab.make_vnc_certificates(directory)
    port = started(vnc_bind_address="127.0.0.1", vnc_tls=True, vnc_x509_path=str(directory),
                   vnc_password_file=password)
    ca = directory / "ca-cert.pem"
    assert clients.vnc(("127.0.0.1", port), "s3cret", ca)[0] >= 640
    with pytest.raises(clients.Refused, match=r"(?i)authentication fail"):
        clients.vnc(("127.0.0.1", port), "wrong", ca)
    with pytest.raises(clients.Refused, match="is not among"):
        clients.vnc(("127.0.0.1", port), "s3cret")


def test_spice_wants_its_password(started: Any, password: str) -> None:
    port = started(spice_bind="127.0.0.1", spice_password_file=password)
    clients.spice(("127.0.0.1", port), "s3cret")
    for wrong in ("wrong", ""):
        with pytest.raises(clients.Refused, match="ticket error 7"):
            clients.spice(("127.0.0.1", port), wrong)


def test_spice_over_tls(node: lab.Node, started: Any, password: str) -> None:
    lab.make_spice_certificate(node)
    port = started(spice_bind="127.0.0.1", spice_use_tls=True, spice_password_file=password)
    ca = node.root / "var/lib/ganeti/spice-ca.pem"
    clients.spice(("127.0.0.1", port), "s3cret", ca)
    with pytest.raises(clients.Refused, match="ticket error 7"):
        clients.spice(("127.0.0.1", port), "wrong", ca)
