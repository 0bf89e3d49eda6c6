"""Files that the master hands out: configuration, keys, ssconf, the hosts file."""

from __future__ import annotations

import functools
import grp
import logging
import os
import pwd
import threading
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, pathutils, runtime, ssconf
from ganeti.backend import confcopy
from ganeti.rpc import kinds
from ganeti.utils import io, process

_hosts_lock = threading.Lock()


@functools.cache
def _allowed_files() -> frozenset[str]:
    """Real paths that may be uploaded; everything else is refused."""
    from ganeti.hypervisor import registry
    paths = [
        pathutils.CLUSTER_CONF_FILE, pathutils.ETC_HOSTS, pathutils.SSH_KNOWN_HOSTS_FILE,
        pathutils.VNC_PASSWORD_FILE, pathutils.RAPI_CERT_FILE, pathutils.SPICE_CERT_FILE,
        pathutils.SPICE_CACERT_FILE, pathutils.RAPI_USERS_FILE, pathutils.CONFD_HMAC_KEY,
        pathutils.CLUSTER_DOMAIN_SECRET_FILE, pathutils.NODED_CERT_FILE,
    ]
    for name in registry.names():
        driver = registry.get_class(name)
        paths += [*driver.ancillary_files, *driver.optional_ancillary_files]
    return frozenset(pathutils.local(path) for path in paths)


def _id(name: Any, find: Any, what: str) -> int:
    """A user or group id; only root can give files away, so others keep theirs."""
    if os.geteuid() != 0:
        return -1
    if isinstance(name, int):
        return name
    if isinstance(name, str) and name.isdigit():
        return int(name)
    try:
        return int(find(str(name)))
    except KeyError:
        raise errors.OpExecError(f"There is no {what} '{name}' on this node; the accounts of the "
                                 "daemons must be the same on all nodes") from None


def _store(path: str, data: bytes, mode: Any, user: Any, group: Any, mtime: Any) -> None:
    real = pathutils.local(path)
    if real not in _allowed_files():
        raise errors.OpExecError(f"The file {path} is none of those that the master may send")
    if not isinstance(mode, int) or not 0 <= mode <= 0o777:
        raise errors.ParameterError(f"Wrong mode {mode!r} for {path}")
    uid = _id(user, lambda name: pwd.getpwnam(name).pw_uid, "user")
    gid = _id(group, lambda name: grp.getgrnam(name).gr_gid, "group")
    is_new = not os.path.exists(real)
    directory = os.path.dirname(real)
    if not os.path.isdir(directory):
        io.make_dirs(directory)
    write = (confcopy.replace if real == pathutils.CLUSTER_CONF_FILE
             else functools.partial(io.write_file, real))
    write(data, mode=mode, uid=uid, gid=gid,
          mtime=mtime if isinstance(mtime, (int, float)) else None)
    logging.info("The master has sent %s, %d bytes", pathutils.logical(path), len(data))
    if is_new and real == pathutils.CLUSTER_CONF_FILE:
        # The node has become a candidate.
        threading.Thread(target=_start_confd, name="start-confd", daemon=True).start()


def _start_confd() -> None:
    try:
        process.run([pathutils.DAEMON_UTIL, "start", constants.CONFD],
                    timeout=60).require_success("Starting confd")
    except errors.GenericError as err:
        logging.error("%s", errors.text(err))


def upload_file(file_name: kinds.FileDetails) -> None:
    """Take one file of the master, with its owner, mode and times."""
    details = file_name
    _store(details.path, details.data, details.mode, details.user, details.group, details.mtime)


def upload_file_single(file_name: str, content: str, mode: int, uid: Any, gid: Any,
                       atime: float, mtime: float) -> None:
    """The same with separate arguments."""
    _store(file_name, content.encode("utf-8"), mode, uid, gid, mtime)


def write_ssconf_files(values: Mapping[str, str]) -> None:
    """Replace ssconf files; those that would not change are left alone."""
    changed = ssconf.SimpleStore().write(values)
    if changed:
        logging.info("New ssconf values: %s", ", ".join(changed))


def get_file_info(file_path: str) -> list[Any]:
    """Whether a file exists, and its size in bytes."""
    try:
        status = os.stat(pathutils.local(file_path))
    except FileNotFoundError:
        return [False, {}]
    except OSError as err:
        raise errors.OpExecError(f"Cannot look at {file_path}: {err.strerror}") from err
    return [True, {"size": status.st_size}]


def etc_hosts_modify(mode: str, name: str, ip: str | None) -> bool:
    """Enter a host into the hosts file, or take it out."""
    with _hosts_lock:
        try:
            lines = io.read_file(pathutils.ETC_HOSTS).splitlines()
            status = os.stat(pathutils.ETC_HOSTS)
        except FileNotFoundError:
            lines, status = [], None
        if mode == constants.ETC_HOSTS_ADD:
            if not ip:
                raise errors.ParameterError(f"No address to enter for {name}")
            new = _with_host(lines, name, ip)
        elif mode == constants.ETC_HOSTS_REMOVE:
            if ip:
                raise errors.ParameterError("Hosts are removed by name, not by address")
            new = _without_host(lines, name)
        else:
            raise errors.ParameterError(f"Unknown way to change the hosts file: {mode!r}")
        if new != lines:
            _write_hosts(new, status)
    return True


def _write_hosts(lines: list[str], status: os.stat_result | None) -> None:
    text = "".join(f"{line}\n" for line in lines)
    owner = runtime.UNCHANGED
    if status is not None and os.geteuid() == 0:
        owner = runtime.Owner(status.st_uid, status.st_gid)
    try:
        io.write_file(pathutils.ETC_HOSTS, text, mode=0o644, uid=owner.uid, gid=owner.gid)
    except OSError:
        # In a container the file is a mount of its own and can only be written in place.
        with open(pathutils.ETC_HOSTS, "r+", encoding="utf-8") as stream:
            stream.write(text)
            stream.truncate()


def _words(line: str) -> list[str]:
    return line.split("#", 1)[0].split()


def _with_host(lines: list[str], name: str, ip: str) -> list[str]:
    """The lines with one for this host; a line that says the same is kept as it is."""
    if any(words[:1] == [ip] and name in words[1:] for words in map(_words, lines)):
        return lines
    names = [name]
    if "." in name:
        names.append(name.split(".")[0])
    return [*_without_host(lines, name), f"{ip}\t{' '.join(names)}"]


def _without_host(lines: list[str], name: str) -> list[str]:
    """The lines without this host and its short name; other names of its lines are kept."""
    unwanted = {name, name.split(".")[0]}
    kept = []
    for line in lines:
        words = _words(line)
        if name not in words[1:]:
            kept.append(line)
            continue
        others = [word for word in words[1:] if word not in unwanted]
        if others:
            kept.append(f"{words[0]}\t{' '.join(others)}")
    return kept
