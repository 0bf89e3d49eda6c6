"""Names of the wire, of files and of parameters; every public name can be had from here.

Each module is one domain. Nothing here depends on a cluster or on the machine it runs on.
"""

from ganeti.constants.backend import *
from ganeti.constants.confd import *
from ganeti.constants.containers import *
from ganeti.constants.crypto import *
from ganeti.constants.daemons import *
from ganeti.constants.disk import *
from ganeti.constants.exits import *
from ganeti.constants.extstorage import *
from ganeti.constants.hooks import *
from ganeti.constants.hvtables import *
from ganeti.constants.hypervisors import *
from ganeti.constants.iallocator import *
from ganeti.constants.instance import *
from ganeti.constants.ipolicy import *
from ganeti.constants.jobs import *
from ganeti.constants.kvm import *
from ganeti.constants.nic import *
from ganeti.constants.node import *
from ganeti.constants.oses import *
from ganeti.constants.params import (
    ENFORCEABLE_TYPES,
    EXISTING_DIR,
    EXISTING_FILE,
    LIVE,
    ON_CREATE,
    ON_START,
    URL,
    VTYPE_BOOL,
    VTYPE_FLOAT,
    VTYPE_INT,
    VTYPE_MAYBE_STRING,
    VTYPE_SIZE,
    VTYPE_STRING,
    Param,
    ParamTable,
)
from ganeti.constants.query import *
from ganeti.constants.ssconf import *
from ganeti.constants.storage import *
from ganeti.constants.tags import *
from ganeti.constants.verify import *
from ganeti.constants.versions import *
from ganeti.constants.xen import *
