"""Objects do not change, read and write the form of the file, and say what is wrong in it."""

import copy
import pickle

import pytest

from ganeti import errors, objects
from test import model


@pytest.fixture
def node():
    return model.node(1, model.group(), ndparams={"ssh_port": 2222}, tags=["rack:1"])


def test_fields_can_not_be_set(node):
    with pytest.raises(AttributeError, match="use replace"):
        node.name = "other"


def test_what_lies_inside_can_not_be_changed_either(node):
    with pytest.raises(TypeError, match="do not change"):
        node.ndparams["ssh_port"] = 22
    with pytest.raises(TypeError, match="do not change"):
        node.tags.append("x")
    with pytest.raises(TypeError, match="do not change"):
        node.tags += ["x"]


def test_copies_of_the_inside_can_be_changed(node):
    mine = dict(node.ndparams)
    mine["ssh_port"] = 22
    deep = copy.deepcopy(node.tags)
    deep.append("x")
    assert node.ndparams == {"ssh_port": 2222} and node.tags == ["rack:1"]


def test_replace_leaves_the_old_object_alone(node):
    new = node.replace(offline=True)
    assert (node.offline, new.offline) == (False, True)
    assert new.uuid == node.uuid and new != node


def test_replace_refuses_unknown_fields(node):
    with pytest.raises(TypeError, match="no offlin"):
        node.replace(offlin=True)


def test_a_required_field_must_be_given():
    with pytest.raises(TypeError, match="needs name"):
        objects.NodeGroup(uuid="x")


def test_unset_optional_keys_are_absent():
    network = objects.Network(uuid="u", name="n", network="192.0.2.0/24")
    assert "gateway" not in network.to_dict()
    assert network.replace(gateway="192.0.2.1").to_dict()["gateway"] == "192.0.2.1"


def test_empty_states_are_left_out_of_nodes_and_groups(node):
    assert "hv_state_static" not in node.to_dict()
    state = {"kvm": {"mem_total": 1}}
    assert node.replace(hv_state_static=state).to_dict()["hv_state_static"] == state


def test_wire_fields_are_not_stored():
    nic = objects.Nic(mac="aa:00:00:00:00:01", netinfo={"name": "net"})
    assert "netinfo" not in nic.to_dict()
    assert nic.to_dict(wire=True)["netinfo"] == {"name": "net"}
    assert objects.Nic.from_dict(nic.to_dict(wire=True)).netinfo == {"name": "net"}


def test_wire_form_holds_disks_and_secondaries():
    disk = model.disk("d", "file", [])
    one = model.instance("web", model.node(1, model.group()), [disk])
    sent = one.replace(disks_info=[disk], secondary_nodes=["u2"]).to_dict(wire=True)
    assert sent["secondary_nodes"] == ["u2"]
    back = objects.Instance.from_dict(sent)
    assert back.disks_info == [disk] and isinstance(back.disks_info[0], objects.Disk)
    assert "disks_info" not in one.to_dict(wire=True)


def test_keys_of_a_newer_version_are_kept(node):
    data = {**node.to_dict(), "from_the_future": {"a": 1}}
    read = objects.Node.from_dict(data)
    assert read.extra == {"from_the_future": {"a": 1}}
    assert read.replace(offline=True).to_dict()["from_the_future"] == {"a": 1}


def test_children_of_disks_are_disks():
    child = model.disk("meta", "plain", [], 128)
    disk = model.disk("d", "drbd", []).replace(children=[child])
    read = objects.Disk.from_dict(disk.to_dict())
    assert read.children == [child] and isinstance(read.children[0], objects.Disk)


@pytest.mark.parametrize(("change", "message"), [
    ({"name": 5}, "nodes.name: expected str, got int"),
    ({"offline": 1}, "nodes.offline: expected bool, got int"),
    ({"serial_no": True}, "nodes.serial_no: expected int, got bool"),
    ({"tags": "x"}, "nodes.tags: expected list, got str"),
    ({"ctime": "x"}, "nodes.ctime: expected int or float, got str"),
])
def test_a_wrong_type_is_named_with_its_place(node, change, message):
    with pytest.raises(errors.ConfigurationError, match=message):
        objects.Node.from_dict({**node.to_dict(), **change}, "nodes")


def test_a_missing_key_is_named(node):
    data = node.to_dict()
    del data["primary_ip"]
    with pytest.raises(errors.ConfigurationError, match="'primary_ip' is missing"):
        objects.Node.from_dict(data)


def test_a_reservation_may_lack_nearly_everything():
    read = objects.Instance.from_dict({"uuid": "u", "serial_no": 1, "forthcoming": True})
    assert read.forthcoming and read.name == ""
    with pytest.raises(errors.ConfigurationError, match="missing"):
        objects.Instance.from_dict({"uuid": "u", "serial_no": 1})


def test_an_object_is_encoded_once(node):
    assert node.encode() is node.encode()
    assert node.replace(offline=True).encode() != node.encode()


def test_private_parameters_are_not_shown():
    one = model.instance("web", model.node(1, model.group()), osparams_private={"pw": "geheim"})
    assert "geheim" not in repr(one) and "<redacted>" in repr(one)
    assert one.to_dict()["osparams_private"] == {"pw": "geheim"}


def test_objects_survive_pickling(node):
    again = pickle.loads(pickle.dumps(node))
    assert again == node
    with pytest.raises(TypeError, match="do not change"):
        again.tags.append("x")
