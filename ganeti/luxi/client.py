"""A blocking client of the master daemon, for commands, RAPI and the watcher.

It knows the socket, the tries and the waiting; how results are shown is the caller's business.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.luxi import protocol

CONNECT_TIMEOUT = float(constants.LUXI_DEF_CTMO)
READ_TIMEOUT = float(constants.LUXI_DEF_RWTO)
#: The longest that the master daemon holds a WaitForJobChange.
MAX_WAIT = float(constants.LUXI_WFJC_TIMEOUT)
MAX_TRIES = 15
PAUSE_STEP = 5.0

_READ_SIZE = 1024 * 1024


class NoMasterError(errors.LuxiError):
    """Nobody listens here; this node is not the master, or its master daemon is down."""


class PermissionDeniedError(errors.LuxiError):
    """This user may not talk to the master daemon."""


class LuxiTimeoutError(errors.LuxiError):
    """The master daemon did not take a connection, or did not answer, in time."""


class ConnectionLostError(errors.LuxiError):
    """The connection broke before the answer was complete."""


def socket_path() -> str:
    """Where the master daemon listens; FORCE_LUXI_SOCKET may say otherwise."""
    forced = os.environ.get(constants.LUXI_OVERRIDE, "").strip()
    if forced.lower() == constants.LUXI_OVERRIDE_MASTER:
        return pathutils.MASTER_SOCKET
    if not forced or forced.lower() == constants.LUXI_OVERRIDE_QUERY:
        return pathutils.QUERY_SOCKET
    return forced


def _is_master() -> bool:
    """Whether this node is the master as far as it knows; then its daemon may be restarting."""
    from ganeti import ssconf
    try:
        return bool(ssconf.SimpleStore().is_master())
    except errors.GenericError:
        return False


class Client:
    """One connection to the master daemon, opened at the first call and again when it broke."""

    def __init__(self, address: str | None = None, *, connect_timeout: float = CONNECT_TIMEOUT,
                 read_timeout: float = READ_TIMEOUT, is_master: Callable[[], bool] = _is_master,
                 sleep: Callable[[float], None] = time.sleep):
        self.address = address or socket_path()
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._is_master = is_master
        self._sleep = sleep
        self._socket: socket.socket | None = None
        self._framer = protocol.Framer()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._framer = protocol.Framer()

    # -- the connection -------------------------------------------------------------------------

    def _connect(self) -> socket.socket:
        """Connect; a daemon that is busy, or a master's that is restarting, is waited for."""
        deadline = time.monotonic() + self._connect_timeout
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self._connect_timeout)
            try:
                connection.connect(self.address)
                connection.settimeout(self._read_timeout)
                return connection
            except OSError as err:
                connection.close()
                self._judge(err, time.monotonic() < deadline)
            self._sleep(1.0)

    def _judge(self, err: OSError, time_left: bool) -> None:
        """Return if connecting may be tried again, else raise what is wrong."""
        if err.errno in (errno.EPERM, errno.EACCES):
            raise PermissionDeniedError(
                f"No permission to talk to the master daemon at {self.address}; "
                "run this as root or as a member of its group") from err
        if err.errno in (errno.ENOENT, errno.ECONNREFUSED):
            if not self._is_master():
                raise NoMasterError(f"No master daemon listens at {self.address}; "
                                    "commands work on the master node only") from err
            if not time_left:
                raise NoMasterError(
                    f"No master daemon listens at {self.address}, though this node is the "
                    "master; start it with 'daemon-util start-master'") from err
            return
        if not isinstance(err, TimeoutError) and err.errno != errno.EAGAIN:
            raise errors.LuxiError(f"Cannot connect to {self.address}: "
                                   f"{err.strerror or err}") from err
        if not time_left:
            raise LuxiTimeoutError(
                f"The master daemon at {self.address} took no connection within "
                f"{self._connect_timeout:g} s") from err

    def _receive(self) -> bytes:
        assert self._socket is not None
        while True:
            data = self._socket.recv(_READ_SIZE)
            if not data:
                raise ConnectionLostError("The master daemon closed the connection")
            messages = self._framer.feed(data)
            if len(messages) > 1:
                raise protocol.ProtocolError("More than one answer to one request")
            if messages:
                return messages[0]

    def _exchange(self, request: bytes) -> bytes:
        """Send a request and read its answer, on the open connection or a new one."""
        if self._socket is None:
            self._socket = self._connect()
        try:
            self._socket.sendall(request)
        except TimeoutError as err:
            raise LuxiTimeoutError("The master daemon does not take the request") from err
        except OSError as err:
            raise _NotSentError(f"The connection broke: {err.strerror}") from err
        try:
            return self._receive()
        except TimeoutError as err:
            raise LuxiTimeoutError(
                f"The master daemon gave no answer within {self._read_timeout:g} s") from err
        except OSError as err:
            raise ConnectionLostError(f"The connection broke: {err.strerror or err}") from err

    def call(self, method: str, args: Sequence[Any] = ()) -> Any:
        """Call a method; errors of the server are raised here.

        After a broken connection a question is asked again; a request that may have changed
        something is sent again only if it had not been sent in full.
        """
        request = protocol.encode_request(method, list(args))
        for attempt in range(MAX_TRIES):
            try:
                answer = self._exchange(request)
            except _NotSentError as err:
                failure: errors.LuxiError = err
            except ConnectionLostError as err:
                if method not in protocol.READ_ONLY:
                    self.close()
                    raise ConnectionLostError(
                        f"{err}, and whether it still carried out {method} is unknown; "
                        "look at 'gnt-job list' before trying again") from err
                failure = err
            except errors.LuxiError:
                self.close()
                raise
            else:
                return protocol.decode_reply(answer)
            self.close()
            self._sleep(PAUSE_STEP * attempt)
        raise ConnectionLostError(f"Gave up after {MAX_TRIES} tries: {failure}")

    # -- one method a LUXI call -----------------------------------------------------------------

    def query(self, what: str, fields: Sequence[str], qfilter: Any = None) -> Any:
        """``{"fields": [...], "data": [[[status, value], ...], ...]}``."""
        return self.call(protocol.REQ_QUERY, [what, list(fields), qfilter])

    def query_fields(self, what: str, fields: Sequence[str] | None = None) -> Any:
        """Definitions of the fields of a resource."""
        return self.call(protocol.REQ_QUERY_FIELDS,
                         [what, None if fields is None else list(fields)])

    def query_nodes(self, names: Sequence[str], fields: Sequence[str],
                    use_locking: bool = False) -> Any:
        """Rows of plain values."""
        return self.call(protocol.REQ_QUERY_NODES, [list(names), list(fields), use_locking])

    def query_groups(self, names: Sequence[str], fields: Sequence[str],
                     use_locking: bool = False) -> Any:
        """Rows of plain values."""
        return self.call(protocol.REQ_QUERY_GROUPS, [list(names), list(fields), use_locking])

    def query_networks(self, names: Sequence[str], fields: Sequence[str],
                       use_locking: bool = False) -> Any:
        """Rows of plain values."""
        return self.call(protocol.REQ_QUERY_NETWORKS, [list(names), list(fields), use_locking])

    def query_instances(self, names: Sequence[str], fields: Sequence[str],
                        use_locking: bool = False) -> Any:
        """Rows of plain values."""
        return self.call(protocol.REQ_QUERY_INSTANCES, [list(names), list(fields), use_locking])

    def query_filters(self, uuids: Sequence[str] | None, fields: Sequence[str]) -> Any:
        """Rows of plain values."""
        return self.call(protocol.REQ_QUERY_FILTERS, [uuids, list(fields)])

    def replace_filter(self, uuid: str | None, priority: int, predicates: Any, action: Any,
                       reason: Any) -> Any:
        """Add or change a job filter; its uuid."""
        return self.call(protocol.REQ_REPLACE_FILTER, [uuid, priority, predicates, action, reason])

    def delete_filter(self, uuid: str) -> Any:
        """Remove a job filter."""
        return self.call(protocol.REQ_DELETE_FILTER, [uuid])

    def query_jobs(self, job_ids: Sequence[int] | None, fields: Sequence[str]) -> Any:
        """Rows of plain values; None for an unknown job."""
        return self.call(protocol.REQ_QUERY_JOBS, [job_ids, list(fields)])

    def query_exports(self, nodes: Sequence[str], use_locking: bool = False) -> Any:
        """Export names by node; False for a node that did not answer."""
        return self.call(protocol.REQ_QUERY_EXPORTS, [list(nodes), use_locking])

    def query_config_values(self, fields: Sequence[str]) -> Any:
        """Single facts of the cluster, in the order of the fields."""
        return self.call(protocol.REQ_QUERY_CONFIG_VALUES, [list(fields)])

    def query_cluster_info(self) -> Any:
        """The facts of the cluster by name."""
        return self.call(protocol.REQ_QUERY_CLUSTER_INFO)

    def query_tags(self, kind: str, name: str) -> Any:
        """Tags of an object."""
        return self.call(protocol.REQ_QUERY_TAGS, [kind, name])

    def submit_job(self, opcodes: Sequence[Any]) -> Any:
        """Queue a job; its id."""
        return self.call(protocol.REQ_SUBMIT_JOB, [_as_dicts(opcodes)])

    def submit_job_to_drained_queue(self, opcodes: Sequence[Any]) -> Any:
        """Queue a job although the queue is drained; its id."""
        return self.call(protocol.REQ_SUBMIT_JOB_TO_DRAINED_QUEUE, [_as_dicts(opcodes)])

    def submit_many_jobs(self, jobs: Sequence[Sequence[Any]]) -> Any:
        """Queue several jobs; ``[[True, id] | [False, text], ...]``."""
        return self.call(protocol.REQ_SUBMIT_MANY_JOBS, [[_as_dicts(job) for job in jobs]])

    def wait_for_job_change_once(self, job_id: int, fields: Sequence[str], prev_job_info: Any,
                                 prev_log_serial: int | None, timeout: float = MAX_WAIT) -> Any:
        """``[row, log entries]``; the known row and no entries when nothing changed in time."""
        return self.call(protocol.REQ_WAIT_FOR_JOB_CHANGE, [
            job_id, list(fields), prev_job_info, prev_log_serial, min(MAX_WAIT, timeout)])

    def wait_for_job_change(self, job_id: int, fields: Sequence[str], prev_job_info: Any,
                            prev_log_serial: int | None) -> Any:
        """The same, however long it takes."""
        while True:
            row, entries = self.wait_for_job_change_once(job_id, fields, prev_job_info,
                                                         prev_log_serial)
            if row != prev_job_info or entries:
                return [row, entries]

    def pickup_job(self, job_id: int) -> Any:
        """Internal to the system; clients have no use for it."""
        return self.call(protocol.REQ_PICKUP_JOB, [job_id])

    def archive_job(self, job_id: int) -> Any:
        """Archive a finished job; whether it was done."""
        return self.call(protocol.REQ_ARCHIVE_JOB, [job_id])

    def auto_archive_jobs(self, age: int, timeout: float | None = None) -> Any:
        """Archive jobs older than `age` seconds; ``[archived, left unchecked]``."""
        if timeout is None:
            timeout = (self._read_timeout - 1) / 2
        return self.call(protocol.REQ_AUTO_ARCHIVE_JOBS, [age, timeout])

    def cancel_job(self, job_id: int, kill: bool | None = None) -> Any:
        """``[whether it will be, text]``."""
        return self.call(protocol.REQ_CANCEL_JOB,
                         [job_id] if kill is None else [job_id, kill])

    def change_job_priority(self, job_id: int, priority: int) -> Any:
        """``[whether it was, text]``."""
        return self.call(protocol.REQ_CHANGE_JOB_PRIORITY, [job_id, priority])

    def set_drain_flag(self, flag: bool) -> Any:
        """Close or open the job queue."""
        return self.call(protocol.REQ_SET_DRAIN_FLAG, [flag])

    def set_watcher_pause(self, until: float | None) -> Any:
        """Pause the watcher until a time; None lets it go on."""
        return self.call(protocol.REQ_SET_WATCHER_PAUSE, [until])


class _NotSentError(errors.LuxiError):
    """The request did not leave in full, so that the server can not have carried it out."""


def _as_dicts(opcodes: Sequence[Any]) -> list[Any]:
    return [op.to_dict() if hasattr(op, "to_dict") else op for op in opcodes]
