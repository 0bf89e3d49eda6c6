"""Finding nodes, encoding once or for each, and both faces of the runner, on a real server."""

import asyncio

import pytest

from ganeti import errors
from ganeti.rpc import client, runner
from test import masterside


@pytest.fixture
def config(node):
    nodes = [masterside.make_node(number, primary_ip=f"127.0.0.{number}") for number in (1, 2)]
    nodes.append(masterside.make_node(3, offline=True))
    return masterside.make_config(nodes=nodes)


@pytest.fixture
def rpc(node, loop, config):
    made = runner.RpcRunner(lambda: config, loop.loop,
                            rpc_client=client.RpcClient(node.port, node.context()))
    yield made
    made.close()


ONE, TWO, THREE = (masterside.new_uuid(number) for number in (1, 2, 3))


def test_offline_nodes_are_not_called(rpc):
    result = rpc.call(THREE, "version")
    assert result.offline
    assert result.fail_msg == "Node is marked offline"
    with pytest.raises(errors.OpPrereqError) as caught:
        result.raise_if_failed("Cannot ask", prereq=True, ecode=errors.ECODE_STATE)
    assert caught.value.args == ("Cannot ask: Node is marked offline", errors.ECODE_STATE)


def test_many_nodes_at_once_some_of_them_out_of_reach(rpc):
    results = rpc.version([ONE, TWO, THREE, "no-such-host.invalid"])
    assert results[ONE].payload == 3010000
    assert results[ONE].node_name == "node1.example.com"
    assert "is ganeti-noded running there" in results[TWO].fail_msg
    assert results[TWO].fail_msg.startswith("Node node2.example.com: ")
    assert results[THREE].offline
    assert "Can't resolve" in results["no-such-host.invalid"].fail_msg
    with pytest.raises(errors.OpExecError, match="Asking: Node node2"):
        results[TWO].raise_if_failed("Asking")


def test_nodes_may_be_called_by_name_before_they_have_a_uuid(rpc):
    assert rpc.call("node1.example.com", "version").payload == 3010000
    assert rpc.call("127.0.0.1", "version").payload == 3010000


def test_calls_by_their_name(rpc):
    assert rpc.t_echo(ONE, value=[1]).payload == [1]
    assert rpc.t_echo(ONE, [1]).raise_if_failed("never") == [1]
    assert set(rpc.version([ONE])) == {ONE}
    with pytest.raises(AttributeError, match="no node RPC 'nonsense'"):
        rpc.nonsense(ONE)
    with pytest.raises(errors.ProgrammerError, match="takes a list of nodes"):
        rpc.version(ONE)


def test_the_same_from_coroutines(rpc, loop):
    async def work():
        results = await rpc.aio.version([ONE, THREE])
        single = await rpc.aio.t_echo(ONE, "x" * 500000)
        return results, single

    results, single = loop.run(work())
    assert results[ONE].payload == 3010000
    assert results[THREE].offline
    assert len(single.payload) == 500000


def test_blocking_calls_in_the_event_loop_are_refused(rpc, loop):
    async def work():
        rpc.call(ONE, "version")

    with pytest.raises(errors.ProgrammerError, match="use runner.aio"):
        loop.run(work())


def test_bodies_are_encoded_once_for_all_nodes_if_they_do_not_differ(rpc, config):
    from ganeti.rpc import defs
    prepared = rpc.prepare(defs.get("write_ssconf_files"), [ONE, TWO], [{"a": "b"}])
    assert prepared[0].body is prepared[1].body
    instance = masterside.make_instance("web")
    prepared = rpc.prepare(defs.get("instance_start"), [ONE, TWO], [instance, False, []])
    assert prepared[0].body is not prepared[1].body


def test_nothing_to_call(rpc):
    assert rpc.version([]) == {}


def test_no_certificate_is_told_and_not_raised(node, tmp_path, monkeypatch):
    from ganeti import pathutils
    monkeypatch.setattr(pathutils, "NODED_CERT_FILE", str(tmp_path / "server.pem"))
    monkeypatch.setattr(pathutils, "NODED_CLIENT_CERT_FILE", str(tmp_path / "client.pem"))
    with runner.RpcRunner.bootstrap({"node1": "127.0.0.1"}) as rpc:
        assert "file is missing" in rpc.call("node1", "version").fail_msg


def test_renewed_client_certificates_are_used(node, tmp_path, monkeypatch):
    import shutil

    from ganeti import pathutils
    from test import certs
    for name, made in (("NODED_CERT_FILE", node.authority), ("NODED_CLIENT_CERT_FILE",
                                                             node.client)):
        shutil.copy(made.path, tmp_path / name)
        monkeypatch.setattr(pathutils, name, str(tmp_path / name))
    with runner.RpcRunner.bootstrap({"node1": "127.0.0.1"},
                                    rpc_client=client.RpcClient(node.port)) as rpc:
        assert rpc.call("node1", "version").payload == 3010000
        renewed = certs.make(tmp_path / "renewed.pem", "node1", node.authority)
        node.candidates.write_text(f"uuid1={renewed.digest}\n")
        assert "master candidates only" in rpc.call("node1", "version").fail_msg
        shutil.copy(renewed.path, tmp_path / "NODED_CLIENT_CERT_FILE")
        assert rpc.call("node1", "version").payload == 3010000
    assert asyncio.iscoroutinefunction(rpc.aio.call)
