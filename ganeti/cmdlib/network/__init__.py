"""Logical units of IP networks."""
