"""Logical units of nodes: joining, leaving, roles, power, storage."""
