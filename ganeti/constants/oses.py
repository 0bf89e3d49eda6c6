"""Operating system definitions: files, scripts, limits."""

OS_API_FILE = "ganeti_api_version"
OS_VARIANTS_FILE = "variants.list"
OS_PARAMETERS_FILE = "parameters.list"
OS_SCRIPT_CREATE = "create"
OS_SCRIPT_CREATE_UNTRUSTED = "create_untrusted"
OS_SCRIPT_EXPORT = "export"
OS_SCRIPT_IMPORT = "import"
OS_SCRIPT_RENAME = "rename"
OS_SCRIPT_VERIFY = "verify"
OS_VALIDATE_PARAMETERS = "parameters"
OS_VALIDATE_CALLS = frozenset([OS_VALIDATE_PARAMETERS])

EXPORT_CONF_FILE = "config.ini"
INISECT_EXP = "export"
INISECT_INS = "instance"
INISECT_HYP = "hypervisor"
INISECT_BEP = "backend"
INISECT_OSP = "os"
INISECT_OSP_PRIVATE = "os_private"
EXPORT_MODE_LOCAL = "local"
EXPORT_MODE_REMOTE = "remote"
EXPORT_MODES = frozenset([EXPORT_MODE_LOCAL, EXPORT_MODE_REMOTE])

IEC_NONE = "none"
IEC_GZIP = "gzip"
IEC_GZIP_FAST = "gzip-fast"
IEC_GZIP_SLOW = "gzip-slow"
IEC_DEFAULT_TOOLS = (IEC_GZIP, IEC_GZIP_FAST, IEC_GZIP_SLOW)
IEIO_FILE = "file"
IEIO_RAW_DISK = "raw"
IEIO_SCRIPT = "script"

#: Transfers to another cluster: seconds for each try to connect, tries, validity of the keys
RIE_VERSION = 0
RIE_HANDSHAKE = "Hi, I'm Ganeti"
RIE_CONNECT_TIMEOUT = 180
RIE_CONNECT_ATTEMPT_TIMEOUT = 20
RIE_CONNECT_RETRIES = 10
RIE_CERT_VALIDITY = 24 * 60 * 60
