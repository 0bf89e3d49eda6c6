"""What the lab says when it can not do what was asked."""

from __future__ import annotations


class LabError(Exception):
    """A reason in one line."""
