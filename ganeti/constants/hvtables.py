"""The parameter table of every hypervisor; those here are read without loading a driver."""

from ganeti.constants.containers import CHROOT_PARAMETERS, FAKE_PARAMETERS, LXC_PARAMETERS
from ganeti.constants.drivers import Tables
from ganeti.constants.hypervisors import (
    HT_CHROOT,
    HT_FAKE,
    HT_KVM,
    HT_LXC,
    HT_XEN_HVM,
    HT_XEN_PVM,
    HYPER_TYPES,
)
from ganeti.constants.kvm import KVM_PARAMETERS
from ganeti.constants.xen import XEN_HVM_PARAMETERS, XEN_PVM_PARAMETERS

HV_TABLES = Tables(HYPER_TYPES, {
    HT_CHROOT: CHROOT_PARAMETERS,
    HT_FAKE: FAKE_PARAMETERS,
    HT_KVM: KVM_PARAMETERS,
    HT_LXC: LXC_PARAMETERS,
    HT_XEN_HVM: XEN_HVM_PARAMETERS,
    HT_XEN_PVM: XEN_PVM_PARAMETERS,
})
