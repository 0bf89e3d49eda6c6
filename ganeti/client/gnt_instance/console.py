"""gnt-instance console."""

from __future__ import annotations

import os
import sys
from typing import Any

from ganeti import constants, pathutils, ssconf
from ganeti.cli import jobs
from ganeti.cli.command import INSTANCE, Command, one
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import Refused, to_stdout
from ganeti.cli.standard import PRIORITY
from ganeti.utils import net, ssh, text


def console(values: Values, args: list[str]) -> int:
    """Attach to the console of a running instance, or tell how to reach it."""
    luxi = jobs.client()
    found, running, encrypted = luxi.query_instances(
        [args[0]], ["console", "oper_state", f"hv/{constants.HV_SPICE_USE_TLS}"])[0]
    cluster = luxi.query_config_values(["cluster_name"])[0]
    luxi.close()
    if found is None:
        if running is False:
            raise Refused(f"Instance {args[0]} does not run; 'gnt-instance startup' starts it")
        raise Refused(f"Could not find out how to reach the console of {args[0]}; "
                      "is its primary node reachable?")
    if found["kind"] == constants.CONS_SSH:
        return _attach(found, cluster, values.show_command)
    for line in _described(found, bool(encrypted)):
        to_stdout(line)
    return 0


def _attach(found: dict[str, Any], cluster: str, show: bool) -> int:
    """Become the program that talks to the console."""
    host = found["host"]
    store = ssconf.SimpleStore()
    address = store.primary_ips().get(host, host)
    port = found.get("port") or store.mapping(constants.SS_SSH_PORTS).get(host)
    argv = ssh.build_command(
        address, found["command"], cluster_name=cluster,
        port=int(port or constants.SSH_DEFAULT_PORT), user=found["user"], tty=True)
    if show:
        to_stdout(text.shell_quote_args(argv))
        return 0
    sys.stdout.flush()
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        raise Refused(f"The program {argv[0]} is not installed here") from None


def _described(found: dict[str, Any], encrypted: bool) -> list[str]:
    kind = found["kind"]
    if kind == constants.CONS_MESSAGE:
        return [str(found["message"])]
    where = f"{found['host']}, port {found['port']}"
    address = net.format_address(found["host"], found["port"])
    if kind == constants.CONS_VNC:
        display = found.get("display")
        tail = f" (display {display})" if display is not None else ""
        return [f"Instance {found['instance']} has a VNC console on {where}{tail}",
                f"URL <vnc://{address}/>"]
    if encrypted:
        host = address.rpartition(":")[0]
        return [f"Instance {found['instance']} has a SPICE console with TLS on {where}",
                f"Use 'remote-viewer --spice-ca-file={pathutils.SPICE_CACERT_FILE}"
                f" spice://{host}?tls-port={found['port']}'"]
    return [f"Instance {found['instance']} has a SPICE console on {where}",
            f"Use 'remote-viewer spice://{address}'"]


CONSOLE = Command(
    console, args=[one(INSTANCE)], options=[
        Option("--show-cmd", dest="show_command", action=STORE_TRUE, default=False,
               help="Print the command that would be run, and do not run it"), PRIORITY],
    help="Attach to the console of a running instance",
    example="gnt-instance console web1.example.org")
