"""Storage types: a descriptor (what it can do) and a device (doing it on a node), a file each.

The visible list of types is in :mod:`ganeti.storage.registry`.
"""
