"""Running the scripts of OS definitions on this node, and reporting which definitions it has."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ganeti import constants, errors, objects, pathutils
from ganeti.backend import osdefinition, osenv
from ganeti.utils import io, process, text

#: Lines of a failed script's log that are shown to the administrator
LOG_TAIL = 20

Params = Mapping[str, Any]


# Reports and checks --------------------------------------------------------------------------

def os_diagnose() -> list[list[Any]]:
    """All definitions: [name, path, ok, text, variants, parameters, API versions, trusted]."""
    return [[found.name, pathutils.logical(found.path), found.valid, "; ".join(found.problems),
             found.variants, [list(parameter) for parameter in found.parameters],
             found.api_versions, found.trusted]
            for found in osdefinition.find_all()]


def os_validate(required: bool, name: str, checks: Sequence[str], params: Params,
                force_variant: bool) -> bool:
    """Check parameters against an OS; False if the OS is not here and need not be."""
    unknown = sorted(set(checks) - set(constants.OS_VALIDATE_CALLS))
    if unknown:
        raise errors.OpExecError(f"Unknown checks of an OS: {', '.join(unknown)}")
    definition = osdefinition.find(name)
    if definition is None or not definition.valid:
        if required:
            osdefinition.require(name)
        return False
    if not force_variant:
        check_variant(definition, name)
    if constants.OS_VALIDATE_PARAMETERS in checks:
        _check_parameters(definition, name, params)
    return True


def check_variant(definition: osdefinition.OSDefinition, name: str) -> None:
    """Refuse a variant that the definition does not have, or a missing one."""
    _, variant = osdefinition.split_name(name)
    if not definition.variants:
        if variant:
            raise errors.OpExecError(
                f"OS '{definition.name}' has no variants, but '{name}' asks for one")
        return
    if variant not in definition.variants:
        wrong = f"has no variant '{variant}'" if variant else "needs a variant"
        raise errors.OpExecError(
            f"OS '{definition.name}' {wrong}; it has {', '.join(definition.variants)}")


def _check_parameters(definition: osdefinition.OSDefinition, name: str, params: Params) -> None:
    if definition.api_version < constants.OS_API_V20:
        return
    known = {parameter for parameter, _ in definition.parameters}
    unknown = sorted(set(params) - known)
    if unknown:
        raise errors.OpExecError(
            f"OS '{definition.name}' has no parameter {', '.join(unknown)};"
            f" it has {', '.join(sorted(known)) or 'none'}")
    result = process.run(
        [definition.scripts[constants.OS_SCRIPT_VERIFY], *constants.OS_VALIDATE_CALLS],
        env=osenv.core(definition, name, params, 0), reset_env=True, cwd=definition.path)
    if result.failed:
        raise errors.OpExecError(
            f"The parameters do not suit OS '{definition.name}': {result.output.strip()}")


# Scripts that work on an instance ------------------------------------------------------------

def instance_os_add(instance_osp: objects.Instance, reinstall: bool, debug: int) -> None:
    """Install an operating system on the disks of an instance."""
    definition = osdefinition.require(instance_osp.os)
    if not definition.trusted:
        raise errors.OpExecError(
            f"OS '{definition.name}' is untrusted ({constants.OS_SCRIPT_CREATE_UNTRUSTED}): it"
            " has to be installed inside a helper machine, which this release can not do")
    env = osenv.instance(instance_osp, definition, debug)
    if reinstall:
        env["INSTANCE_REINSTALL"] = "1"
    _run(definition, constants.OS_SCRIPT_CREATE, "add", instance_osp, env)


def instance_run_rename(instance: objects.Instance, old_name: str, debug: int) -> None:
    """Let an OS change the name that its installation on an instance's disks uses."""
    definition = osdefinition.require(instance.os)
    env = osenv.instance(instance, definition, debug)
    env["OLD_INSTANCE_NAME"] = old_name
    _run(definition, constants.OS_SCRIPT_RENAME, "rename", instance, env)


def transfer_command(script: str, instance: objects.Instance, index: int, disk: objects.Disk,
                     held: contextlib.ExitStack) -> tuple[str, dict[str, str]]:
    """A shell command that lets the OS write (`import`) or dump (`export`) one disk, and its
    environment; what it says goes to its log file.

    :param disk: the disk or its snapshot; the paths of all are there until `held` is closed
    """
    definition = osdefinition.require(instance.os)
    held.enter_context(osenv.contents_at_hand(instance))
    env = osenv.instance(instance, definition)
    env.update(osenv.transfer(instance, script.upper(), index, disk))
    os.makedirs(pathutils.LOG_OS_DIR, mode=0o750, exist_ok=True)
    log_path = text.shell_quote(log_file_name(script, instance.os, instance.name, f"disk{index}"))
    streams = f"2>>{log_path}" if script == constants.OS_SCRIPT_EXPORT else f">>{log_path} 2>&1"
    return (f"cd {text.shell_quote(definition.path)} &&"
            f" {text.shell_quote(definition.scripts[script])} {streams}"), env


def log_file_name(action: str, os_name: str, instance_name: str, component: str | None = None
                  ) -> str:
    """Where the output of an OS script goes."""
    parts = [action, os_name, instance_name]
    if component is not None:
        parts.append(component)
    return os.path.join(pathutils.LOG_OS_DIR,
                        "-".join([*parts, f"{time.time():.6f}"]).replace("/", "_") + ".log")


def _run(definition: osdefinition.OSDefinition, script: str, action: str,
         instance: objects.Instance, env: Mapping[str, str]) -> None:
    """Run a script to its end; everything it says is in its log file."""
    os.makedirs(pathutils.LOG_OS_DIR, mode=0o750, exist_ok=True)
    log_path = log_file_name(action, instance.os, instance.name)
    logging.info("Running %s of OS %s for %s, log %s", script, definition.name, instance.name,
                 log_path)
    with osenv.contents_at_hand(instance):
        result = process.run([definition.scripts[script]], env=env, reset_env=True,
                             cwd=definition.path, output=log_path)
    if result.failed:
        raise errors.OpExecError(
            f"Script {script} of OS '{definition.name}' failed for instance {instance.name}"
            f" ({result.fail_reason}), log {log_path}:\n"
            + ("\n".join(io.tail(log_path, LOG_TAIL)) or "(the script said nothing)"))


# Handing a definition to a user --------------------------------------------------------------

def os_export(instance: objects.Instance, override_env: Params | None) -> str:
    """Pack the instance's OS definition with its environment; returns the archive's path."""
    definition = osdefinition.require(instance.os)
    env = osenv.instance(instance, definition)
    env.update((key, str(value)) for key, value in (override_env or {}).items())
    with tempfile.TemporaryDirectory(prefix="os-export-", dir=pathutils.RUN_DIR) as scratch:
        tree = os.path.join(scratch, definition.name)
        shutil.copytree(definition.path, tree, symlinks=True)
        with open(os.path.join(tree, "environment"), "w", encoding="utf-8") as fobj:
            fobj.writelines(f"{key}={value}\n" for key, value in sorted(env.items()))
        fd, archive = tempfile.mkstemp(prefix=f"{definition.name}-", suffix=".tgz",
                                       dir=pathutils.RUN_DIR)
        os.close(fd)
        shutil.make_archive(archive.removesuffix(".tgz"), "gztar", scratch)
        os.replace(archive.removesuffix(".tgz") + ".tar.gz", archive)
    os.chmod(archive, 0o600)
    return pathutils.logical(archive)
