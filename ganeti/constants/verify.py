"""Cluster verification: error codes, and the keys of what nodes are asked to check."""

from typing import NamedTuple

CV_ERROR = "ERROR"
CV_WARNING = "WARNING"
CV_TCLUSTER = "cluster"
CV_TNODE = "node"
CV_TGROUP = "group"
CV_TINSTANCE = "instance"


class VerifyCode(NamedTuple):
    """A kind of finding: the object it is about, its code, what it means."""

    object: str
    code: str
    meaning: str


CV_ECLUSTERCERT = VerifyCode(CV_TCLUSTER, "ECLUSTERCERT", "Certificate unusable or expiring")
CV_ECLUSTERCFG = VerifyCode(CV_TCLUSTER, "ECLUSTERCFG", "Configuration contradicts itself")
CV_ECLUSTERCLIENTCERT = VerifyCode(CV_TCLUSTER, "ECLUSTERCLIENTCERT", "Node certificate wrong")
CV_ECLUSTERDANGLINGINST = VerifyCode(CV_TNODE, "ECLUSTERDANGLINGINST",
                                     "Instance lies on a node that is not there")
CV_ECLUSTERDANGLINGNODES = VerifyCode(CV_TNODE, "ECLUSTERDANGLINGNODES",
                                      "Node belongs to a group that is not there")
CV_ECLUSTERFILECHECK = VerifyCode(CV_TCLUSTER, "ECLUSTERFILECHECK", "File differs between nodes")
CV_EEXTAGS = VerifyCode(CV_TNODE, "EEXTAGS", "Instances with the same exclusion tag together")
CV_EGROUPDIFFERENTPVSIZE = VerifyCode(CV_TGROUP, "EGROUPDIFFERENTPVSIZE",
                                      "Physical volumes of unequal size, exclusive storage")
CV_EINSTANCEBADNODE = VerifyCode(CV_TINSTANCE, "EINSTANCEBADNODE",
                                 "Instance should run on a node that is offline")
CV_EINSTANCEDOWN = VerifyCode(CV_TINSTANCE, "EINSTANCEDOWN", "Instance should run and does not")
CV_EINSTANCEFAULTYDISK = VerifyCode(CV_TINSTANCE, "EINSTANCEFAULTYDISK",
                                    "Disk faulty or in unknown state")
CV_EINSTANCELAYOUT = VerifyCode(CV_TINSTANCE, "EINSTANCELAYOUT", "More than one secondary node")
CV_EINSTANCEMISSINGCFGPARAMETER = VerifyCode(CV_TINSTANCE, "EINSTANCEMISSINGCFGPARAMETER",
                                             "A parameter that is needed is not set")
CV_EINSTANCEMISSINGDISK = VerifyCode(CV_TINSTANCE, "EINSTANCEMISSINGDISK", "Volume missing")
CV_EINSTANCEPOLICY = VerifyCode(CV_TINSTANCE, "EINSTANCEPOLICY", "Outside the instance policy")
CV_EINSTANCESPLITGROUPS = VerifyCode(CV_TINSTANCE, "EINSTANCESPLITGROUPS",
                                     "Nodes of the instance are in different groups")
CV_EINSTANCEUNSUITABLENODE = VerifyCode(CV_TINSTANCE, "EINSTANCEUNSUITABLENODE",
                                        "Node has not the storage that the instance needs")
CV_EINSTANCEWRONGNODE = VerifyCode(CV_TINSTANCE, "EINSTANCEWRONGNODE",
                                   "Instance runs on a node that is not its primary")
CV_ENODEDRBD = VerifyCode(CV_TNODE, "ENODEDRBD", "DRBD minors in use differ from those assigned")
CV_ENODEDRBDHELPER = VerifyCode(CV_TNODE, "ENODEDRBDHELPER", "DRBD helper differs")
CV_ENODEDRBDVERSION = VerifyCode(CV_TNODE, "ENODEDRBDVERSION",
                                 "DRBD versions of a group differ")
CV_ENODEFILECHECK = VerifyCode(CV_TNODE, "ENODEFILECHECK", "No checksums of files from the node")
CV_ENODEFILESTORAGEPATHS = VerifyCode(CV_TNODE, "ENODEFILESTORAGEPATHS",
                                      "Node allows a directory it must not")
CV_ENODEFILESTORAGEPATHUNUSABLE = VerifyCode(CV_TNODE, "ENODEFILESTORAGEPATHUNUSABLE",
                                             "Directory of file storage unusable")
CV_ENODEGLUSTERSTORAGEPATHUNUSABLE = VerifyCode(CV_TNODE, "ENODEGLUSTERSTORAGEPATHUNUSABLE",
                                                "Directory of gluster storage unusable")
CV_ENODEHOOKS = VerifyCode(CV_TNODE, "ENODEHOOKS", "Hook of the verification failed")
CV_ENODEHV = VerifyCode(CV_TNODE, "ENODEHV", "Hypervisor of the node is not in order")
CV_ENODELVM = VerifyCode(CV_TNODE, "ENODELVM", "Volume groups of the node are not in order")
CV_ENODEN1 = VerifyCode(CV_TNODE, "ENODEN1", "Not enough memory to take over another node")
CV_ENODENET = VerifyCode(CV_TNODE, "ENODENET", "Node can not reach another one")
CV_ENODEOOBPATH = VerifyCode(CV_TNODE, "ENODEOOBPATH", "Out-of-band program unusable")
CV_ENODEORPHANINSTANCE = VerifyCode(CV_TNODE, "ENODEORPHANINSTANCE",
                                    "Guest runs that is not in the configuration")
CV_ENODEORPHANLV = VerifyCode(CV_TNODE, "ENODEORPHANLV",
                              "Volume exists that is not in the configuration")
CV_ENODEOS = VerifyCode(CV_TNODE, "ENODEOS", "Operating system definitions differ")
CV_ENODERPC = VerifyCode(CV_TNODE, "ENODERPC", "Node daemon does not answer")
CV_ENODESETUP = VerifyCode(CV_TNODE, "ENODESETUP", "System of the node is not in order")
CV_ENODESHAREDFILESTORAGEPATHUNUSABLE = VerifyCode(
    CV_TNODE, "ENODESHAREDFILESTORAGEPATHUNUSABLE", "Directory of shared storage unusable")
CV_ENODESSH = VerifyCode(CV_TNODE, "ENODESSH", "Node can not be reached by SSH")
CV_ENODETIME = VerifyCode(CV_TNODE, "ENODETIME", "Clock differs from the master's")
CV_ENODEUSERSCRIPTS = VerifyCode(CV_TNODE, "ENODEUSERSCRIPTS", "User script missing")
CV_ENODEVERSION = VerifyCode(CV_TNODE, "ENODEVERSION", "Node runs another version")

CV_ALL_ECODES = frozenset(value for name, value in globals().items()
                          if name.startswith("CV_E") and isinstance(value, VerifyCode))
CV_ALL_ECODES_STRINGS = frozenset(item.code for item in CV_ALL_ECODES)

VERIFY_NPLUSONE_MEM = "nplusone_mem"
VERIFY_HVPARAM_ASSESSMENT = "hvparam_assessment"
VERIFY_OPTIONAL_CHECKS = frozenset([VERIFY_HVPARAM_ASSESSMENT, VERIFY_NPLUSONE_MEM])

NV_ACCEPTED_STORAGE_PATHS = "allowed-file-storage-paths"
NV_BRIDGES = "bridges"
NV_CLIENT_CERT = "client-cert"
NV_DRBDHELPER = "drbd-helper"
NV_DRBDLIST = "drbd-list"
NV_DRBDVERSION = "drbd-version"
NV_EXCLUSIVEPVS = "exclusive-pvs"
NV_FILE_STORAGE_PATH = "file-storage-path"
NV_FILELIST = "filelist"
NV_GLUSTER_STORAGE_PATH = "gluster-storage-path"
NV_HVINFO = "hvinfo"
NV_HVPARAMS = "hvparms"
NV_HYPERVISOR = "hypervisor"
NV_INSTANCELIST = "instancelist"
NV_LVLIST = "lvlist"
NV_MASTERIP = "master-ip"
NV_NODELIST = "nodelist"
NV_NODENETTEST = "node-net-test"
NV_NODESETUP = "nodesetup"
NV_NONVMNODES = "nonvmnodes"
NV_OOB_PATHS = "oob-paths"
NV_OSLIST = "oslist"
NV_PVLIST = "pvlist"
NV_SHARED_FILE_STORAGE_PATH = "shared-file-storage-path"
NV_SSH_CLUTTER = "ssh-clutter"
NV_SSH_SETUP = "ssh-setup"
NV_TIME = "time"
NV_USERSCRIPTS = "user-scripts"
NV_VERSION = "version"
NV_VGLIST = "vglist"
