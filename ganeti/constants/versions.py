"""Versions of this release and of the formats it speaks."""

RELEASE_VERSION = "3.1.1"
DIR_VERSION = "3.1"
VCS_VERSION = ""


def build_version(major: int, minor: int, revision: int) -> int:
    """A version as one number, as configuration and LUXI carry it."""
    return major * 1000000 + minor * 10000 + revision


def split_version(version: int) -> tuple[int, int, int]:
    """The reverse of `build_version`."""
    major, rest = divmod(version, 1000000)
    minor, revision = divmod(rest, 10000)
    return major, minor, revision


CONFIG_VERSION = build_version(3, 1, 0)
CONFIG_VERSION_3_0 = build_version(3, 0, 0)
PROTOCOL_VERSION = CONFIG_VERSION
LUXI_VERSION = CONFIG_VERSION

RAPI_VERSION = 2
CONFD_PROTOCOL_VERSION = 1
HOOKS_VERSION = 2
IALLOCATOR_VERSION = 2
EXPORT_VERSION = 0
JOB_QUEUE_VERSION = 1
OS_API_V10 = 10
OS_API_V15 = 15
OS_API_V20 = 20
OS_API_VERSIONS = frozenset([OS_API_V10, OS_API_V15, OS_API_V20])
