"""A node's directory tree in a temporary directory, for tests of the node side."""

from __future__ import annotations

import os

import pytest

import ganeti
from ganeti import pathutils

#: The programs of the checkout are no part of a node's tree, wherever the checkout lies.
_CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(ganeti.__file__))) + "/"
_NODE_TREES = ("/var/", "/etc/", "/srv/", "/usr/local/lib/ganeti/", "/usr/lib/ganeti/os",
               "/usr/share/ganeti/os", "/usr/lib/ganeti/extstorage",
               "/usr/share/ganeti/extstorage", "/usr/lib/ganeti/iallocators")


def move_node_to(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `pathutils` answer as if GANETI_ROOTDIR had been `root` when it was imported."""
    former = pathutils.ROOT

    def moved(value: str) -> str:
        if value.startswith(_CHECKOUT) or former and not value.startswith(former):
            return value
        bare = value[len(former):]
        return root + bare if bare.startswith(_NODE_TREES) else value

    for name, value in list(vars(pathutils).items()):
        if not name.isupper():
            continue
        if isinstance(value, str):
            monkeypatch.setattr(pathutils, name, moved(value))
        elif isinstance(value, list):
            monkeypatch.setattr(pathutils, name, [moved(item) for item in value])
    monkeypatch.setattr(pathutils, "ROOT", root)
    for directory in (pathutils.RUN_DIR, pathutils.DATA_DIR, pathutils.LOG_DIR,
                      pathutils.CONF_DIR, pathutils.LOCK_DIR,
                      pathutils.DEFAULT_FILE_STORAGE_DIR,
                      pathutils.DEFAULT_SHARED_FILE_STORAGE_DIR):
        os.makedirs(directory, exist_ok=True)
    with open(pathutils.FILE_STORAGE_PATHS_FILE, "w", encoding="ascii") as fobj:
        fobj.write("# directories for disks\n/srv/ganeti/file-storage\n"
                   "/srv/ganeti/shared-file-storage\n")
