"""Running the hook scripts of this node."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.utils import process

SCRIPT_NAME = re.compile(r"[a-zA-Z0-9_-]+")
HOOK_PATH = re.compile(r"[a-zA-Z0-9_-]+")


def hooks_runner(hpath: str, phase: str, env: Mapping[str, Any]) -> list[list[Any]]:
    """Run the hooks of a path and phase: [[script, result, output], ...] in sorted order."""
    if phase not in constants.HOOKS_PHASES:
        raise errors.ProgrammerError(f"Unknown phase of hooks '{phase}'")
    if not HOOK_PATH.fullmatch(hpath):
        raise errors.ProgrammerError(f"Wrong path of hooks '{hpath}'")
    return run_directory(f"{hpath}-{phase}.d", env)


def run_directory(subdirectory: str, env: Mapping[str, Any]) -> list[list[Any]]:
    """Run the scripts in one directory below the hooks' directory; none if it is not there."""
    directory = os.path.join(pathutils.HOOKS_BASE_DIR, subdirectory)
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    except OSError as err:
        raise errors.HooksFailure(f"Can not read {directory}: {err.strerror}") from err
    texts = {key: str(value) for key, value in env.items()}
    return [[f"{subdirectory}/{name}", *_run(os.path.join(directory, name), name, texts)]
            for name in names]


def _run(path: str, name: str, env: Mapping[str, str]) -> tuple[int, str]:
    if not (SCRIPT_NAME.fullmatch(name) and os.path.isfile(path) and os.access(path, os.X_OK)):
        return constants.HKR_SKIP, ""
    try:
        result = process.run([path], env=env, reset_env=True, cwd="/")
    except errors.ProcessError as err:
        return constants.HKR_FAIL, str(err)
    if result.failed:
        logging.warning("Hook %s failed: %s", path, result.fail_reason)
        return constants.HKR_FAIL, result.output
    return constants.HKR_SUCCESS, result.output
