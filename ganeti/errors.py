"""The errors of the system, and how they travel between programs.

What an error says to the user is decided where it is raised; exit statuses live in
`constants.exits`.

    GenericError
    ├── LockError                        ├── HooksFailure
    ├── HypervisorError                  │   └── HooksAbort         [[[node, script, output]]]
    │   └── HotplugError                 ├── UnitParseError
    ├── ProgrammerError                  ├── ParseError
    ├── BlockDeviceError                 ├── TypeEnforcementError
    ├── ConfigurationError               ├── X509CertError          [file, text]
    │   └── ConfigVersionMismatch        ├── TagError
    ├── AddressPoolError                 ├── CommandError
    ├── ReservationError                 ├── StorageError
    ├── RemoteError                      ├── InotifyError
    ├── SignatureError                   ├── JobQueueError
    ├── ParameterError                   │   ├── JobLost
    ├── ResultValidationError            │   ├── JobFileCorrupted
    ├── OpPrereqError  [text, code]      │   ├── JobQueueDrainError
    ├── OpExecError                      │   └── JobQueueFull       []
    ├── OpResultError                    ├── ConfdClientError, ConfdMagicError, UdpDataSizeError
    ├── OpCodeUnknown                    ├── NoCtypesError
    ├── ResolverError [host, code, text] ├── IPAddressError
    ├── LuxiError                        ├── QueryFilterParseError
    ├── FileStoragePathError             ├── RapiTestResult
    ├── ProcessError (utils.process)     └── RpcError (a node call that did not arrive)
    QuitGanetiException [exit_now, result]: a node daemon is asked to stop after its answer
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Second argument of OpPrereqError: what kind of refusal it is (the words are part of the API)
ECODE_RESOLVER = "resolver_error"
ECODE_NORES = "insufficient_resources"
ECODE_TEMP_NORES = "temp_insufficient_resources"
ECODE_INVAL = "wrong_input"
ECODE_STATE = "wrong_state"
ECODE_NOENT = "unknown_entity"
ECODE_EXISTS = "already_exists"
ECODE_NOTUNIQUE = "resource_not_unique"
ECODE_FAULT = "internal_error"
ECODE_ENVIRON = "environment_error"


class GenericError(Exception):
    """Root of everything the system raises on purpose."""


class LockError(GenericError):
    """A lock could not be taken or was used wrongly."""


class PidFileLockError(LockError):
    """Another process holds the lock of a PID file."""


class HypervisorError(GenericError):
    """A hypervisor refused or failed an operation."""


class HotplugError(HypervisorError):
    """A device could not be added to, changed in or taken from a running guest."""


class ProgrammerError(GenericError):
    """The code broke one of its own promises."""


class BlockDeviceError(GenericError):
    """A disk could not be created, assembled, changed or removed."""


class ConfigurationError(GenericError):
    """The cluster configuration is missing, damaged or contradicts itself."""


class ConfigVersionMismatch(ConfigurationError):
    """The configuration has another version than this program: (expected, found)."""


class AddressPoolError(GenericError):
    """An address of a network's pool is taken, missing or exhausted."""


class ReservationError(GenericError):
    """A name, address or minor is held by another job."""


class RemoteError(GenericError):
    """A remote node answered with a failure."""


class SignatureError(GenericError):
    """A signature does not match the signed text."""


class ParameterError(GenericError):
    """A parameter is invalid or missing."""


class ResultValidationError(GenericError):
    """An iallocator or a verification produced a result of the wrong form."""


class OpPrereqError(GenericError):
    """An operation is refused before anything was changed: (text, one of ECODE_*)."""


class OpExecError(GenericError):
    """An operation failed while it was being carried out."""


class OpResultError(GenericError):
    """The result of an operation does not match its declared type."""


class OpCodeUnknown(GenericError):
    """The submitted operation does not exist."""


class ResolverError(GenericError):
    """A name could not be resolved: (name, resolver's code, text)."""


class HooksFailure(GenericError):
    """Hooks could not be run."""


class HooksAbort(HooksFailure):
    """A pre-hook failed: ([[node, script, output], ...],)."""


class UnitParseError(GenericError):
    """A size such as '10g' can not be read."""


class ParseError(GenericError):
    """A file or the output of a program can not be read."""


class TypeEnforcementError(GenericError):
    """A value can not be converted to the declared type of its parameter."""


class X509CertError(GenericError):
    """A certificate or key file is unusable: (file, text)."""


class TagError(GenericError):
    """A tag is not allowed."""


class CommandError(GenericError):
    """An external command failed."""


class ProcessError(CommandError):
    """A program could not be started or did not succeed."""


class StorageError(GenericError):
    """A storage unit (volume group, directory) could not be listed or changed."""


class InotifyError(GenericError):
    """Watching a file failed."""


class QuitGanetiException(Exception):  # noqa: N818 - the wire knows it by this name
    """A node daemon shall stop after it has answered: (success, payload)."""


class JobQueueError(GenericError):
    """The job queue can not do that."""


class JobLost(JobQueueError):
    """The job does not exist (any more)."""


class JobFileCorrupted(JobQueueError):
    """A job's file can not be read."""


class JobQueueDrainError(JobQueueError):
    """The queue accepts no jobs at the moment."""


class JobQueueFull(JobQueueError):
    """The queue holds as many jobs as it may."""


class JobCanceled(JobQueueError):
    """The job was cancelled while it waited."""


class ConfdClientError(GenericError):
    """A confd query could not be made."""


class ConfdMagicError(GenericError):
    """A datagram does not begin with confd's magic."""


class ConfdRequestError(GenericError):
    """A confd request has the wrong form."""


class UdpDataSizeError(GenericError):
    """A datagram would be too long."""


class NoCtypesError(GenericError):
    """A needed function of the C library is not reachable."""


class IPAddressError(GenericError):
    """Text is no IP address or network."""


class LuxiError(GenericError):
    """A call to the master daemon failed for a reason of the protocol."""


class QueryFilterParseError(ParseError):
    """A filter expression can not be read."""


class RapiTestResult(GenericError):
    """Carries a result through RAPI's test path."""


class FileStoragePathError(GenericError):
    """A directory is not allowed for file storage."""


class RpcError(GenericError):
    """A node call did not arrive or its answer has the wrong form."""


class NodeSetupError(GenericError):
    """A machine can not be made a node of the cluster."""


def _subclasses(cls: type[Exception]) -> dict[str, type[Exception]]:
    found = {cls.__name__: cls}
    for sub in cls.__subclasses__():
        found.update(_subclasses(sub))
    return found


_BY_NAME = {**_subclasses(GenericError), "QuitGanetiException": QuitGanetiException}


def encode(error: BaseException) -> list[Any]:
    """Turn an error into `[class name, [arguments]]`, the form of the wire.

    A foreign exception travels as GenericError, so that no reader meets an unknown class.
    """
    if isinstance(error, (GenericError, QuitGanetiException)):
        return [error.__class__.__name__, list(error.args)]
    return ["GenericError", [f"{error.__class__.__name__}: {error}"]]


def is_encoded(value: Any) -> bool:
    """Whether a decoded JSON value has the form that `encode` makes."""
    return (isinstance(value, (list, tuple)) and len(value) == 2
            and isinstance(value[0], str) and isinstance(value[1], (list, tuple)))


def decode(value: Any) -> Exception:
    """Make the exception that `encode` described; an unknown class becomes GenericError."""
    if not is_encoded(value):
        return GenericError(str(value))
    name: str = value[0]
    args: Sequence[Any] = value[1]
    cls = _BY_NAME.get(name)
    if cls is None:
        return GenericError(f"{name}: {' '.join(str(arg) for arg in args)}")
    error: Exception = cls(*args)
    return error


def maybe_raise(value: Any) -> None:
    """Raise the error that a value encodes; any other value passes."""
    if is_encoded(value) and value[0] in _BY_NAME:
        raise decode(value)


def text(error: BaseException) -> str:
    """What to show of an error to a person: its words, without codes and class names."""
    if isinstance(error, OpPrereqError) and len(error.args) == 2:
        return str(error.args[0])
    if isinstance(error, ResolverError) and len(error.args) == 3:
        return f"Can't resolve '{error.args[0]}': {error.args[2]}"
    if isinstance(error, ConfigVersionMismatch) and len(error.args) == 2:
        return (f"The configuration has version {error.args[1]}, this program needs"
                f" {error.args[0]}; run cfgupgrade")
    if isinstance(error, X509CertError) and len(error.args) == 2:
        return f"{error.args[0]}: {error.args[1]}"
    if isinstance(error, HooksAbort) and error.args and isinstance(error.args[0], (list, tuple)):
        lines = [f"node {node}, script {script}: {out}" for node, script, out in error.args[0]]
        return "Hooks stopped the operation: " + "; ".join(lines)
    if isinstance(error, JobQueueFull) and not error.args:
        return "The job queue is full; archive old jobs or wait until some have ended"
    return str(error) or error.__class__.__name__


def code(error: BaseException) -> str | None:
    """The ECODE_* of a refusal, None for other errors."""
    if isinstance(error, OpPrereqError) and len(error.args) == 2:
        return str(error.args[1])
    return None
