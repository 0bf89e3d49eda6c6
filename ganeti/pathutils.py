"""Where every file of a node lies, and the one place that knows of virtual roots.

With GANETI_ROOTDIR set, whatever belongs to a node lies below that directory; the programs and
images of the host (QEMU, kernels) are shared and stay where they are. Configuration and node
calls carry *logical* paths, without the root; `local` and `logical` convert.
"""

from __future__ import annotations

import os
import sys

VIRTUAL_PREFIX = "/###-VIRTUAL-PATH-###,"


def _root_from_environment() -> str:
    root = os.environ.get("GANETI_ROOTDIR", "")
    if not root:
        return ""
    if not os.path.isabs(root):
        raise SystemExit(f"GANETI_ROOTDIR must be an absolute path, it is '{root}'")
    root = os.path.normpath(root)
    return "" if root == "/" else root


ROOT = _root_from_environment()


def local(path: str) -> str:
    """The real path of a logical one; a real or virtual path is understood as well."""
    if path.startswith(VIRTUAL_PREFIX):
        path = path[len(VIRTUAL_PREFIX):]
    if not ROOT or not path.startswith("/") or _below_root(path):
        return path
    return ROOT + path


def logical(path: str) -> str:
    """The path as configuration and wire carry it: without the root of a virtual node."""
    if path.startswith(VIRTUAL_PREFIX):
        return path[len(VIRTUAL_PREFIX):]
    if ROOT and _below_root(path):
        return path[len(ROOT):] or "/"
    return path


def virtual(path: str) -> str:
    """The path as sent to another node, whose root is another one."""
    return VIRTUAL_PREFIX + logical(path) if ROOT else path


def _below_root(path: str) -> bool:
    return path == ROOT or path.startswith(ROOT + "/")


def _programs() -> tuple[str, str, str, str, str]:
    """Directories of helper scripts, tools, shared files, and of the programs in Python that go
    with the first two: of the installation that this is, or of a checkout and its environment."""
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.isfile(os.path.join(checkout, "daemons", "daemon-util")):
        scripts = os.path.join(sys.prefix, "bin")
        return f"{checkout}/daemons", f"{checkout}/tools", checkout, scripts, scripts
    # `make install` puts the environment beside the scripts: PREFIX/lib/ganeti/env
    library = os.path.dirname(sys.prefix)
    if not os.path.isfile(os.path.join(library, "daemon-util")):
        library = "/usr/lib/ganeti"
    share = os.path.join(os.path.dirname(os.path.dirname(library)), "share/ganeti")
    return library, f"{library}/tools", share, library, f"{library}/tools"


# Programs of this system (of the host, shared by its virtual nodes)
PKGLIBDIR, TOOLSDIR, SHAREDIR, _SCRIPTS, _TOOL_SCRIPTS = _programs()
DAEMON_UTIL = f"{PKGLIBDIR}/daemon-util"
ENSURE_DIRS = f"{_SCRIPTS}/ensure-dirs"
IMPORT_EXPORT_DAEMON = f"{_SCRIPTS}/import-export"
KVM_IFUP = KVM_NIC_SETUP = f"{PKGLIBDIR}/kvm-nic-setup"
LXC_NIC_SETUP = f"{PKGLIBDIR}/lxc-nic-setup"
NODE_DAEMON_SETUP = f"{_SCRIPTS}/node-daemon-setup"
PREPARE_NODE_JOIN = f"{_SCRIPTS}/prepare-node-join"
SSH_UPDATE = f"{_SCRIPTS}/ssh-update"
SSL_UPDATE = f"{_SCRIPTS}/ssl-update"
XEN_VIF_GANETI = f"{PKGLIBDIR}/vif-ganeti"
XEN_VIF_METAD_SETUP = f"{PKGLIBDIR}/vif-ganeti-metad"
CFGUPGRADE = f"{_TOOL_SCRIPTS}/cfgupgrade"
NODE_CLEANUP = f"{_TOOL_SCRIPTS}/node-cleanup"
POST_UPGRADE = f"{_TOOL_SCRIPTS}/post-upgrade"
KVM_CONSOLE_WRAPPER = f"{TOOLSDIR}/kvm-console-wrapper"
CHROOT_CONSOLE_WRAPPER = f"{TOOLSDIR}/chroot-console-wrapper"
LXC_CONSOLE_WRAPPER = f"{TOOLSDIR}/lxc-console-wrapper"
XEN_CONSOLE_WRAPPER = f"{TOOLSDIR}/xen-console-wrapper"
DEFAULT_MASTER_SETUP_SCRIPT = f"{TOOLSDIR}/master-ip-setup"

# Roots of a node's own directories
LOCALSTATEDIR = f"{ROOT}/var"
SYSCONFDIR = f"{ROOT}/etc"
LOCK_DIR = f"{LOCALSTATEDIR}/lock"
BACKUP_DIR = f"{LOCALSTATEDIR}/lib"
DATA_DIR = f"{LOCALSTATEDIR}/lib/ganeti"
RUN_DIR = f"{LOCALSTATEDIR}/run/ganeti"
LOG_DIR = f"{LOCALSTATEDIR}/log/ganeti"
CONF_DIR = f"{SYSCONFDIR}/ganeti"
SRV_DIR = f"{ROOT}/srv/ganeti"

# Configuration, keys and certificates
CLUSTER_CONF_FILE = f"{DATA_DIR}/config.data"
CLUSTER_DOMAIN_SECRET_FILE = f"{DATA_DIR}/cluster-domain-secret"
CONFD_HMAC_KEY = f"{DATA_DIR}/hmac.key"
INTENT_TO_UPGRADE = f"{DATA_DIR}/intent-to-upgrade"
LOCK_STATUS_FILE = f"{DATA_DIR}/locks.data"
TEMP_RES_STATUS_FILE = f"{DATA_DIR}/tempres.data"
NODED_CERT_FILE = f"{DATA_DIR}/server.pem"
NODED_CLIENT_CERT_FILE = f"{DATA_DIR}/client.pem"
RAPI_CERT_FILE = f"{DATA_DIR}/rapi.pem"
RAPI_DATA_DIR = f"{DATA_DIR}/rapi"
RAPI_USERS_FILE = f"{RAPI_DATA_DIR}/users"
SPICE_CACERT_FILE = f"{DATA_DIR}/spice-ca.pem"
SPICE_CERT_FILE = f"{DATA_DIR}/spice.pem"
SSCONF_DIR = DATA_DIR
SSCONF_LOCK_FILE = f"{LOCK_DIR}/ganeti-ssconf.lock"
SSH_KNOWN_HOSTS_FILE = f"{DATA_DIR}/known_hosts"
SSH_PUB_KEYS = f"{DATA_DIR}/ganeti_pub_keys"
VNC_PASSWORD_FILE = f"{CONF_DIR}/vnc-cluster-password"

# Job queue
QUEUE_DIR = f"{DATA_DIR}/queue"
JOB_QUEUE_ARCHIVE_DIR = f"{QUEUE_DIR}/archive"
JOB_QUEUE_DRAIN_FILE = f"{QUEUE_DIR}/drain"
JOB_QUEUE_LOCK_FILE = f"{QUEUE_DIR}/lock"
JOB_QUEUE_SERIAL_FILE = f"{QUEUE_DIR}/serial"
JOB_QUEUE_VERSION_FILE = f"{QUEUE_DIR}/version"

# Sockets and what lives only while the machine is up
SOCKET_DIR = f"{RUN_DIR}/socket"
MASTER_SOCKET = f"{SOCKET_DIR}/ganeti-master"
QUERY_SOCKET = f"{SOCKET_DIR}/ganeti-query"
METAD_SOCKET = f"{SOCKET_DIR}/ganeti-metad"
WCONFD_SOCKET = f"{SOCKET_DIR}/ganeti-wconfd"
BDEV_CACHE_DIR = f"{RUN_DIR}/bdev-cache"
CRYPTO_KEYS_DIR = f"{RUN_DIR}/crypto"
DISK_LINKS_DIR = f"{RUN_DIR}/instance-disks"
IMPORT_EXPORT_DIR = f"{RUN_DIR}/import-export"
INSTANCE_REASON_DIR = f"{RUN_DIR}/instance-reason"
INSTANCE_STATUS_FILE = f"{RUN_DIR}/instance-status"
LIVELOCK_DIR = f"{RUN_DIR}/livelocks"
DISK_EXPORTS_DIR = f"{RUN_DIR}/disk-exports"
LUXID_MESSAGE_DIR = f"{RUN_DIR}/luxidmessages"
UIDPOOL_LOCKDIR = f"{RUN_DIR}/uid-pool"
RESTRICTED_COMMANDS_LOCK_FILE = f"{LOCK_DIR}/ganeti-restricted-commands.lock"

# Hypervisors' own directories
KVM_DIR = f"{RUN_DIR}/kvm-hypervisor"
KVM_STATE_DIR = f"{DATA_DIR}/kvm-state"
LXC_DIR = f"{RUN_DIR}/lxc"
CHROOT_DIR = f"{RUN_DIR}/chroot-hypervisor"
FAKE_DIR = f"{RUN_DIR}/ganeti-fake-hypervisor"
XEN_CONFIG_DIR = f"{SYSCONFDIR}/xen"
XEN_NIC_DIR = f"{RUN_DIR}/xen-hypervisor/nic"
XEN_MIGRATION_DIR = f"{RUN_DIR}/xen-hypervisor/migration"
XEN_IFUP_OS = f"{CONF_DIR}/xen-ifup-os"

# Storage, exports, operating systems, providers, hooks, user scripts
DEFAULT_FILE_STORAGE_DIR = f"{SRV_DIR}/file-storage"
DEFAULT_SHARED_FILE_STORAGE_DIR = f"{SRV_DIR}/shared-file-storage"
DEFAULT_GLUSTER_STORAGE_DIR = f"{RUN_DIR}/gluster"
FILE_STORAGE_PATHS_FILE = f"{CONF_DIR}/file-storage-paths"
EXPORT_DIR = f"{SRV_DIR}/export"
_LIB_DIRS = (f"{ROOT}/srv/ganeti", f"{ROOT}/usr/local/lib/ganeti", f"{ROOT}/usr/lib/ganeti",
             f"{ROOT}/usr/share/ganeti")
OS_SEARCH_PATH = [f"{base}/os" for base in _LIB_DIRS]
ES_SEARCH_PATH = [f"{base}/extstorage" for base in _LIB_DIRS]
IALLOCATOR_SEARCH_PATH = [f"{base}/iallocators" for base in _LIB_DIRS[1:3]]
HOOKS_BASE_DIR = f"{CONF_DIR}/hooks"
USER_SCRIPTS_DIR = f"{CONF_DIR}/scripts"
EXTERNAL_MASTER_SETUP_SCRIPT = f"{USER_SCRIPTS_DIR}/master-ip-setup"
RESTRICTED_COMMANDS_DIR = f"{CONF_DIR}/restricted-commands"

# Logs
LOG_BURNIN = f"{LOG_DIR}/burnin.log"
LOG_COMMANDS = f"{LOG_DIR}/commands.log"
LOG_WATCHER = f"{LOG_DIR}/watcher.log"
LOG_CLEANER_DIR = f"{LOG_DIR}/cleaner"
LOG_MASTER_CLEANER_DIR = f"{LOG_DIR}/master-cleaner"
LOG_OS_DIR = f"{LOG_DIR}/os"
LOG_ES_DIR = f"{LOG_DIR}/extstorage"
LOG_CHROOT_DIR = f"{LOG_DIR}/chroot"
LOG_KVM_DIR = f"{LOG_DIR}/kvm"
LOG_LXC_DIR = f"{LOG_DIR}/lxc"
LOG_XEN_DIR = f"{LOG_DIR}/xen"

# Watcher
WATCHER_PAUSEFILE = f"{DATA_DIR}/watcher.pause"
WATCHER_LOCK_FILE = f"{LOCK_DIR}/ganeti-watcher.lock"
WATCHER_GROUP_STATE_FILE = f"{DATA_DIR}/watcher.%s.data"
WATCHER_GROUP_INSTANCE_STATUS_FILE = f"{DATA_DIR}/watcher.%s.instance-status"

# The system's own files that the cluster reads or writes
ETC_HOSTS = f"{SYSCONFDIR}/hosts"
SSH_CONFIG_DIR = f"{SYSCONFDIR}/ssh"
SSH_HOST_DSA_PRIV = f"{SSH_CONFIG_DIR}/ssh_host_dsa_key"
SSH_HOST_DSA_PUB = f"{SSH_HOST_DSA_PRIV}.pub"
SSH_HOST_ECDSA_PRIV = f"{SSH_CONFIG_DIR}/ssh_host_ecdsa_key"
SSH_HOST_ECDSA_PUB = f"{SSH_HOST_ECDSA_PRIV}.pub"
SSH_HOST_RSA_PRIV = f"{SSH_CONFIG_DIR}/ssh_host_rsa_key"
SSH_HOST_RSA_PUB = f"{SSH_HOST_RSA_PRIV}.pub"

_LOG_NAMES = {
    "ganeti-confd": "conf-daemon", "ganeti-kvmd": "kvm-daemon", "ganeti-luxid": "luxi-daemon",
    "ganeti-masterd": "master-daemon", "ganeti-metad": "meta-daemon",
    "ganeti-mond": "monitoring-daemon", "ganeti-noded": "node-daemon",
    "ganeti-rapi": "rapi-daemon", "ganeti-wconfd": "wconf-daemon",
}
_JOBS_PER_ARCHIVE_DIRECTORY = 10000


def ssconf_file(key: str) -> str:
    """File of one ssconf value."""
    return f"{SSCONF_DIR}/ssconf_{key}"


def daemon_pid_file(name: str) -> str:
    """PID file of a daemon, named as its program."""
    return f"{RUN_DIR}/{name}.pid"


def daemon_log_file(name: str) -> str:
    """Log of a daemon, named as its program."""
    return f"{LOG_DIR}/{_LOG_NAMES.get(name, name)}.log"


def job_file(job_id: int) -> str:
    """File of a job in the queue."""
    return f"{QUEUE_DIR}/job-{job_id}"


def archived_job_file(job_id: int) -> str:
    """File of an archived job."""
    return f"{JOB_QUEUE_ARCHIVE_DIR}/{job_id // _JOBS_PER_ARCHIVE_DIRECTORY}/job-{job_id}"
