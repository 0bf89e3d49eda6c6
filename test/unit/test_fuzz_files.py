"""Files and program outputs of any content: what reads them answers, or refuses in one line.

Bounded and always the same (no random seed), so that a failure is found again.
"""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ganeti import errors, pathutils, ssconf
from ganeti.backend import osdefinition
from ganeti.config import files
from ganeti.hypervisor import fake
from ganeti.hypervisor.kvm import runtime
from ganeti.jqueue import job as jobs
from ganeti.masterd import iallocator
from ganeti.utils import journal
from test.noderoot import move_node_to

bounded = settings(max_examples=120, derandomize=True, deadline=None, database=None,
                   suppress_health_check=[HealthCheck.function_scoped_fixture,
                                          HealthCheck.too_slow])

SCALARS = (st.none() | st.booleans() | st.integers(-2**70, 2**70) | st.floats(allow_nan=False)
           | st.text(max_size=12))
KEYS = st.sampled_from(["success", "info", "result", "nodes", "id", "ops", "input", "status",
                        "memory", "state", "cluster", "version", "serial_no", "OP_ID", "name",
                        "log", "priority", "received_timestamp", "hvinfo"]) | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12)
DATA = st.binary(max_size=300) | JSON.map(lambda tree: json.dumps(tree).encode())


def _readable(text: str) -> None:
    assert "Traceback" not in text
    assert text.strip()


@pytest.fixture
def node(tmp_path, monkeypatch):
    """This process is a node below a temporary directory."""
    move_node_to(str(tmp_path), monkeypatch)
    return tmp_path


@bounded
@given(data=DATA)
def test_ssconf_files(tmp_path, data):
    (tmp_path / "ssconf_master_node").write_bytes(data)
    store = ssconf.SimpleStore(str(tmp_path))
    for read in (store.get, store.lines, store.mapping):
        try:
            read("master_node")
        except errors.ConfigurationError as err:
            _readable(errors.text(err))


@bounded
@given(data=DATA)
def test_configuration_files(data):
    with pytest.raises(errors.ConfigurationError) as caught:
        files.decode(data, "/config.data")
    _readable(errors.text(caught.value))


MODES = {"allocate": {"required_nodes": 2}, "relocate": {"required_nodes": 1},
         "multi-allocate": {}, "node-evacuate": {}, "change-group": {}}


@bounded
@given(mode=st.sampled_from(sorted(MODES)), success=st.booleans(), result=JSON, whole=DATA,
       wrapped=st.booleans())
def test_iallocator_output(mode, success, result, whole, wrapped):
    text = json.dumps({"success": success, "info": result, "result": result})
    request = {"type": mode, **MODES[mode]}
    try:
        iallocator.check_answer("any", request,
                                text if wrapped else whole.decode("utf-8", "replace"))
    except (errors.OpExecError, errors.OpPrereqError) as err:
        _readable(errors.text(err))


@bounded
@given(data=DATA)
def test_job_files(data):
    try:
        job = jobs.Job.decode(data, 5)
    except errors.JobFileCorrupted as err:
        _readable(str(err))
    else:
        job.encode()


@bounded
@given(data=DATA)
def test_kvm_runtime_files(data):
    try:
        loaded = runtime.Runtime.loads(data.decode("utf-8", "replace"), "/run/x.runtime")
    except errors.HypervisorError as err:
        _readable(errors.text(err))
        assert "/run/x.runtime" in errors.text(err)
    else:
        loaded.dumps()


@bounded
@given(data=DATA)
def test_fake_state_files(node, data):
    os.makedirs(fake.root_dir(), exist_ok=True)
    with open(os.path.join(fake.root_dir(), "inst1"), "wb") as stream:
        stream.write(data)
    hypervisor = fake.FakeHypervisor()
    for ask in (lambda: hypervisor.instance_info("inst1", {}), hypervisor.list_instances):
        try:
            ask()
        except errors.HypervisorError as err:
            _readable(errors.text(err))


@bounded
@given(versions=st.binary(max_size=60), variants=st.binary(max_size=60),
       parameters=st.binary(max_size=60))
def test_os_definitions(node, versions, variants, parameters):
    directory = pathutils.local("/srv/ganeti/os/any")
    os.makedirs(directory, exist_ok=True)
    for name, data in (("ganeti_api_version", versions), ("variants.list", variants),
                       ("parameters.list", parameters)):
        with open(os.path.join(directory, name), "wb") as stream:
            stream.write(data)
    found = osdefinition.read("any", directory)
    json.dumps([found.name, found.variants, found.parameters])


@bounded
@given(data=st.binary(max_size=300) | st.lists(st.sampled_from(
    [b"5 ", b"12 00000000\n", b"write\0", b"job-1\0", b"\n", b"-1 x\n", b"99999999999 0\n"]),
    max_size=8).map(b"".join))
def test_journals(tmp_path, data):
    for name in os.listdir(tmp_path):
        os.unlink(tmp_path / name)
    (tmp_path / "journal-1").write_bytes(data)
    assert journal.Journal(str(tmp_path)).replay() == 0
    assert os.listdir(tmp_path) == []


@bounded
@given(changes=JSON)
def test_changes_of_a_journal(changes):
    try:
        journal.check_changes(changes)
    except errors.ParameterError as err:
        _readable(errors.text(err))
