"""Which users and groups the daemons and their files have."""

from __future__ import annotations

import grp
import os
import pwd
from dataclasses import dataclass

DAEMON_UMASK = 0o027
"""Files of the daemons are for their user and group only, unless a mode is given."""


@dataclass(frozen=True)
class Owner:
    """User and group ids of a file; -1 leaves them as they are."""

    uid: int
    gid: int


UNCHANGED = Owner(-1, -1)


def owner(user: str, group: str) -> Owner:
    """Ids for a file that should belong to a user and group.

    Only root can give files away; an ordinary user's virtual cluster leaves them as they are,
    and on a system without the named accounts everything belongs to root.
    """
    if os.geteuid() != 0:
        return UNCHANGED
    return Owner(_uid(user), _gid(group))


def _uid(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return 0


def _gid(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return 0


def user_name(uid: int) -> str:
    """Name of a user id, the number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def may_command(uid: int, gids: list[int] | tuple[int, ...]) -> bool:
    """Whether a local user may talk to the master daemon: root, its own user, the admin group."""
    if uid in (0, os.geteuid()):
        return True
    return any(gid in gids for gid in _admin_groups())


def _admin_groups() -> list[int]:
    found = []
    for name in ("gnt-admin", "gnt-daemons"):
        try:
            found.append(grp.getgrnam(name).gr_gid)
        except KeyError:
            continue
    return found
