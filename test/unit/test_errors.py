"""Errors on the wire and before people."""

import json

import pytest

from ganeti import errors
from test import sources

# the classes that a LUXI client may meet
WIRE = [
    "GenericError", "LockError", "HypervisorError", "ProgrammerError", "BlockDeviceError",
    "ConfigurationError", "ConfigVersionMismatch", "AddressPoolError", "ReservationError",
    "RemoteError", "SignatureError", "ParameterError", "ResultValidationError",
    "OpPrereqError", "OpExecError", "OpResultError", "OpCodeUnknown", "JobLost",
    "JobFileCorrupted", "ResolverError", "HooksFailure", "HooksAbort", "UnitParseError",
    "ParseError", "TypeEnforcementError", "X509CertError", "TagError", "CommandError",
    "StorageError", "InotifyError", "QuitGanetiException", "JobQueueError",
    "JobQueueDrainError", "JobQueueFull", "ConfdMagicError", "ConfdClientError",
    "UdpDataSizeError", "NoCtypesError", "IPAddressError", "LuxiError",
    "QueryFilterParseError", "RapiTestResult", "FileStoragePathError",
]


CLASSES = sorted(name for name, kind in vars(errors).items()
                 if isinstance(kind, type) and issubclass(kind, Exception))


def test_classes_are_those_of_the_wire_and_those_that_are_raised():
    assert set(WIRE) <= set(CLASSES)
    raised = {name for path in sources.SOURCES for owner, name in sources.attributes(path)
              if owner == "errors"}
    assert not set(CLASSES) - set(WIRE) - raised


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_survives_the_wire(name):
    error = errors.decode(json.loads(json.dumps([name, ["a", 1]])))
    assert error.__class__.__name__ == name
    assert errors.encode(error) == [name, ["a", 1]]


def test_foreign_and_unknown_errors_become_generic():
    assert errors.encode(ValueError("x")) == ["GenericError", ["ValueError: x"]]
    assert str(errors.decode(["Strange", ["why"]])) == "Strange: why"
    assert isinstance(errors.decode("nonsense"), errors.GenericError)


def test_maybe_raise_lets_other_lists_pass():
    errors.maybe_raise(["node1", ["a"]])
    errors.maybe_raise(None)
    with pytest.raises(errors.OpPrereqError) as caught:
        errors.maybe_raise(["OpPrereqError", ["no", errors.ECODE_NOENT]])
    assert errors.code(caught.value) == "unknown_entity"


@pytest.mark.parametrize(("error", "shown"), [
    (errors.OpPrereqError("Node n1 is drained", errors.ECODE_STATE), "Node n1 is drained"),
    (errors.ResolverError("x", -2, "no such name"), "Can't resolve 'x': no such name"),
    (errors.HooksAbort([["n1", "10-check", "disk full"]]),
     "Hooks stopped the operation: node n1, script 10-check: disk full"),
    (errors.X509CertError("/a.pem", "expired"), "/a.pem: expired"),
    (errors.OpExecError(), "OpExecError"),
])
def test_text_for_people(error, shown):
    assert errors.text(error) == shown


def test_full_queue_says_what_to_do():
    assert "archive" in errors.text(errors.JobQueueFull())
