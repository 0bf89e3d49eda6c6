"""Which fields the answers of the old-style lists hold."""

_COMMON = ["ctime", "mtime", "uuid", "serial_no", "tags"]

INSTANCE = [
    "name", "admin_state", "os", "pnode", "snodes", "disk_template", "nic.ips", "nic.macs",
    "nic.modes", "nic.uuids", "nic.names", "nic.links", "nic.networks", "nic.networks.names",
    "nic.bridges", "network_port", "disk.sizes", "disk.spindles", "disk_usage", "disk.uuids",
    "disk.names", "beparams", "hvparams", "oper_state", "oper_ram", "oper_vcpus", "status",
    "custom_hvparams", "custom_beparams", "custom_nicparams", "custom_osparams", *_COMMON]
NODE = [
    "name", "offline", "master_candidate", "drained", "dtotal", "dfree", "sptotal", "spfree",
    "mtotal", "mnode", "mfree", "pinst_cnt", "sinst_cnt", "ctotal", "cnos", "cnodes", "csockets",
    "pip", "sip", "role", "pinst_list", "sinst_list", "master_capable", "vm_capable", "ndparams",
    "group.uuid", *_COMMON]
GROUP = [
    "alloc_policy", "name", "node_cnt", "node_list", "ipolicy", "custom_ipolicy", "diskparams",
    "custom_diskparams", "ndparams", "custom_ndparams", *_COMMON]
NETWORK = [
    "name", "network", "gateway", "network6", "gateway6", "mac_prefix", "free_count",
    "reserved_count", "map", "group_list", "inst_list", "external_reservations", *_COMMON]
JOB_BULK = ["id", "ops", "status", "summary", "opstatus", "received_ts", "start_ts", "end_ts"]
JOB = [*JOB_BULK, "oplog", "opresult"]
FILTER = ["watermark", "priority", "predicates", "action", "reason_trail", "uuid"]
OS = ["name", "valid", "variants", "parameters", "api_versions", "blacklisted", "hidden",
      "trusted"]
FEATURES = ["instance-create-reqv1", "instance-reinstall-reqv1", "node-evac-res1",
            "node-migrate-reqv1"]
