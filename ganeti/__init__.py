"""Ganeti: one administrator, many hosts, one thing to manage."""
