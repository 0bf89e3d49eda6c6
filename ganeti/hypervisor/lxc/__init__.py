"""Containers of LXC: processes of the node's own kernel behind namespaces and control groups.

The driver sequences; a module a subject: paths, cgroup, limits, disks, network, config, program,
life, validate, console.
"""
