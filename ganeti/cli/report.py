"""How errors are shown, and which exit status they have."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from ganeti import errors
from ganeti.constants import exits

#: What a command may end with by design; anything else is a fault of the program.
SHOWN_ERRORS = (errors.GenericError,)


class JobSubmitted(Exception):
    """A job was submitted and shall not be waited for."""

    def __init__(self, job_id: int) -> None:
        super().__init__(job_id)
        self.job_id = job_id


class Refused(Exception):
    """The command can not do this; the text says why, the status is the command's."""

    def __init__(self, text: str, status: int = exits.EXIT_FAILURE) -> None:
        super().__init__(text)
        self.status = status


def to_stderr(text: str) -> None:
    """Write a line on the standard error."""
    sys.stdout.flush()
    sys.stderr.write(text.rstrip("\n") + "\n")


def to_stdout(text: str) -> None:
    """Write a line on the standard output."""
    sys.stdout.write(f"{text}\n")


def show_output(node: str, output: str, end: str, with_names: bool) -> None:
    """What a command printed on a node: each line with the node's name, or all below a heading."""
    if with_names:
        for line in output.splitlines():
            to_stdout(f"{node}: {line}")
        return
    for line in ("-" * 48, f"node: {node}", output, end):
        to_stdout(line)


def guarded(function: Callable[[Any, list[str]], int | None], values: Any,
            args: list[str]) -> int:
    """Run a command's function to its end, connections closed; the exit status."""
    from ganeti.cli import jobs
    try:
        return _guarded(function, values, args)
    finally:
        jobs.close_clients()


def _guarded(function: Callable[[Any, list[str]], int | None], values: Any,
             args: list[str]) -> int:
    """Run a command's function; show what goes wrong; the exit status."""
    if values.debug:
        _trace_to_stderr(values.debug)
    try:
        status = function(values, args)
        sys.stdout.flush()
        return status or exits.EXIT_SUCCESS
    except JobSubmitted as err:
        to_stderr(f"JobID: {err.job_id}")
        return exits.EXIT_SUCCESS
    except Refused as err:
        to_stderr(str(err))
        return err.status
    except SHOWN_ERRORS as err:
        return show(err)
    except KeyboardInterrupt:
        to_stderr("Interrupted. A job that was submitted goes on; see 'gnt-job list'.")
        return exits.EXIT_FAILURE
    except BrokenPipeError:
        return _end_of_pipe()
    except OSError as err:
        where = f" {err.filename}" if err.filename else ""
        to_stderr(f"Failure:{where}: {err.strerror or err}")
        return exits.EXIT_FAILURE
    except Exception as err:  # noqa: BLE001 - the end of the program: no user sees a traceback
        if values.debug:
            raise
        to_stderr(f"A fault in the program itself: {type(err).__name__}: {err}\n"
                  "Give the command once more with -d to see where, and report it")
        return exits.EXIT_FAILURE


def _trace_to_stderr(level: int) -> None:
    import logging
    logging.basicConfig(level=logging.DEBUG if level > 1 else logging.INFO, stream=sys.stderr,
                        format="%(asctime)s: %(levelname)s %(message)s")


def _end_of_pipe() -> int:
    """The reader of our output went away: end quietly, as other programs do."""
    import os
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exits.EXIT_FAILURE


def show(err: BaseException) -> int:
    """Write an error on the standard error; the exit status."""
    text, status = describe(err)
    to_stderr(text)
    return status


def describe(err: BaseException) -> tuple[str, int]:
    """The text for an error, and its exit status."""
    for kind, text in _TEXTS.items():
        if isinstance(err, kind):
            return text(err), _status(err)
    if type(err).__name__ == "NoMasterError":
        return _no_master(err)
    if isinstance(err, errors.GenericError):
        if isinstance(err, errors.LuxiError):
            return f"Cannot communicate with the master daemon.\n{err}", exits.EXIT_FAILURE
        return f"Unhandled Ganeti error: {errors.text(err)}", exits.EXIT_FAILURE
    return f"Failure: {err}", exits.EXIT_FAILURE


def _status(err: BaseException) -> int:
    return (exits.EXIT_CONFIG_ERROR if isinstance(err, errors.ConfigurationError)
            else exits.EXIT_FAILURE)


def _no_master(err: BaseException) -> tuple[str, int]:
    """Three cases: no cluster here, a cluster whose master is elsewhere, a master that sleeps."""
    from ganeti import ssconf
    from ganeti.utils import net
    store = ssconf.SimpleStore()
    try:
        master = store.master_node()
        here = net.hostname()
    except errors.ConfigurationError:
        return "This node is not part of a cluster; 'gnt-cluster init' makes one", \
            exits.EXIT_NOTCLUSTER
    if master != here:
        return f"This is not the master node; give the command on {master}", \
            exits.EXIT_NOTMASTER
    return f"Cannot communicate with the master daemon.\n{err}", exits.EXIT_FAILURE


def _prereq(err: Any) -> str:
    if len(err.args) == 2:
        return ("Failure: prerequisites not met for this operation:\n"
                f"error type: {err.args[1]}, error details:\n{err.args[0]}")
    return f"Failure: prerequisites not met for this operation:\n{err}"


def _hooks_abort(err: Any) -> str:
    lines = ["Failure: hooks execution failed:"]
    for node, script, output in err.args[0] if err.args else []:
        lines.append(f"  node: {node}, script: {script}, output: {output}" if output
                     else f"  node: {node}, script: {script} (no output)")
    return "\n".join(lines)


def _resolver(err: Any) -> str:
    name = err.args[0] if err.args else ""
    return f"Failure: can't resolve hostname '{name}'"


_TEXTS: dict[type[BaseException], Callable[[Any], str]] = {
    errors.OpPrereqError: _prereq,
    errors.OpExecError: lambda err: f"Failure: command execution error:\n{err}",
    errors.HooksAbort: _hooks_abort,
    errors.HooksFailure: lambda err: f"Failure: hooks general failure: {err}",
    errors.ConfigurationError: lambda err: (
        f"Corrupt configuration file: {errors.text(err)}\nAborting."),
    errors.ResolverError: _resolver,
    errors.TagError: lambda err: f"Failure: invalid tag(s) given:\n{err}",
    errors.TypeEnforcementError: lambda err: f"Parameter Error: {err}",
    errors.ParameterError: lambda err: f"Parameter Error: {err}",
    errors.QueryFilterParseError: lambda err: str(err),
    errors.JobQueueFull: lambda err: f"Failure: {errors.text(err)}",
    errors.JobQueueDrainError: lambda err: (
        "Failure: the job queue is drained and takes no jobs; "
        "'gnt-cluster queue undrain' opens it"),
    errors.JobLost: lambda err: f"Error checking job status: {err}",
    errors.JobCanceled: lambda err: f"Job was canceled before it was finished: {err}",
    errors.NodeSetupError: lambda err: f"Failure: {err}",
    errors.CommandError: lambda err: f"Failure: {err}",
    errors.ParseError: lambda err: f"Failure: {err}",
    errors.UnitParseError: lambda err: f"Failure: {err}",
    errors.OpCodeUnknown: lambda err: f"Failure: {err}",
    errors.JobQueueError: lambda err: f"Failure: {err}",
}
