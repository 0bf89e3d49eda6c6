"""Conformance suites: every storage type and every hypervisor passes the same one."""
