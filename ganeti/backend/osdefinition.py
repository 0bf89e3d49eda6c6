"""Operating system definitions on this node: finding, reading and judging their directories.

Running their scripts is in :mod:`ganeti.backend.os`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ganeti import constants, errors, pathutils
from ganeti.utils import scriptdir

VARIANT_SEPARATOR = "+"

REQUIRED_SCRIPTS = (constants.OS_SCRIPT_EXPORT, constants.OS_SCRIPT_IMPORT,
                    constants.OS_SCRIPT_RENAME)
CREATE_SCRIPTS = (constants.OS_SCRIPT_CREATE, constants.OS_SCRIPT_CREATE_UNTRUSTED)


@dataclass(frozen=True, slots=True)
class OSDefinition:
    """One OS definition as found on this node."""

    name: str
    path: str
    #: What is wrong with it; empty when it can be used
    problems: list[str] = field(default_factory=list)
    api_versions: list[int] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)
    #: (name, description) of each parameter
    parameters: list[tuple[str, str]] = field(default_factory=list)
    #: Script name -> path, for those that exist
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.problems

    @property
    def trusted(self) -> bool:
        """Its create script may run on the node itself."""
        return (constants.OS_SCRIPT_CREATE in self.scripts
                and constants.OS_SCRIPT_CREATE_UNTRUSTED not in self.scripts)

    @property
    def api_version(self) -> int:
        """The newest interface version that both sides speak."""
        return max(set(self.api_versions) & set(constants.OS_API_VERSIONS))


def split_name(name: str) -> tuple[str, str]:
    """('debian', 'minimal') from 'debian+minimal'; the variant may be empty."""
    base, _, variant = name.partition(VARIANT_SEPARATOR)
    return base, variant


def find(name: str, search_path: Sequence[str] | None = None) -> OSDefinition | None:
    """The first definition of that name (without variant) on the search path, good or bad."""
    base, _ = split_name(name)
    if not scriptdir.is_name(base):
        raise errors.OpPrereqError(f"'{name}' is no name of an OS", errors.ECODE_INVAL)
    path = scriptdir.find(base, _search_path(search_path))
    return None if path is None else read(base, path)


def _search_path(given: Sequence[str] | None) -> Sequence[str]:
    return pathutils.OS_SEARCH_PATH if given is None else given


def require(name: str) -> OSDefinition:
    """A definition that can be used, including the variant in the name."""
    definition = find(name)
    if definition is None:
        raise errors.OpExecError(
            f"There is no OS '{split_name(name)[0]}' on this node; looked in"
            f" {', '.join(pathutils.OS_SEARCH_PATH)}")
    if not definition.valid:
        raise errors.OpExecError(
            f"OS '{definition.name}' on this node can not be used:"
            f" {'; '.join(definition.problems)}")
    return definition


def find_all(search_path: Sequence[str] | None = None) -> list[OSDefinition]:
    """Every definition in every directory of the search path."""
    return [read(name, path) for name, path in scriptdir.find_all(_search_path(search_path))]


def read(name: str, path: str) -> OSDefinition:
    """Read and judge one directory."""
    problems: list[str] = []
    versions = _read_versions(path, problems)
    usable = set(versions) & set(constants.OS_API_VERSIONS)
    if versions and not usable:
        problems.append(
            f"speaks API versions {', '.join(map(str, versions))}, but this release needs one of"
            f" {', '.join(map(str, sorted(constants.OS_API_VERSIONS)))}")
    newest = max(usable, default=0)
    scripts = _find_scripts(path, newest, problems)
    variants: list[str] = []
    if newest >= constants.OS_API_V15:
        variants = [line.split()[0] for line in
                    scriptdir.lines(path, constants.OS_VARIANTS_FILE, problems, required=False)]
    parameters: list[tuple[str, str]] = []
    if newest >= constants.OS_API_V20:
        parameters = scriptdir.parameters(path, constants.OS_PARAMETERS_FILE, problems)
    return OSDefinition(name=name, path=path, problems=problems, api_versions=versions,
                        variants=variants, parameters=parameters, scripts=scripts)


def _read_versions(path: str, problems: list[str]) -> list[int]:
    versions = []
    for line in scriptdir.lines(path, constants.OS_API_FILE, problems, required=True,
                                comments=False):
        if line.isascii() and line.isdigit():
            versions.append(int(line))
        else:
            problems.append(f"'{line[:40]}' in {constants.OS_API_FILE} is not a number")
    if not versions and not problems:
        problems.append(f"{constants.OS_API_FILE} names no version")
    return versions


def _find_scripts(path: str, version: int, problems: list[str]) -> dict[str, str]:
    required = list(REQUIRED_SCRIPTS)
    if version >= constants.OS_API_V20:
        required.append(constants.OS_SCRIPT_VERIFY)
    scripts = scriptdir.scripts(path, required, CREATE_SCRIPTS, problems)
    if not any(name in scripts for name in CREATE_SCRIPTS):
        problems.append("neither of the scripts " + " and ".join(CREATE_SCRIPTS) + " is there")
    return scripts
