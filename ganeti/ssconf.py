"""The flat files that every node has: read by whoever needs them, replaced all together."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ganeti import errors, pathutils
from ganeti.constants import ssconf as keys
from ganeti.utils import io, net

_LOCK_TIMEOUT = 10.0


class SimpleStore:
    """Access to the ssconf files of this node (of another directory in tests)."""

    def __init__(self, directory: str | None = None) -> None:
        self._dir = directory or pathutils.SSCONF_DIR

    def path(self, key: str) -> str:
        """File of a key; ProgrammerError for a key that does not exist."""
        if not keys.is_ss_key(key):
            raise errors.ProgrammerError(f"There is no ssconf key '{key}'")
        return os.path.join(self._dir, f"ssconf_{key}")

    def get(self, key: str, default: str | None = None) -> str:
        """The text of a key without the final newline; ConfigurationError when it is missing."""
        path = self.path(key)
        try:
            return io.read_file(path, keys.SSCONF_MAX_SIZE).rstrip("\n")
        except FileNotFoundError:
            if default is not None:
                return default
            raise errors.ConfigurationError(
                f"{path} is missing: this machine is not part of a cluster, or 'gnt-cluster"
                " redist-conf' must be run on the master") from None
        except OSError as err:
            raise errors.ConfigurationError(f"Can't read {path}: {err.strerror}") from None
        except errors.ParseError as err:
            raise errors.ConfigurationError(
                f"{err}; 'gnt-cluster redist-conf' on the master mends it") from None

    def lines(self, key: str) -> list[str]:
        """The lines of a list; empty for a missing file."""
        return [line for line in self.get(key, "").splitlines() if line]

    def mapping(self, key: str) -> dict[str, str]:
        """A map of lines NAME=VALUE (or NAME VALUE, as some keys have it)."""
        result = {}
        for line in self.lines(key):
            separator = "=" if "=" in line else " "
            name, _, value = line.partition(separator)
            result[name.strip()] = value.strip()
        return result

    def read_all(self) -> dict[str, str]:
        """Every key that is there."""
        return {key: self.get(key) for key in sorted(keys.ss_keys())
                if os.path.exists(self.path(key))}

    def write(self, values: Mapping[str, str], *, dry_run: bool = False) -> list[str]:
        """Replace the files of some keys under the lock; gives back those that changed.

        All values are checked before the first file is written.
        """
        contents = {}
        for key, value in values.items():
            data = (value if not value or value.endswith("\n") else value + "\n").encode()
            if len(data) > keys.SSCONF_MAX_SIZE:
                raise errors.ConfigurationError(
                    f"ssconf value {key} has {len(data)} bytes, {keys.SSCONF_MAX_SIZE} fit")
            contents[self.path(key)] = (key, data)
        changed = []
        with io.lock_file(self._lock_path(), timeout=_LOCK_TIMEOUT):
            for path, (key, data) in sorted(contents.items()):
                if _content(path) != data:
                    io.write_file(path, data, mode=keys.SSCONF_FILE_MODE, dry_run=dry_run,
                                  sync=False)
                    changed.append(key)
            if changed and not dry_run:
                io.sync_path(self._dir)
        return changed

    def _lock_path(self) -> str:
        if self._dir == pathutils.SSCONF_DIR:
            return pathutils.SSCONF_LOCK_FILE
        return os.path.join(self._dir, ".ssconf.lock")

    def cluster_name(self) -> str:
        return self.get(keys.SS_CLUSTER_NAME)

    def master_node(self) -> str:
        """Name of the master node, as this node knows it."""
        return self.get(keys.SS_MASTER_NODE)

    def master_ip(self) -> str:
        return self.get(keys.SS_MASTER_IP)

    def nodes(self) -> list[str]:
        return self.lines(keys.SS_NODE_LIST)

    def online_nodes(self) -> list[str]:
        return self.lines(keys.SS_ONLINE_NODES)

    def primary_ips(self) -> dict[str, str]:
        """Address by node name."""
        return self.mapping(keys.SS_NODE_PRIMARY_IPS)

    def candidate_certs(self) -> dict[str, str]:
        """Digest of the client certificate by node UUID."""
        return self.mapping(keys.SS_MASTER_CANDIDATES_CERTS)

    def hypervisors(self) -> list[str]:
        return self.lines(keys.SS_HYPERVISOR_LIST)

    def hvparams(self, hypervisor: str) -> dict[str, str]:
        """Cluster-wide parameters of a hypervisor."""
        return self.mapping(keys.SS_HVPARAMS_PREF + hypervisor)

    def primary_ip_family(self) -> int:
        """AF_INET or AF_INET6."""
        text = self.get(keys.SS_PRIMARY_IP_FAMILY, "2")
        try:
            return int(text)
        except ValueError:
            raise errors.ConfigurationError(
                f"{self.path(keys.SS_PRIMARY_IP_FAMILY)} holds no number: '{text}'") from None

    def uid_pool(self) -> list[tuple[int, int]]:
        """Ranges of user ids for guests."""
        pool = []
        for line in self.lines(keys.SS_UID_POOL):
            low, _, high = line.partition("-")
            pool.append((int(low), int(high or low)))
        return pool

    def is_master(self) -> bool:
        """Whether this node is the master, as far as it knows."""
        return self.master_node() == net.hostname()


def _content(path: str) -> bytes | None:
    try:
        return io.read_bytes(path)
    except FileNotFoundError:
        return None
