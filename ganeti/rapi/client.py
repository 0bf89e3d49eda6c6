"""A Python library for programs that manage a cluster over the REST interface.

    with Client("cluster.example.org", username="jack", password="...") as cluster:
        job = cluster.startup_instance("web1")
        cluster.wait(job)

It needs nothing but the standard library. Methods that change something give back a job's number.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

PORT = 5080
_FINAL = frozenset(["success", "error", "canceled"])


class RapiError(Exception):
    """The server could not be reached, or its answer makes no sense."""


class ApiError(RapiError):
    """The server refused: the status in `code`, its text in `args`."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class JobFailed(RapiError):  # noqa: N818 - what has happened, in the words of the system
    """An awaited job did not succeed; `job` is all that is known about it."""

    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__(f"Job {job.get('id')} ended as {job.get('status')}: "
                         f"{_failure(job.get('opresult'))}")
        self.job = job


def _failure(results: Any) -> str:
    texts = [item[1][0] if isinstance(item, list) and len(item) == 2 and item[1] else item
             for item in results or [] if item is not None]
    return str(texts[-1]) if texts else "no result"


def insecure_context() -> ssl.SSLContext:
    """TLS that does not check who the server is (clusters have self-signed certificates)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client:
    """One connection to a cluster, opened at the first request and kept open.

    `context` says which certificates are trusted: `ssl.create_default_context(cafile=...)` with
    the cluster's rapi.pem, `insecure_context()`, or `None` for plain HTTP.
    """

    def __init__(self, host: str, port: int = PORT, *, username: str | None = None,
                 password: str | None = None, timeout: float = 60.0,
                 context: ssl.SSLContext | None | bool = True) -> None:
        self._host, self._port, self._timeout = host, port, timeout
        self._context = ssl.create_default_context() if context is True else context or None
        self._headers = {"Accept": "application/json"}
        if username is not None:
            token = base64.b64encode(f"{username}:{password or ''}".encode()).decode()
            self._headers["Authorization"] = f"Basic {token}"
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout,
                                           context=self._context)

    def request(self, method: str, path: str, query: Mapping[str, Any] | None = None,
                body: Any = None) -> Any:
        """Any request: arguments that are None are left out, truth is sent as 0 and 1."""
        target = urllib.parse.quote(path)
        arguments = _arguments(query or {})
        if arguments:
            target += "?" + urllib.parse.urlencode(arguments, doseq=True)
        headers = dict(self._headers)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        status, answer = self._exchange(method, target, data, headers)
        try:
            value = json.loads(answer) if answer else None
        except ValueError:
            raise RapiError(f"The answer to {method} {path} is no JSON") from None
        if status != 200:
            text = value.get("message", "") if isinstance(value, dict) else str(value)
            raise ApiError(status, str(text))
        return value

    def _exchange(self, method: str, target: str, data: bytes | None,
                  headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send on the open connection; on one that the server has closed meanwhile, anew."""
        reused = self._connection is not None
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.request(method, target, data, dict(headers))
            response = self._connection.getresponse()
            return response.status, response.read()
        except http.client.RemoteDisconnected as err:
            self.close()
            if reused:  # closed while idle: the server has not seen this request
                return self._exchange(method, target, data, headers)
            raise RapiError(f"{self._host} closed the connection: {err}") from err
        except (OSError, http.client.HTTPException) as err:
            self.close()
            raise RapiError(f"Can't talk to {self._host} port {self._port}: {err}") from err

    # -- the cluster ----------------------------------------------------------------------------

    def version(self) -> Any:
        """Version of the interface."""
        return self.request("GET", "/version")

    def features(self) -> Any:
        """What the server can do."""
        return self.request("GET", "/2/features")

    def info(self) -> Any:
        """Facts of the cluster."""
        return self.request("GET", "/2/info")

    def operating_systems(self, bulk: bool = False) -> Any:
        """Names of what can be installed."""
        return self.request("GET", "/2/os", {"bulk": bulk})

    def modify_cluster(self, **params: Any) -> Any:
        """Change parameters of the cluster."""
        return self.request("PUT", "/2/modify", body=params)

    def redistribute_config(self) -> Any:
        """Copy the configuration to all nodes again."""
        return self.request("PUT", "/2/redistribute-config")

    def query(self, what: str, fields: Sequence[str], qfilter: Any = None) -> Any:
        """Any fields of any objects, `{"fields": [...], "data": [...]}`."""
        return self.request("PUT", f"/2/query/{what}",
                            body={"fields": list(fields), "qfilter": qfilter})

    def query_fields(self, what: str, fields: Sequence[str] | None = None) -> Any:
        """Which fields there are."""
        return self.request("GET", f"/2/query/{what}/fields",
                            {"fields": ",".join(fields) if fields else None})

    # -- jobs -----------------------------------------------------------------------------------

    def jobs(self, bulk: bool = False) -> Any:
        """All jobs."""
        return self.request("GET", "/2/jobs", {"bulk": bulk})

    def job(self, job_id: int) -> Any:
        """One job."""
        return self.request("GET", f"/2/jobs/{job_id}")

    def cancel_job(self, job_id: int) -> Any:
        """Cancel a job: whether that was possible, and a text."""
        return self.request("DELETE", f"/2/jobs/{job_id}")

    def wait_for_change(self, job_id: int, fields: Sequence[str], previous: Any = None,
                        serial: int | None = None) -> Any:
        """Wait some seconds for a job to change; None when it did not."""
        return self.request("GET", f"/2/jobs/{job_id}/wait", body={
            "fields": list(fields), "previous_job_info": previous,
            "previous_log_serial": serial})

    def wait(self, job_id: int, timeout: float | None = None) -> Any:
        """Wait until a job has ended; its results, JobFailed when it did not succeed."""
        limit = None if timeout is None else time.monotonic() + timeout
        previous = None
        while True:
            change = self.wait_for_change(job_id, ["status"], previous, -1)
            previous = change["job_info"] if change else previous
            if previous and previous[0] in _FINAL:
                break
            if limit is not None and time.monotonic() >= limit:
                raise RapiError(f"Job {job_id} has not ended within {timeout:g} s")
        job = self.job(job_id)
        if job["status"] != "success":
            raise JobFailed(job)
        return job["opresult"]

    # -- instances ------------------------------------------------------------------------------

    def instances(self, bulk: bool = False) -> Any:
        """All instances."""
        return self.request("GET", "/2/instances", {"bulk": bulk})

    def instance(self, name: str) -> Any:
        """One instance."""
        return self.request("GET", f"/2/instances/{name}")

    def create_instance(self, name: str, *, dry_run: bool = False, **params: Any) -> Any:
        """Create an instance; the parameters are those of the opcode."""
        return self.request("POST", "/2/instances", {"dry-run": dry_run},
                            {"__version__": 1, "instance_name": name, **params})

    def remove_instance(self, name: str, *, dry_run: bool = False, **params: Any) -> Any:
        """Remove an instance with its disks."""
        return self.request("DELETE", f"/2/instances/{name}", {"dry-run": dry_run},
                            params or None)

    def instance_info(self, name: str, static: bool = False) -> Any:
        """Everything about an instance, as a job's result."""
        return self.request("GET", f"/2/instances/{name}/info", {"static": static})

    def console(self, name: str) -> Any:
        """How to reach the console."""
        return self.request("GET", f"/2/instances/{name}/console")

    def startup_instance(self, name: str, *, force: bool = False, no_remember: bool = False,
                         dry_run: bool = False) -> Any:
        """Start an instance."""
        return self.request("PUT", f"/2/instances/{name}/startup", {
            "force": force, "no_remember": no_remember, "dry-run": dry_run})

    def shutdown_instance(self, name: str, *, no_remember: bool = False, dry_run: bool = False,
                          **params: Any) -> Any:
        """Stop an instance."""
        return self.request("PUT", f"/2/instances/{name}/shutdown", {
            "no_remember": no_remember, "dry-run": dry_run}, params or None)

    def reboot_instance(self, name: str, kind: str = "hard", *, dry_run: bool = False,
                        **params: Any) -> Any:
        """Restart an instance: soft, hard or full."""
        return self.request("POST", f"/2/instances/{name}/reboot", {
            "type": kind, "dry-run": dry_run}, params or None)

    def instance_action(self, name: str, action: str, method: str = "PUT",
                        query: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """Another operation on an instance: migrate, failover, modify, rename, ..."""
        return self.request(method, f"/2/instances/{name}/{action}", query, params or None)

    def migrate_instance(self, name: str, **params: Any) -> Any:
        """Move a running instance to another node."""
        return self.instance_action(name, "migrate", **params)

    def failover_instance(self, name: str, **params: Any) -> Any:
        """Stop an instance and start it on another node."""
        return self.instance_action(name, "failover", **params)

    def modify_instance(self, name: str, **params: Any) -> Any:
        """Change an instance."""
        return self.instance_action(name, "modify", **params)

    def rename_instance(self, name: str, new_name: str, **params: Any) -> Any:
        """Give an instance another name."""
        return self.instance_action(name, "rename", new_name=new_name, **params)

    def reinstall_instance(self, name: str, **params: Any) -> Any:
        """Install the operating system anew."""
        return self.instance_action(name, "reinstall", "POST", **params)

    def grow_disk(self, name: str, disk: int, amount: int, **params: Any) -> Any:
        """Grow a disk by MiB."""
        return self.instance_action(name, f"disk/{disk}/grow", "POST", amount=amount, **params)

    # -- nodes, groups, networks, tags ----------------------------------------------------------

    def nodes(self, bulk: bool = False) -> Any:
        """All nodes."""
        return self.request("GET", "/2/nodes", {"bulk": bulk})

    def node(self, name: str) -> Any:
        """One node."""
        return self.request("GET", f"/2/nodes/{name}")

    def node_role(self, name: str) -> Any:
        """The role of a node."""
        return self.request("GET", f"/2/nodes/{name}/role")

    def set_node_role(self, name: str, role: str, *, force: bool = False,
                      auto_promote: bool = False) -> Any:
        """Give a node another role."""
        return self.request("PUT", f"/2/nodes/{name}/role", {
            "force": force, "auto-promote": auto_promote}, role)

    def node_action(self, name: str, action: str, method: str = "POST",
                    query: Mapping[str, Any] | None = None, **params: Any) -> Any:
        """Another operation on a node: evacuate, migrate, modify, powercycle, ..."""
        return self.request(method, f"/2/nodes/{name}/{action}", query, params or None)

    def groups(self, bulk: bool = False) -> Any:
        """All node groups."""
        return self.request("GET", "/2/groups", {"bulk": bulk})

    def group(self, name: str) -> Any:
        """One node group."""
        return self.request("GET", f"/2/groups/{name}")

    def create_group(self, name: str, *, dry_run: bool = False, **params: Any) -> Any:
        """Add a node group."""
        return self.request("POST", "/2/groups", {"dry-run": dry_run},
                            {"group_name": name, **params})

    def remove_group(self, name: str, *, dry_run: bool = False) -> Any:
        """Remove an empty node group."""
        return self.request("DELETE", f"/2/groups/{name}", {"dry-run": dry_run})

    def group_action(self, name: str, action: str, query: Mapping[str, Any] | None = None,
                     **params: Any) -> Any:
        """Another operation on a group: modify, rename, assign-nodes."""
        return self.request("PUT", f"/2/groups/{name}/{action}", query, params or None)

    def networks(self, bulk: bool = False) -> Any:
        """All networks."""
        return self.request("GET", "/2/networks", {"bulk": bulk})

    def network(self, name: str) -> Any:
        """One network."""
        return self.request("GET", f"/2/networks/{name}")

    def tags(self, where: str = "") -> Any:
        """Tags of a thing; `where` is empty for the cluster, or as 'instances/web1'."""
        return self.request("GET", _tags_uri(where))

    def add_tags(self, tags: Sequence[str], where: str = "") -> Any:
        """Add tags to a thing."""
        return self.request("PUT", _tags_uri(where), {"tag": list(tags)})

    def remove_tags(self, tags: Sequence[str], where: str = "") -> Any:
        """Remove tags of a thing."""
        return self.request("DELETE", _tags_uri(where), {"tag": list(tags)})


def _tags_uri(where: str) -> str:
    return f"/2/{where}/tags" if where else "/2/tags"


def _arguments(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value) if isinstance(value, bool) else value
            for name, value in query.items() if value is not None and value is not False}
