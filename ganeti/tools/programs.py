"""Which programs there are and which module runs each: the one table for setup.py, for
installation on a host, and for virtual nodes. It imports nothing, since setup.py executes it.
"""

from __future__ import annotations

import pathlib

_GNT = ("cluster", "node", "instance", "group", "os", "job", "debug",
        "backup", "network", "storage", "filter")
_BALANCING = ("hail", "harep", "hbal", "hcheck", "hinfo", "hroller", "hscan", "hspace", "hsqueeze")
_CLIENT = pathlib.Path(__file__).resolve().parents[1] / "client"

#: On the administrator's PATH: the commands (those that are in this tree) and the daemons.
COMMANDS = {
    f"gnt-{name}": f"ganeti.client.gnt_{name}" for name in _GNT
    if (_CLIENT / f"gnt_{name}.py").exists() or (_CLIENT / f"gnt_{name}").is_dir()
} | {name: f"ganeti.htools.prog.{name}" for name in _BALANCING}
DAEMONS = {
    "ganeti-noded": "ganeti.server.noded",
    "ganeti-masterd": "ganeti.server.masterd",
    "ganeti-confd": "ganeti.server.confd",
    "ganeti-rapi": "ganeti.server.rapi",
    "ganeti-kvmd": "ganeti.server.kvmd",
    "ganeti-watcher": "ganeti.watcher.main",
    "ganeti-cleaner": "ganeti.tools.cleaner",
}
#: Below /usr/lib/ganeti, called by other programs and over ssh: path there -> module.
LIBRARY = {
    "ensure-dirs": "ganeti.tools.ensure_dirs",
    "import-export": "ganeti.impexpd.main",
    "node-daemon-setup": "ganeti.tools.node_daemon_setup",
    "prepare-node-join": "ganeti.tools.prepare_node_join",
    "ssh-update": "ganeti.tools.ssh_update",
    "ssl-update": "ganeti.tools.ssl_update",
    "iallocators/hail": "ganeti.htools.prog.hail",
    "tools/node-cleanup": "ganeti.tools.node_cleanup",
    "tools/confd-client": "ganeti.tools.confd_client",
    "tools/cfgupgrade": "ganeti.tools.cfgupgrade",
    "tools/cfgshell": "ganeti.tools.cfgshell",
    "tools/lvmstrap": "ganeti.tools.lvmstrap",
    "tools/move-instance": "ganeti.tools.move_instance",
    "tools/sanitize-config": "ganeti.tools.sanitize_config",
    "tools/query-config": "ganeti.tools.query_config",
}
#: Scripts of the checkout's tools/ for its developers, of no use on an installed host.
CHECKOUT_ONLY = ("prepare", "install", "vcluster-setup")


def entry_points() -> list[str]:
    """Console scripts as setuptools wants them; they become the launchers everywhere."""
    scripts = COMMANDS | DAEMONS | {script_name(path): module for path, module in LIBRARY.items()}
    return [f"{name} = {module}:main" for name, module in scripts.items()]


def script_name(path: str) -> str:
    """Name of the console script behind a path in the library directory."""
    return path.rsplit("/", 1)[-1]
