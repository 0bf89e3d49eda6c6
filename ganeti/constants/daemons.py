"""Daemons: names, users, ports, logs, limits of their protocols."""

CONFD = "ganeti-confd"
KVMD = "ganeti-kvmd"
LUXID = "ganeti-luxid"
MASTERD = "ganeti-masterd"
METAD = "ganeti-metad"
MOND = "ganeti-mond"
NODED = "ganeti-noded"
RAPI = "ganeti-rapi"
WCONFD = "ganeti-wconfd"
DAEMONS = frozenset([CONFD, KVMD, LUXID, MASTERD, METAD, MOND, NODED, RAPI, WCONFD])
DAEMONS_MASTER = frozenset([MASTERD, RAPI])

DEFAULT_CONFD_PORT = 1814
DEFAULT_METAD_PORT = 80
DEFAULT_MOND_PORT = 1815
DEFAULT_NODED_PORT = 1811
DEFAULT_RAPI_PORT = 5080
SSH_DEFAULT_PORT = 22
DAEMON_PORTS = {
    CONFD: ("udp", DEFAULT_CONFD_PORT), METAD: ("tcp", DEFAULT_METAD_PORT),
    MOND: ("tcp", DEFAULT_MOND_PORT), NODED: ("tcp", DEFAULT_NODED_PORT),
    RAPI: ("tcp", DEFAULT_RAPI_PORT), "ssh": ("tcp", SSH_DEFAULT_PORT),
}
FIRST_DRBD_PORT = 11000
LAST_DRBD_PORT = 14999

ETC_HOSTS_ADD = "add"
ETC_HOSTS_REMOVE = "remove"

DAEMON_LOG_BASENAMES = {
    CONFD: "conf-daemon", KVMD: "kvm-daemon", LUXID: "luxi-daemon", MASTERD: "master-daemon",
    METAD: "meta-daemon", MOND: "monitoring-daemon", NODED: "node-daemon", RAPI: "rapi-daemon",
    WCONFD: "wconf-daemon",
}

LUXI_EOM = b"\3"
LUXI_DEF_CTMO = 30
LUXI_DEF_RWTO = 180
LUXI_WFJC_TIMEOUT = 89
LUXI_SOCKET_PERMS = 0o660
LUXI_OVERRIDE = "FORCE_LUXI_SOCKET"
LUXI_OVERRIDE_MASTER = "master"
LUXI_OVERRIDE_QUERY = "query"

CONFIG_VALUE_FIELDS = ("cluster_name", "watcher_pause", "master_node", "drain_flag",
                       "modify_ssh_setup", "ssh_key_type", "ssh_key_bits")

MASTER_CANDIDATE_POOL_SIZE = MASTER_POOL_SIZE_DEFAULT = 10
UIDPOOL_UID_MIN = 0
UIDPOOL_UID_MAX = 2 ** 32 - 1
UIDPOOL_UID_MASK = 0xFFFFFFFF

WATCHER_MAX_RESTARTS = 5
WATCHER_FORGET_AFTER = 8 * 3600
WATCHER_JOB_AGE = 6 * 3600

DATA_COLLECTOR_NAMES = frozenset(["cpu-avg-load", "diskstats", "drbd", "inst-status-xen", "lv",
                                  "xen-cpu-avg-load"])
MOND_TIME_INTERVAL = 5
DATA_COLLECTOR_STATE_ACTIVE = "active"
DATA_COLLECTOR_PARAMETER_INTERVAL = "interval"
"""Microseconds."""

RPC_ENCODING_NONE = 0
RPC_ENCODING_ZLIB_BASE64 = 1
RPC_ENCODING_MIN_SIZE = 512
RPC_ZLIB_LEVEL = 3
RPC_TMO_URGENT = 60
RPC_TMO_FAST = 5 * 60
RPC_TMO_NORMAL = 15 * 60
RPC_TMO_SLOW = 3600
RPC_TMO_4HRS = 4 * 3600
RPC_TMO_1DAY = 86400
RPC_CONNECT_TIMEOUT = 5
RPC_MAX_PARALLEL = 30

VIRT_HOSTNAME_ENVNAME = "GANETI_HOSTNAME"
VIRT_BASEDIR_ENVNAME = "GANETI_ROOTDIR"
VIRT_PATH_PREFIX = "/###-VIRTUAL-PATH-###,"
