"""Queries: which fields the resources have, and how they are answered.

Fields that need only the configuration never cause a call to a node; live data is fetched once.
"""

from ganeti.query.engine import MODULES, fields, old_style, resource, run
from ganeti.query.source import NO_ANSWER, NODE_OFFLINE, Answer, DataSource

__all__ = ["MODULES", "NODE_OFFLINE", "NO_ANSWER", "Answer", "DataSource", "fields", "old_style",
           "resource", "run"]
