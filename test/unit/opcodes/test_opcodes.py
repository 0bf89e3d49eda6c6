"""Opcodes: every one as the catalogue has it, and how they are checked and written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ganeti import errors, opcodes, serializer

CATALOGUE = json.loads((Path(__file__).parents[2] / "data/catalogue/opcodes.json").read_text())

#: The catalogue tells these in words.
_WORDS = {"boolean (submitted ok)": "boolean", "job-id | error text": {"or": ["job-id", "string"]},
          "integer (index, may be negative)": "integer", "string (name or uuid)": "string",
          "RS_* integer": {"enum": [0, 1, 2, 3, 4]},
          "QueryFieldDefinition{name,title,kind,doc}": {"strict-dict": dict.fromkeys(
              ("name", "title", "kind", "doc"), "nonempty-string")}}


def in_our_words(kind):
    if isinstance(kind, str):
        return _WORDS.get(kind, kind)
    if isinstance(kind, list):
        return [in_our_words(item) for item in kind]
    if isinstance(kind, dict):
        if "enum" in kind:
            return {"enum": kind["enum"]}
        return {key: in_our_words(value) for key, value in kind.items()}
    return kind


def told(kind):
    """The same of our types; the verify codes are a set that the catalogue does not repeat."""
    if isinstance(kind, list):
        return [told(item) for item in kind]
    if isinstance(kind, dict):
        if "enum" in kind:
            codes = any(str(value).startswith("ENODE") for value in kind["enum"])
            return {"enum": "CODES" if codes else sorted(kind["enum"])}
        return {key: told(value) for key, value in kind.items()}
    return kind


#: What the original lacks: opcodes, and values of parameters
OWN = {"OP_INSTANCE_REPAIR_DISKS"}
OWN_VALUES = {"file_driver": {"maybe": {"enum": ["blktap", "blktap2", "loop", "qcow2"]}}}


def test_all_opcodes_of_the_catalogue_are_there_and_no_others():
    assert opcodes.op_ids() == sorted([*CATALOGUE, *OWN])


@pytest.mark.parametrize("op_id", sorted(CATALOGUE))
def test_opcode_is_as_the_catalogue_has_it(op_id):
    wanted, cls = CATALOGUE[op_id], opcodes.get_class(op_id)
    assert op_id == cls.OP_ID and wanted["summary"] == cls.SUMMARY
    assert cls.FIELDS.keys() - opcodes.COMMON.keys() == wanted["params"].keys()
    for name, param in wanted["params"].items():
        spec = cls.FIELDS[name]
        default = "REQUIRED" if spec.required else spec.default
        assert (default, type(default)) == (param["default"], type(param["default"])), name
        assert told(spec.type.spec()) == OWN_VALUES.get(name, in_our_words(param["type"])), name
    assert told(cls.RESULT.spec()) == in_our_words(wanted["result"])


@pytest.mark.parametrize("op_id", sorted([*CATALOGUE, *OWN]))
def test_everything_is_documented(op_id):
    cls = opcodes.get_class(op_id)
    assert cls.__doc__.endswith(".")
    for name, spec in cls.FIELDS.items():
        assert len(spec.doc) > 1 and not spec.doc.endswith("."), name
        if not spec.required:
            spec.type.check(spec.default)


def test_one_opcode_imports_one_module():
    code = ("import sys; from ganeti import opcodes; opcodes.get_class('OP_TAGS_SET');"
            "print(sorted(m for m in sys.modules if m.startswith('ganeti.opcodes.')))")
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True).stdout
    assert "ganeti.opcodes.tags" in shown and "ganeti.opcodes.cluster" not in shown


def test_absent_keys_take_defaults_of_their_own():
    first = opcodes.load({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web"})
    first.hvparams["acpi"] = False
    assert opcodes.load({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web"}).hvparams == {}


def test_wire_form_comes_back_the_same():
    op = opcodes.OpInstanceShutdown(instance_name="web", timeout=5, comment="why")
    again = opcodes.load(serializer.load(serializer.dump(op.to_dict())))
    assert again == op and again.timeout == 5 and again.comment == "why"


@pytest.mark.parametrize(("data", "message"), [
    ({"OP_ID": "OP_TEST_DELAY"}, "'OP_TEST_DELAY.duration' fails validation: it is required"),
    ({"OP_ID": "OP_TEST_DELAY", "duration": "x"},
     "'OP_TEST_DELAY.duration' fails validation: expected a number, got 'x'"),
    ({"OP_ID": "OP_TEST_DELAY", "duration": 1, "on_nodes": ["a", ""]},
     r"'OP_TEST_DELAY.on_nodes' fails validation at \[1\]: expected .*, got ''"),
    ({"OP_ID": "OP_TEST_DELAY", "duraton": 1}, r"no parameter 'duraton' \(did you mean duration"),
    ({"OP_ID": "OP_TEST_DELAY", "duration": 1, "priority": 3}, "priority' fails validation"),
    ({"duration": 1}, "needs the key OP_ID"),
    ([], "is an object with the key OP_ID"),
])
def test_bad_input_is_refused_with_its_place(data, message):
    with pytest.raises(errors.OpPrereqError, match=message) as caught:
        opcodes.load(data)
    assert caught.value.args[1] == errors.ECODE_INVAL


@pytest.mark.parametrize("op_id", ["OP_TEST_DELY", "x", None, 5, ["OP_TEST_DELAY"]])
def test_an_unknown_opcode_is_refused(op_id):
    with pytest.raises(errors.OpCodeUnknown):
        opcodes.load({"OP_ID": op_id})


def test_a_job_is_a_list():
    with pytest.raises(errors.OpPrereqError, match="A job is a list"):
        opcodes.load_many({"OP_ID": "OP_TEST_DELAY"})


@pytest.mark.parametrize(("op", "summary"), [
    ({"OP_ID": "OP_INSTANCE_STARTUP", "instance_name": "web"}, "INSTANCE_STARTUP(web)"),
    ({"OP_ID": "OP_CLUSTER_QUERY"}, "CLUSTER_QUERY"),
    ({"OP_ID": "OP_TEST_DELAY", "duration": 2}, "TEST_DELAY(2)"),
    ({"OP_ID": "OP_TAGS_GET", "kind": "cluster"}, "TAGS_GET(None)"),
])
def test_summary(op, summary):
    assert opcodes.load(op).summary() == summary
    assert opcodes.summary_of(op) == summary


def test_summary_of_what_is_no_opcode_any_more():
    assert opcodes.summary_of({"OP_ID": "OP_FROM_THE_PAST"}) == "FROM_THE_PAST"
    assert opcodes.summary_of({"OP_ID": "OP_INSTANCE_STARTUP"}) == "INSTANCE_STARTUP(None)"
    assert opcodes.summary_of(None) == "INVALID"


def test_tiny_summary_and_reason_source():
    op = opcodes.OpInstanceStartup(instance_name="web")
    assert op.tiny_summary() == "I_STARTUP"
    assert op.reason_source() == "gnt:opcode:op_instance_startup"


def test_private_values_are_shown_nowhere_and_written_on_demand():
    op = opcodes.OpInstanceReinstall(instance_name="web", osparams_private={"pw": "geheim"},
                                     osparams_secret={"key": "streng"})
    assert "geheim" not in repr(op) and "streng" not in repr(op)
    assert b"geheim" not in serializer.dump(op.to_dict())
    stored = serializer.dump(op.to_dict(secrets=False), private=True)
    assert b"geheim" in stored and b"streng" not in stored
    assert b"streng" in serializer.dump(op.to_dict(), private=True)


def test_a_refused_private_value_is_not_shown():
    with pytest.raises(errors.OpPrereqError) as caught:
        opcodes.OpInstanceReinstall(instance_name="web", osparams_secret="geheim")
    assert "osparams_secret" in str(caught.value)


@pytest.mark.parametrize(("field", "good", "bad"), [
    ("network", "192.0.2.0/24", "192.0.2.0"), ("gateway", "192.0.2.1", "2001:db8::1"),
    ("network6", "2001:db8::/64", "192.0.2.0/24"), ("gateway6", "2001:db8::1", "x"),
])
def test_addresses(field, good, bad):
    base = {"network_name": "n", "network": "192.0.2.0/24"}
    assert getattr(opcodes.OpNetworkAdd(**{**base, field: good}), field) == good
    with pytest.raises(errors.OpPrereqError, match=f"{field}' fails"):
        opcodes.OpNetworkAdd(**{**base, field: bad})


def test_both_forms_of_device_changes():
    new = opcodes.OpInstanceSetParams(instance_name="web", nics=[["add", -1, {"link": "br0"}]])
    old = opcodes.OpInstanceSetParams(instance_name="web", nics=[["add", {"link": "br0"}],
                                                                 [0, {"ip": None}]])
    assert new.nics == [["add", -1, {"link": "br0"}]]
    assert old.nics == [["add", {"link": "br0"}], [0, {"ip": None}]]
    with pytest.raises(errors.OpPrereqError, match="nics"):
        opcodes.OpInstanceSetParams(instance_name="web", nics=[["ad", -1, {}]])
