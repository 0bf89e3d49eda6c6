"""From the options to a prepared cluster: choosing the back end, asking it, warning."""

from __future__ import annotations

import http.client
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ganeti import constants, errors, serializer
from ganeti.htools import model
from ganeti.htools.load import iallocator, live, prepare, simulate, text, utilisation
from ganeti.htools.prog.command_line import Options
from ganeti.htools.prog.declared import DEFAULT_SOCKET

_TIMEOUT = 60.0
_MOND_TIMEOUT = 5.0
_EXCLUSIVE = ("master", "luxi", "text_data")
_RESOURCES = {"groups": "/2/groups?bulk=1", "nodes": "/2/nodes?bulk=1",
              "instances": "/2/instances?bulk=1", "info": "/2/info"}


def load(opts: Options) -> model.Cluster:
    """The cluster that the options name, prepared; warnings go to standard error."""
    cluster = read(opts)
    finish(cluster, opts)
    return cluster


def read(opts: Options) -> model.Cluster:
    """The cluster as its source tells it."""
    given = [name for name in _EXCLUSIVE if getattr(opts, name, None)]
    if len(given) > 1:
        raise model.RequestError("Only one of the options for RAPI, LUXI and a text file may be"
                                 " given")
    host_memory = getattr(opts, "static_kvm_node_memory", 4096)
    try:
        if getattr(opts, "master", None):
            return from_rapi(opts.master, host_memory)
        if getattr(opts, "luxi", None):
            return from_luxi(opts.luxi, host_memory)
        if getattr(opts, "simulate", None):
            return simulate.load(opts.simulate)
        if getattr(opts, "text_data", None):
            return text.load(opts.text_data)
        if getattr(opts, "ialloc_src", None):
            return iallocator.cluster(iallocator.load(opts.ialloc_src), host_memory)
    except model.LoadError as err:
        raise model.LoadError(f"failed to load data, aborting: {err}") from err
    raise model.LoadError("failed to load data, aborting: No backend selected; give one of the"
                          " options -L, -m, -t or -I that the program has")


def finish(cluster: model.Cluster, opts: Options) -> None:
    """Everything after reading."""
    if getattr(opts, "ignore_dynu", False):
        utilisation.clear(cluster)
    elif getattr(opts, "dynu_file", None):
        utilisation.load_file(cluster, opts.dynu_file)
    warnings = prepare.prepare(cluster, prepare.Wishes(
        getattr(opts, "offline", ()), getattr(opts, "select_instances", ()),
        getattr(opts, "exclude_instances", ())))
    monitoring(cluster, opts)
    if warnings and getattr(opts, "verbose", 1) > 0:
        print("Warning: cluster has inconsistent data:", file=sys.stderr)
        for warning in warnings:
            print(f"  - {warning}", file=sys.stderr)
        print(file=sys.stderr)


def monitoring(cluster: model.Cluster, opts: Options) -> None:
    """Take the CPU loads that -U's sisters name: monitoring daemons, or what they said before."""
    if getattr(opts, "mond_data", None):
        reports: dict[str, Any] = utilisation.load_reports(opts.mond_data)
    elif getattr(opts, "mond", False):
        reports = {node.name: _ask_monitor(node.name) for node in cluster.nodes
                   if not node.offline}
    else:
        return
    missing = utilisation.apply_reports(
        cluster, reports, xen=getattr(opts, "mond_xen", False),
        complete=getattr(opts, "mond_required", False))
    for name in missing:
        print(f"Warning: the CPU load of {name} is not known", file=sys.stderr)


def _ask_monitor(node: str) -> list[Any] | None:
    url = f"http://{node}:{constants.DEFAULT_MOND_PORT}/1/report/all"
    try:
        with urllib.request.urlopen(url, timeout=_MOND_TIMEOUT) as answer:
            reports = serializer.load(answer.read(), url)
    except (OSError, http.client.HTTPException, errors.ParseError):
        return None
    return reports if isinstance(reports, list) else None


def luxi_client(address: str) -> Any:
    """A client of the master daemon."""
    from ganeti.luxi import client
    return client.Client(None if address == DEFAULT_SOCKET else address)


def from_luxi(address: str, host_memory: int) -> model.Cluster:
    """Ask the master daemon."""
    try:
        with luxi_client(address) as client:
            return live.from_luxi(client.query, client.query_cluster_info(), host_memory)
    except errors.LuxiError as err:
        raise model.LoadError(f"the master daemon does not answer: {err}") from err


def from_rapi(url: str, host_memory: int) -> model.Cluster:
    """Ask the remote API, or read its saved answers below a file:// URL."""
    answers = {name: _fetch(url, name, path) for name, path in _RESOURCES.items()}
    return live.from_rapi(answers["groups"], answers["nodes"], answers["instances"],
                          answers["info"], host_memory)


def rapi_url(master: str) -> str:
    """The full URL of what was given: a host, host:port, or a URL."""
    if "://" in master:
        return master.rstrip("/")
    return f"https://{master}" if ":" in master else f"https://{master}:{constants.DEFAULT_RAPI_PORT}"


def _fetch(master: str, name: str, path: str) -> Any:
    base = rapi_url(master)
    if base.startswith("file://"):
        filename = f"{urllib.parse.unquote(base.removeprefix('file://'))}/{name}.json"
        try:
            with open(filename, "rb") as stream:
                return serializer.load(stream.read(), filename)
        except (OSError, errors.ParseError) as err:
            raise model.LoadError(f"{filename}: {getattr(err, 'strerror', None) or err}") from err
    # the certificate of a cluster is its own; the data is read only
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(base + path, timeout=_TIMEOUT, context=context) as answer:
            return serializer.load(answer.read(), base + path)
    except urllib.error.URLError as err:
        raise model.LoadError(f"{base}: {err.reason}") from err
    except (OSError, http.client.HTTPException, errors.ParseError) as err:
        raise model.LoadError(f"{base}: {err}") from err
