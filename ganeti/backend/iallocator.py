"""Running the allocator programs of this node for the master."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from typing import Any

from ganeti import errors, pathutils
from ganeti.utils import process

NAME = re.compile(r"[a-zA-Z0-9_.-]+")


def find(name: str) -> str:
    """Path of an allocator on this node."""
    if not NAME.fullmatch(name) or name.startswith("."):
        raise errors.OpExecError(f"'{name}' is no name of an iallocator")
    for directory in pathutils.IALLOCATOR_SEARCH_PATH:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise errors.OpExecError(
        f"There is no iallocator '{name}' on this node; looked in"
        f" {', '.join(pathutils.IALLOCATOR_SEARCH_PATH)}")


def arguments(params: Mapping[str, Any] | None) -> list[str]:
    """--name=value for each parameter, the bare flag for those without value."""
    return [f"--{name}" if value in (None, "") else f"--{name}={value}"
            for name, value in (params or {}).items()]


def iallocator_runner(name: str, idata: str, default_iallocator_params: Mapping[str, Any] | None
                      ) -> str:
    """Run an allocator over a request (a JSON text) and return what it writes."""
    program = find(name)
    with tempfile.NamedTemporaryFile("w", prefix=f"iallocator-{name}-", dir=pathutils.RUN_DIR,
                                     encoding="utf-8") as request:
        request.write(idata)
        request.flush()
        result = process.run([program, request.name, *arguments(default_iallocator_params)])
    if result.failed:
        raise errors.OpExecError(
            f"iallocator '{name}' failed ({result.fail_reason}): {result.output.strip()}")
    return result.stdout
