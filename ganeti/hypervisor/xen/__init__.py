"""Guests of the Xen hypervisor, through its toolstack `xl`; `pvm` and `hvm` have the drivers."""
