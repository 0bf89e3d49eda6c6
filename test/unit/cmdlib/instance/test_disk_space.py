"""Room for new disks: in which volume groups it is looked for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ganeti import errors
from ganeti.cmdlib.instance import disk_specs
from test import masterside

FREE = {"data": 1000, "other": 1000, "meta": 500}


@pytest.fixture
def asked(start_master):
    """Looks for room on two nodes; gives what was asked for."""
    def ask(specs, diskparams, growing=False, free=FREE):
        master = start_master(volume_group_name="data", diskparams=diskparams)
        seen = []

        def info(key, units, hypervisors):
            seen.append(sorted(name for _kind, name, _params in units))
            return ["boot", [{"storage_free": free[name]} for _kind, name, _params in units], []]

        master.nodes.answer("node_info", info)
        lu = SimpleNamespace(config=master.config, rpc=master.nodes)
        nodes = [masterside.new_uuid(1), masterside.new_uuid(2)]
        disk_specs.require_space(lu, iter(nodes), specs, growing=growing)
        return seen

    return ask


def spec(**values):
    return disk_specs.Spec("drbd", 400, **values)


@pytest.mark.parametrize(("values", "groups"), [
    ({}, ["data", "meta"]), ({"metavg": "other"}, ["data", "other"]),
    ({"vg": "other"}, ["meta", "other"])])
def test_a_mirrors_own_data_have_the_group_that_the_cluster_says(asked, values, groups):
    assert asked([spec(**values)], {"drbd": {"metavg": "meta"}}) == [groups, groups]


def test_without_one_it_is_that_of_the_disk(asked):
    assert asked([spec()], {}) == [["data"], ["data"]]
    assert asked([spec(metavg="meta")], {}, growing=True) == [["data"], ["data"]]


def test_all_disks_together_have_to_find_room(asked):
    params = {"drbd": {"metavg": "meta"}}
    asked([spec(), spec()], params)
    with pytest.raises(errors.OpPrereqError, match="space in data on node .*needed 1200 MiB.*1000"):
        asked([spec(), spec(), spec()], params)
    with pytest.raises(errors.OpPrereqError, match="space in meta on node .*needed 256 MiB"):
        asked([spec(), spec()], params, free={**FREE, "meta": 200})
