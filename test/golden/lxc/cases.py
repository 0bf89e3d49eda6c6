"""Parameter combinations; each has its configuration file below config/.

Keys that are no parameters of the hypervisor: version (of cgroups, 1), nics, memory, vcpus,
further (number of disks beyond the first), swap and quota (whether the kernel counts them), root.
"""

from __future__ import annotations

from typing import Any

BRIDGED = {"mode": "bridged", "link": "br0", "vlan": ""}
ROUTED = {"mode": "routed", "link": "100", "vlan": ""}
SWITCHED = {"mode": "openvswitch", "link": "switch1", "vlan": ".7"}

CASES: dict[str, dict[str, Any]] = {
    "defaults-v1": {},
    "defaults-v2": {"version": 2},
    "limits-v1": {"memory": 2048, "vcpus": 4, "cpu_mask": "0-2,4"},
    "limits-v2": {"version": 2, "memory": 2048, "vcpus": 4, "cpu_mask": "0-2,4"},
    "many-vcpus-v1": {"vcpus": 300},
    "many-vcpus-v2": {"version": 2, "vcpus": 300},
    "no-swap-accounting-v1": {"swap": False},
    "no-swap-accounting-v2": {"version": 2, "swap": False},
    "no-quota-v1": {"quota": False, "vcpus": 2},
    "hybrid": {"version": 3, "vcpus": 2},
    "devices-v1": {"devices": "c 1:3 rw, b 7:* rwm"},
    "devices-v2": {"version": 2, "devices": "c 1:3 rw, b 7:* rwm"},
    "no-devices": {"devices": ""},
    "all-capabilities": {"drop_capabilities": ""},
    "fewer-capabilities": {"drop_capabilities": "sys_module, sys_time"},
    "no-ttys": {"num_ttys": 0},
    "bridged": {"nics": [BRIDGED]},
    "routed": {"nics": [ROUTED]},
    "openvswitch": {"nics": [SWITCHED]},
    "two-interfaces": {"nics": [BRIDGED, ROUTED]},
    "communication": {"nics": [{**ROUTED, "name": "ganeti:communication:inst1"}]},
    "further-disks-v1": {"further": 2},
    "further-disks-v2": {"version": 2, "further": 1},
    "extra-config": {"extra_config": r"lxc.signal.halt=SIGUSR2,lxc.mount.entry=/srv srv none"
                                     r" bind\,create=dir 0 0,lxc.tty.max=2"},
    "extra-cgroups": {"extra_cgroups": "net_cls,net_prio"},
    "virtual-node": {"root": "/tmp/vcluster-0/node1", "nics": [BRIDGED]},
}
