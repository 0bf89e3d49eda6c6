"""Query resources, kinds of fields, states of cells."""

QR_CLUSTER = "cluster"
QR_INSTANCE = "instance"
QR_NODE = "node"
QR_LOCK = "lock"
QR_GROUP = "group"
QR_OS = "os"
QR_JOB = "job"
QR_EXPORT = "export"
QR_NETWORK = "network"
QR_EXTSTORAGE = "extstorage"
QR_FILTER = "filter"
QR_VIA_OP = frozenset([QR_CLUSTER, QR_OS, QR_EXTSTORAGE])
QR_VIA_LUXI = frozenset([QR_LOCK, QR_GROUP, QR_NODE, QR_INSTANCE, QR_JOB, QR_EXPORT, QR_NETWORK,
                         QR_FILTER])
QR_VIA_RAPI = QR_VIA_LUXI
QR_ALL = QR_VIA_OP | QR_VIA_LUXI

QFT_UNKNOWN = "unknown"
QFT_TEXT = "text"
QFT_BOOL = "bool"
QFT_NUMBER = "number"
QFT_NUMBER_FLOAT = "float"
QFT_UNIT = "unit"
QFT_TIMESTAMP = "timestamp"
QFT_OTHER = "other"

RS_NORMAL = 0
RS_UNKNOWN = 1
RS_NODATA = 2
RS_UNAVAIL = 3
RS_OFFLINE = 4
RS_ALL = frozenset([RS_NORMAL, RS_UNKNOWN, RS_NODATA, RS_UNAVAIL, RS_OFFLINE])
