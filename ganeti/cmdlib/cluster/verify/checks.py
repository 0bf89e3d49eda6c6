"""The visible list of all checks: code, judge, heading, and the command that mends.

A new check is one pure function in a judge_* module and one row here. `{item}` in a command is
the name of the object that the problem is about.
"""

from __future__ import annotations

from ganeti import constants
from ganeti.cmdlib.cluster.verify import (
    judge_cluster,
    judge_files,
    judge_instance,
    judge_node,
    judge_os,
    judge_storage,
)
from ganeti.cmdlib.cluster.verify.report import Check

_CONFIG = "Verifying cluster config"
_CERTS = "Verifying cluster certificate files"
_HVPARAMS = "Verifying hypervisor parameters"
_DANGLING = "Verifying all nodes belong to an existing group"
_NODE = "Verifying node status"
_FILES = "Verifying configuration file consistency"
_INSTANCE = "Verifying instance status"
_ORPHAN_LV = "Verifying orphan volumes"
_ORPHAN = "Verifying orphan instances"
_MEMORY = "Verifying N+1 Memory redundancy"

#: Judged once, over the configuration (judge_cluster.ConfigView).
CONFIG_CHECKS: list[Check] = [
    Check(constants.CV_ECLUSTERCFG, judge_cluster.consistency, _CONFIG,
          "see 'gnt-cluster info'; 'gnt-cluster redist-conf' after the correction"),
    Check(constants.CV_EINSTANCEMISSINGCFGPARAMETER, judge_cluster.missing_parameters, _CONFIG,
          "gnt-instance modify -B NAME=VALUE or -H NAME=VALUE {item}"),
    Check(constants.CV_ECLUSTERCERT, judge_cluster.certificates, _CERTS,
          "gnt-cluster renew-crypto --new-cluster-certificate --new-rapi-certificate"),
    Check(constants.CV_ECLUSTERCFG, judge_cluster.hypervisor_syntax, _HVPARAMS,
          "gnt-cluster modify -H ..., gnt-instance modify -H ... for the source named"),
    Check(constants.CV_ECLUSTERDANGLINGNODES, judge_cluster.dangling_nodes, _DANGLING,
          "gnt-group assign-nodes GROUP {item}"),
    Check(constants.CV_ECLUSTERDANGLINGINST, judge_cluster.dangling_instances, _DANGLING,
          "gnt-instance remove --ignore-failures for the instances named"),
]

#: Judged for each node group (view.GroupView).
GROUP_CHECKS: list[Check] = [
    Check(constants.CV_ENODERPC, judge_node.rpc, _NODE,
          "start ganeti-noded on {item}, or gnt-node modify --offline yes {item}"),
    Check(constants.CV_ENODEVERSION, judge_node.version, _NODE,
          "install the master's release on {item} and restart its daemons"),
    Check(constants.CV_ENODETIME, judge_node.clock, _NODE,
          "set the clock of {item}, for example with chrony or systemd-timesyncd"),
    Check(constants.CV_ENODESETUP, judge_node.node_setup, _NODE,
          "mount /proc and /sys on {item}"),
    Check(constants.CV_ENODESETUP, judge_node.sysrq, _NODE,
          "nothing to mend in a container; 'gnt-node power' needs no sysrq"),
    Check(constants.CV_ENODEUSERSCRIPTS, judge_node.user_scripts, _NODE,
          "gnt-cluster copyfile SCRIPT"),
    Check(constants.CV_ENODEOOBPATH, judge_node.oob_paths, _NODE,
          "gnt-cluster copyfile PROGRAM, or gnt-node modify --node-parameters oob_program="),
    Check(constants.CV_ECLUSTERCLIENTCERT, judge_node.client_certificates, _NODE,
          "gnt-cluster renew-crypto --new-node-certificates"),
    Check(constants.CV_ENODENET, judge_node.reachability, _NODE,
          "check cabling, routes and firewall of {item}; port 1811 has to be open"),
    Check(constants.CV_ENODENET, judge_node.bridges, _NODE,
          "create the bridges on {item}, or change the link of the NICs"),
    Check(constants.CV_ENODESSH, judge_node.ssh, _NODE,
          "gnt-cluster renew-crypto --new-ssh-keys, or gnt-node add --readd {item}"),
    Check(constants.CV_ENODESSH, judge_node.ssh_clutter, _NODE,
          "remove the lines named from authorized_keys on {item}", only_clutter=True),
    Check(constants.CV_ENODEHV, judge_node.hypervisors, _NODE,
          "install the hypervisor on {item}, or gnt-node modify --vm-capable no {item}"),
    Check(constants.CV_ENODEHV, judge_node.hypervisor_parameters, _NODE,
          "gnt-cluster modify -H ... or gnt-instance modify -H ... for the source named",
          optional=constants.VERIFY_HVPARAM_ASSESSMENT),
    Check(constants.CV_ENODEHV, judge_instance.instance_lists, _NODE,
          "see the log of ganeti-noded on {item}"),
    Check(constants.CV_ENODEFILESTORAGEPATHS, judge_node.forbidden_storage_paths, _NODE,
          "edit the file-storage-paths file on {item}"),
    Check(constants.CV_ENODEFILESTORAGEPATHUNUSABLE, judge_node.file_storage_path, _NODE,
          "create the directory on {item} and allow it in its file-storage-paths file"),
    Check(constants.CV_ENODESHAREDFILESTORAGEPATHUNUSABLE, judge_node.shared_file_storage_path,
          _NODE, "mount the shared directory on {item} and allow it in file-storage-paths"),
    Check(constants.CV_ENODEGLUSTERSTORAGEPATHUNUSABLE, judge_node.gluster_storage_path, _NODE,
          "create the directory on {item} and allow it in its file-storage-paths file"),
    Check(constants.CV_ENODELVM, judge_storage.volume_groups, _NODE,
          "create or extend the volume group on {item}, or gnt-cluster modify --vg-name"),
    Check(constants.CV_ENODELVM, judge_storage.physical_volumes, _NODE,
          "pvmove the volumes on {item}, or switch exclusive_storage off"),
    Check(constants.CV_ENODELVM, judge_storage.logical_volumes, _NODE,
          "run lvs on {item} and see what it complains about"),
    Check(constants.CV_EGROUPDIFFERENTPVSIZE, judge_storage.physical_volume_sizes, _NODE,
          "use disks of one size in group {item}"),
    Check(constants.CV_ENODEDRBDHELPER, judge_storage.drbd_helper, _NODE,
          "load drbd with usermode_helper= as configured on {item}, or gnt-cluster modify "
          "--drbd-usermode-helper"),
    Check(constants.CV_ENODEDRBDVERSION, judge_storage.drbd_versions, _NODE,
          "install one version of drbd in the group"),
    Check(constants.CV_ENODEDRBD, judge_storage.drbd_minors, _NODE,
          "gnt-cluster verify-disks activates; drbdsetup down removes what is left over"),
    Check(constants.CV_ENODEOS, judge_os.os_definitions, _NODE,
          "gnt-os diagnose shows the difference; copy the definition to {item}"),
    Check(constants.CV_EEXTAGS, judge_instance.exclusion_tags, _NODE,
          "hbal -L -X, or move one of the instances away from {item}"),
    Check(constants.CV_ENODEFILECHECK, judge_files.checksums_present, _FILES,
          "see the log of ganeti-noded on {item}"),
    Check(constants.CV_ECLUSTERFILECHECK, judge_files.files_equal, _FILES,
          "gnt-cluster redist-conf, gnt-cluster copyfile"),
    Check(constants.CV_EINSTANCEDOWN, judge_instance.not_running, _INSTANCE,
          "gnt-instance startup {item}"),
    Check(constants.CV_EINSTANCEWRONGNODE, judge_instance.wrong_node, _INSTANCE,
          "gnt-instance migrate --cleanup {item}, or stop the second copy by hand"),
    Check(constants.CV_EINSTANCEBADNODE, judge_instance.bad_node, _INSTANCE,
          "gnt-instance failover {item}, gnt-instance replace-disks --auto {item}"),
    Check(constants.CV_EINSTANCELAYOUT, judge_instance.layout, _INSTANCE,
          "gnt-instance replace-disks -n NODE {item}"),
    Check(constants.CV_EINSTANCESPLITGROUPS, judge_instance.split_groups, _INSTANCE,
          "gnt-instance change-group {item}"),
    Check(constants.CV_EINSTANCEUNSUITABLENODE, judge_instance.unsuitable_node, _INSTANCE,
          "gnt-instance move {item}, gnt-instance modify -t plain {item}"),
    Check(constants.CV_EINSTANCEPOLICY, judge_instance.policy, _INSTANCE,
          "gnt-instance modify -B ... {item}, or gnt-group modify --ipolicy-bounds-specs ..."),
    Check(constants.CV_EINSTANCEMISSINGDISK, judge_instance.missing_volumes, _INSTANCE,
          "gnt-instance replace-disks {item}, gnt-instance recreate-disks {item}"),
    Check(constants.CV_EINSTANCEFAULTYDISK, judge_instance.disk_health, _INSTANCE,
          "gnt-instance activate-disks {item}, gnt-instance replace-disks --auto {item}"),
    Check(constants.CV_EINSTANCEFAULTYDISK, judge_instance.mirrors, _INSTANCE,
          "gnt-instance repair-disks {item} shows both copies and what to choose"),
    Check(constants.CV_ENODEORPHANLV, judge_storage.orphan_volumes, _ORPHAN_LV,
          "lvremove on {item}, or gnt-cluster modify --reserved-lvs"),
    Check(constants.CV_ENODEORPHANINSTANCE, judge_instance.orphans, _ORPHAN,
          "stop the guest on {item}; hypervisors list it under that name"),
    Check(constants.CV_ENODEN1, judge_instance.failover_memory, _MEMORY,
          "hbal -L, or give {item} more memory", optional=constants.VERIFY_NPLUSONE_MEM),
]

#: Judged after the post hooks of a group's verification (judge_hooks.hook_results).
HOOKS_CHECK = Check(constants.CV_ENODEHOOKS, lambda problems: problems, "Hooks Results",
                    "see the script on {item}, below the hooks directory cluster-verify-post.d")
