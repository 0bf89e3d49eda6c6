"""Hypervisor drivers: what a node does to run guests.

The visible list of drivers is in :mod:`ganeti.hypervisor.registry`.
"""
