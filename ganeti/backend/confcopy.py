"""A candidate's copy of the configuration, brought up to date by differences."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from typing import Any

from ganeti import errors, pathutils
from ganeti.utils import io, patch

_mutex = threading.Lock()


def _next_path() -> str:
    """Where the next version lies until it is taken over."""
    return f"{pathutils.CLUSTER_CONF_FILE}.next"


def config_prepare(pieces: list[Any], digest: str) -> None:
    """Make the next version out of this node's and put it, safely, beside it."""
    path = pathutils.CLUSTER_CONF_FILE
    with _mutex:
        try:
            owner = os.stat(path)
            data = patch.apply(io.read_bytes(path), pieces)
        except FileNotFoundError:
            raise errors.OpExecError("This node has no copy of the configuration") from None
        except (ValueError, TypeError) as err:
            raise errors.OpExecError(f"The difference does not fit: {err}") from err
        if hashlib.sha1(data).hexdigest() != digest:
            raise errors.OpExecError("The difference is one to another version")
        _state.digest = ""
        io.write_file(_next_path(), data, mode=owner.st_mode & 0o777, uid=owner.st_uid,
                      gid=owner.st_gid, sync=False)
        io.sync_path(_next_path())
        _state.digest = digest


def config_adopt(digest: str) -> None:
    """Let the prepared version be the configuration."""
    with _mutex:
        if _state.digest != digest:
            raise errors.OpExecError("That version was not prepared")
        _state.digest = ""
        os.rename(_next_path(), pathutils.CLUSTER_CONF_FILE)
        io.sync_path(os.path.dirname(pathutils.CLUSTER_CONF_FILE))
    logging.debug("The configuration has changed by a difference")


def discard() -> None:
    """Forget a version that was prepared and not taken over."""
    with _mutex:
        _state.digest = ""
        io.remove_file(_next_path())


class _Prepared:
    """The version that was prepared last."""

    digest = ""


_state = _Prepared()
