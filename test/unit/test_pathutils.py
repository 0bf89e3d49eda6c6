"""Paths of a real and of a virtual node."""

import json
import os
import subprocess
import sys

import pytest

ASK = """
import json
from ganeti import pathutils as p
print(json.dumps({name: value for name, value in vars(p).items()
                  if name.isupper() and not name.startswith("_")}
    | {"local": [p.local("/var/x"), p.local(p.local("/var/x")),
                 p.local("/###-VIRTUAL-PATH-###,/var/x"), p.local("relative")],
       "logical": [p.logical(p.local("/var/x")), p.logical("/var/x")],
       "virtual": p.virtual(p.local("/var/x")),
       "files": [p.ssconf_file("master_node"), p.daemon_pid_file("ganeti-noded"),
                 p.daemon_log_file("ganeti-noded"), p.job_file(7), p.archived_job_file(20007)]}))
"""


def ask(root):
    env = {key: value for key, value in os.environ.items() if not key.startswith("GANETI_")}
    if root:
        env["GANETI_ROOTDIR"] = root
    done = subprocess.run([sys.executable, "-c", ASK], env=env, capture_output=True, text=True,
                          check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("root", ["", "/r"])
def test_a_nodes_files_follow_the_root(root):
    paths = ask(root)
    assert paths["CLUSTER_CONF_FILE"] == root + "/var/lib/ganeti/config.data"
    assert paths["QUERY_SOCKET"] == root + "/var/run/ganeti/socket/ganeti-query"
    assert paths["SSCONF_LOCK_FILE"] == root + "/var/lock/ganeti-ssconf.lock"
    assert paths["OS_SEARCH_PATH"][0] == root + "/srv/ganeti/os"
    assert paths["ETC_HOSTS"] == root + "/etc/hosts"
    assert paths["files"] == [
        root + "/var/lib/ganeti/ssconf_master_node", root + "/var/run/ganeti/ganeti-noded.pid",
        root + "/var/log/ganeti/node-daemon.log", root + "/var/lib/ganeti/queue/job-7",
        root + "/var/lib/ganeti/queue/archive/2/job-20007"]
    assert not root or not paths["DAEMON_UTIL"].startswith(root + "/")


def test_conversion_is_idempotent_and_knows_virtual_paths():
    paths = ask("/r")
    assert paths["local"] == ["/r/var/x", "/r/var/x", "/r/var/x", "relative"]
    assert paths["logical"] == ["/var/x", "/var/x"]
    assert paths["virtual"] == "/###-VIRTUAL-PATH-###,/var/x"
    assert ask("")["virtual"] == "/var/x"
    assert ask("/")["local"][0] == "/var/x"


def test_relative_root_is_refused():
    done = subprocess.run([sys.executable, "-c", "import ganeti.pathutils"],
                          env={**os.environ, "GANETI_ROOTDIR": "x"}, capture_output=True,
                          text=True, check=False)
    assert done.returncode != 0
    assert done.stderr == "GANETI_ROOTDIR must be an absolute path, it is 'x'\n"
