"""What this node has of the cluster's state, for whoever wants to be the master.

Reading the configuration is the master daemon's matter: only its number is looked at here.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ganeti import constants, errors, pathutils, serializer
from ganeti.utils import patchedfile

_JOB_FILE = re.compile(constants.JOB_FILE_REGEX)


def candidate_state() -> dict[str, Any]:
    """How new this node's copies are: of which cluster, configuration serial, last job id.

    A copy that is missing or can not be read has the serial 0.
    """
    cluster, serial = _configuration()
    return {"cluster": cluster, "config_serial": serial, "queue_serial": last_job()}


def _configuration() -> tuple[str, int]:
    try:
        tree = serializer.load(patchedfile.read(pathutils.CLUSTER_CONF_FILE))
    except (OSError, errors.ParseError):
        return "", 0
    if not isinstance(tree, dict) or not isinstance(tree.get("cluster"), dict):
        return "", 0
    serial = tree.get("serial_no")
    return str(tree["cluster"].get("uuid", "")), serial if isinstance(serial, int) else 0


def last_job() -> int:
    """The newest job id that this node knows to be given out."""
    try:
        with open(pathutils.JOB_QUEUE_SERIAL_FILE, encoding="ascii", errors="replace") as stream:
            text = stream.read().strip()
    except OSError:
        text = ""
    last = int(text) if text.isdecimal() and len(text) <= constants.JOB_ID_DIGITS else 0
    try:
        names = os.listdir(pathutils.QUEUE_DIR)
    except OSError:
        names = []
    return max([last, *(int(match.group(1)) for match in map(_JOB_FILE.match, names) if match)])
