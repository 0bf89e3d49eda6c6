"""The resources, one module a subject; this list is all there are."""

from ganeti.rapi.base import Table
from ganeti.rapi.resources import (
    cluster,
    filters,
    groups,
    instances,
    jobs,
    networks,
    nodes,
    query,
)

MODULES = [cluster, filters, groups, instances, jobs, networks, nodes, query]

TABLE = Table([resource for module in MODULES for resource in module.RESOURCES])
