"""The KVM driver: guests in QEMU, one module a subject.

:mod:`.driver` sequences; every device object (disk, interface, CD) makes its own command-line
arguments and its own QMP messages. What a guest was started with lies in its runtime file.
"""
