"""The test machines: small virtual machines with a kernel of their own, for LVM, DRBD, rbd and Xen.

`lab` is the whole; `python -m test.lab.vm` its command line; doc/contributing/vm-lab.md its manual.
"""
