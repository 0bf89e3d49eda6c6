"""DRBD: a volume mirrored over the network to a second node.

`template` is what the master asks (layout, minors, ports), `device` what a node does with one
disk; below it `dialect` makes the command lines of DRBD 8.4 and 9, `status`, `show` and
`generations` read what DRBD tells, `kernel` asks the module of this node.
"""

from ganeti.storage.drbd.template import DrbdTemplate

__all__ = ["DrbdTemplate"]
