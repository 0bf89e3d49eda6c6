"""The other ways in: RAPI and confd, with plain clients."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from test.vcluster.fixture import VirtualCluster
from test.waiting import wait_until

Ask = Callable[..., object]


@pytest.fixture
def rapi(cluster: VirtualCluster) -> Iterator[Ask]:
    """ask(method, path, body) as a user with read and write access."""
    users = cluster.path("node1", "/var/lib/ganeti/rapi/users")
    users.parent.mkdir(exist_ok=True)
    users.write_text("operator {CLEARTEXT}secret write,read\n")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    login = base64.b64encode(b"operator:secret").decode()

    def ask(method: str, path: str, body: object = None, auth: bool = True) -> object:
        request = urllib.request.Request(
            f"https://{cluster.address('node1')}:5080{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Basic {login}"} if auth else {}))
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:
            return json.load(answer)

    def is_known() -> bool:
        try:
            ask("GET", "/2/info")
        except urllib.error.HTTPError as err:
            if err.code != 401:
                raise
            return False
        return True
    wait_until(is_known, "the file is read again within moments of its change", 5)
    yield ask
    users.unlink()


def _wait(rapi: Ask, number: object) -> dict:
    def ended() -> dict | None:
        job = rapi("GET", f"/2/jobs/{number}")
        assert isinstance(job, dict)
        return job if job["status"] in ("success", "error", "canceled") else None
    return wait_until(ended, f"job {number} ends", 60)


def test_rapi_reads(cluster: VirtualCluster, rapi: Ask, instance: str) -> None:
    assert rapi("GET", "/version", auth=False) == 2
    info = rapi("GET", "/2/info")
    assert isinstance(info, dict)
    assert info["name"] == cluster.layout.name
    assert rapi("GET", "/2/nodes") == [
        {"id": f"node{n}", "uri": f"/2/nodes/node{n}"} for n in (1, 2, 3)]
    bulk = rapi("GET", "/2/instances?bulk=1")
    assert isinstance(bulk, list)
    assert (bulk[0]["name"], bulk[0]["status"], bulk[0]["pnode"]) == (instance, "running", "node1")
    assert "node-evac-res1" in rapi("GET", "/2/features")  # type: ignore[operator]


def test_rapi_needs_a_user_to_write(cluster: VirtualCluster, rapi: Ask) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        rapi("PUT", "/2/tags?tag=x", auth=False)
    assert caught.value.code == 401
    caught.value.close()


def test_rapi_life_of_an_instance(cluster: VirtualCluster, rapi: Ask) -> None:
    number = rapi("POST", "/2/instances", {
        "__version__": 1, "mode": "create", "name": "byrapi", "disk_template": "diskless",
        "hypervisor": "fake", "os": "demo-linux+default", "pnode": "node2",
        "nics": [], "disks": [], "ip_check": False, "name_check": False})
    assert _wait(rapi, number)["status"] == "success"
    assert _wait(rapi, rapi("PUT", "/2/instances/byrapi/shutdown", {"timeout": 0}))[
        "status"] == "success"
    one = rapi("GET", "/2/instances/byrapi")
    assert isinstance(one, dict)
    assert one["status"] == "ADMIN_down"
    job = _wait(rapi, rapi("DELETE", "/2/instances/byrapi"))
    assert job["status"] == "success"
    assert job["summary"] == ["INSTANCE_REMOVE(byrapi)"]


def test_rapi_bad_requests(cluster: VirtualCluster, rapi: Ask) -> None:
    for method, path, body, code in [
            ("GET", "/2/instances/nosuch", None, 404),
            ("POST", "/2/instances", {"__version__": 1, "mode": "create"}, 400),
            ("POST", "/2/instances", {"__version__": 1, "colour": 1}, 400),
            ("GET", "/2/jobs/999999", None, 404),
            ("DELETE", "/2/info", None, 501)]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            rapi(method, path, body)
        with caught.value as answer:
            assert answer.code == code, path
            assert json.load(answer)["code"] == code


def test_confd_client(cluster: VirtualCluster) -> None:
    from ganeti.confd.client import ConfdClient

    key = cluster.path("node1", "/var/lib/ganeti/hmac.key").read_text().strip()
    client = ConfdClient(key, [cluster.address("node2"), cluster.address("node1")])
    assert client.ask(3, None).reply.answer == "node1"
    assert client.ask(1, "node3").reply.answer == 1
    assert sorted(client.ask(4, None).reply.answer) == [
        cluster.address(f"node{n}") for n in (1, 2, 3)]


def test_confd_follows_the_configuration(cluster: VirtualCluster) -> None:
    from ganeti.confd.client import ConfdClient

    key = cluster.path("node1", "/var/lib/ganeti/hmac.key").read_text().strip()
    client = ConfdClient(key, [cluster.address("node1")])
    cluster.run("gnt-node modify --drained=yes node3")
    try:
        wait_until(lambda: client.ask(1, "node3").reply.answer == 3,
                   "confd reloads within seconds", 5)
    finally:
        cluster.run("gnt-node modify --drained=no --master-candidate=yes node3")


def test_confd_client_program(cluster: VirtualCluster) -> None:
    program = f"{cluster.layout.node('node1').root}/usr/lib/ganeti/tools/confd-client"
    text = cluster.run(f"{program} -a {cluster.address('node1')} -r 20")
    assert "Traceback" not in text
