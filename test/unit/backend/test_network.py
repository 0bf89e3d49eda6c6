"""The cluster's address on a node, bridges, and the script that does the work."""

import os
import subprocess

import pytest

from ganeti import errors, pathutils
from ganeti.backend import network

PARAMS = {"uuid": "u", "ip": "127.0.55.254", "netmask": 32, "netdev": "lo", "ip_family": 2}
SCRIPT = pathutils.DEFAULT_MASTER_SETUP_SCRIPT


def test_an_address_that_is_local_anyway_is_left_alone():
    for _ in range(2):
        network.node_activate_master_ip(PARAMS, False)
        network.node_deactivate_master_ip(PARAMS, False)
    assert network.node_has_ip_address("127.0.55.254")
    assert not network.node_has_ip_address("192.0.2.77")


def test_the_external_script_gets_its_variables_and_nothing_else(script, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "x")
    out = tmp_path / "out"
    script(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT, f'{{ echo "$1"; env; }} > {out}')
    network.node_activate_master_ip({**PARAMS, "ip_family": 10}, True)
    lines = out.read_text().splitlines()
    assert lines[0] == "start"
    assert {"MASTER_NETDEV=lo", "MASTER_IP=127.0.55.254", "MASTER_NETMASK=32",
            "CLUSTER_IP_VERSION=6"} <= set(lines)
    assert "SECRET=x" not in lines


def test_a_failing_script_is_told(script):
    script(pathutils.EXTERNAL_MASTER_SETUP_SCRIPT, "echo no cable >&2; exit 3")
    with pytest.raises(errors.OpExecError, match="exit status 3.*no cable"):
        network.node_deactivate_master_ip(PARAMS, True)
    with pytest.raises(errors.ParameterError, match="lack"):
        network.node_activate_master_ip({"ip": "127.0.0.1"}, True)


@pytest.mark.parametrize(("env", "words"), [
    ({}, "MASTER_NETDEV is not set"), ({"MASTER_NETDEV": "lo"}, "MASTER_IP is not set"),
    ({"MASTER_NETDEV": "lo", "MASTER_IP": "1.2.3.4", "MASTER_NETMASK": "32",
      "CLUSTER_IP_VERSION": "5"}, "not 4 or 6"),
    ({"MASTER_NETDEV": "nodev", "MASTER_IP": "192.0.2.77", "MASTER_NETMASK": "32",
      "CLUSTER_IP_VERSION": "4"}, "no network interface nodev")])
def test_the_script_refuses_bad_input(env, words):
    done = subprocess.run([SCRIPT, "start"], env={"PATH": os.environ["PATH"], **env},
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert words in done.stderr


def test_the_script_wants_a_word():
    env = {"PATH": os.environ["PATH"], "MASTER_NETDEV": "lo", "MASTER_IP": "127.0.0.1",
           "MASTER_NETMASK": "8", "CLUSTER_IP_VERSION": "4"}
    done = subprocess.run([SCRIPT, "restart"], env=env, capture_output=True, check=False)
    assert done.returncode == 2


def test_stopping_does_not_take_the_loopback_address_away():
    network.node_deactivate_master_ip({**PARAMS, "ip": "127.0.0.1", "netmask": 32}, False)
    assert network.node_has_ip_address("127.0.0.1")


def test_missing_bridges_are_named():
    with pytest.raises(errors.OpExecError, match="Missing bridges: nobr0, lo"):
        network.bridges_exist(["nobr0", "lo"])
    network.bridges_exist([])


def test_the_netmask_of_an_address_that_is_not_here():
    with pytest.raises(errors.OpExecError, match="not active"):
        network.node_change_master_netmask(24, 32, "192.0.2.77", "lo")
    network.node_change_master_netmask(24, 24, "192.0.2.77", "lo")
    network.node_change_master_netmask(24, 32, "127.0.55.254", "lo")
