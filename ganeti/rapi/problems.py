"""Failures as HTTP tells them: a status, a text, and the status's usual explanation."""

from __future__ import annotations

import http
from typing import Any

from ganeti import errors
from ganeti.luxi import client as luxi
from ganeti.luxi import protocol


class Problem(errors.GenericError):
    """A request is answered by an error: the status and what to tell."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return body(self.status, self.message)


def body(status: int, message: str) -> dict[str, Any]:
    """The JSON of an error: code, message, and the long phrase of the code."""
    try:
        standard = http.HTTPStatus(status)
        explain = standard.description or standard.phrase
    except ValueError:
        explain = ""
    return {"code": status, "message": message, "explain": explain}


def bad_request(message: str) -> Problem:
    """The request itself is wrong."""
    return Problem(400, message)


def not_found(message: str) -> Problem:
    """What was asked for does not exist."""
    return Problem(404, message)


_BY_CODE = {errors.ECODE_NOENT: 404, errors.ECODE_INVAL: 400}


def from_error(err: Exception) -> Problem:
    """How an error of the master daemon, or of reaching it, is told."""
    if isinstance(err, Problem):
        return err
    if isinstance(err, luxi.LuxiTimeoutError):
        return Problem(504, errors.text(err))
    if isinstance(err, (errors.JobQueueFull, errors.JobQueueDrainError)):
        return Problem(503, errors.text(err))
    if isinstance(err, (luxi.NoMasterError, luxi.PermissionDeniedError, luxi.ConnectionLostError,
                        protocol.ProtocolError, errors.LuxiError)):
        return Problem(502, errors.text(err))
    if isinstance(err, errors.JobLost):
        return Problem(404, errors.text(err))
    return Problem(_BY_CODE.get(errors.code(err) or "", 500), errors.text(err))
