"""confd-client: asks a confd every kind of question, and measures how fast it answers."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from ganeti import constants, errors, pathutils
from ganeti.confd import client
from ganeti.utils import io, net

NAME = "confd-client"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False,
        description="Ask a confd what it knows, then time some requests.")
    parser.add_argument("--hmac", help="the cluster's HMAC key (default: read from its file)")
    parser.add_argument("-a", "--address", dest="mc", default="localhost",
                        help="node to ask (default: %(default)s)")
    parser.add_argument("-r", "--requests", type=int, default=100,
                        help="number of requests to time (default: %(default)s)")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    options = parser.parse_args(argv)
    if options.requests < 0:
        parser.error("the number of requests must not be negative")
    return options


def _ask(asker: client.ConfdClient, what: str, kind: int, query: Any = None) -> Any:
    reply = asker.ask(kind, query, coverage=1).reply
    shown = reply.answer if reply.ok else f"error {reply.answer}"
    print(f"{what}: {shown} (serial {reply.serial})")
    return reply.answer if reply.ok else None


def ask_all(asker: client.ConfdClient) -> None:
    """One question of each kind, as far as earlier answers provide their arguments."""
    _ask(asker, "Configuration version", constants.CONFD_REQ_PING)
    master = _ask(asker, "Master", constants.CONFD_REQ_CLUSTER_MASTER)
    fields = {constants.CONFD_REQQ_FIELDS: [
        constants.CONFD_REQFIELD_NAME, constants.CONFD_REQFIELD_IP,
        constants.CONFD_REQFIELD_MNODE_PIP]}
    _ask(asker, "Master name, cluster address, master address",
         constants.CONFD_REQ_CLUSTER_MASTER, fields)
    _ask(asker, "Role of the master node", constants.CONFD_REQ_NODE_ROLE_BYNAME, master)
    _ask(asker, "Addresses of nodes", constants.CONFD_REQ_NODE_PIP_LIST)
    _ask(asker, "Addresses of master candidates", constants.CONFD_REQ_MC_PIP_LIST)
    ips = _ask(asker, "Addresses of instances", constants.CONFD_REQ_INSTANCES_IPS_LIST)
    if ips:
        _ask(asker, f"Primary nodes of {', '.join(ips)}",
             constants.CONFD_REQ_NODE_PIP_BY_INSTANCE_IP, {constants.CONFD_REQQ_IPLIST: ips})
    _ask(asker, "DRBD disks of the master node", constants.CONFD_REQ_NODE_DRBD, master)
    groups = _ask_instances(asker, master)
    if groups:
        _ask(asker, f"Disks of {groups[0]}", constants.CONFD_REQ_INSTANCE_DISKS, groups[0])
    _ask(asker, "Cluster name", constants.CONFD_REQ_CONFIG_QUERY, "/cluster/cluster_name")
    _ask(asker, "Data collectors", constants.CONFD_REQ_DATA_COLLECTORS)


def _ask_instances(asker: client.ConfdClient, node: str | None) -> list[str]:
    reply = asker.ask(constants.CONFD_REQ_NODE_INSTANCES, node, coverage=1).reply
    if not reply.ok:
        print(f"Instances of the master node: error {reply.answer}")
        return []
    primary, secondary = ([item["name"] for item in group] for group in reply.answer)
    print(f"Instances of the master node: primary {primary}, secondary {secondary} "
          f"(serial {reply.serial})")
    return primary + secondary


def measure(asker: client.ConfdClient, requests: int) -> float:
    """Seconds for a number of requests, one after the other."""
    begun = time.monotonic()
    for _ in range(requests):
        asker.ask(constants.CONFD_REQ_PING, coverage=1)
    return time.monotonic() - begun


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parse(argv)
    try:
        key = options.hmac or io.read_file(pathutils.CONFD_HMAC_KEY)
        asker = client.ConfdClient(key, [net.resolve(options.mc)])
        ask_all(asker)
        if options.requests:
            seconds = measure(asker, options.requests)
            print(f"{options.requests} requests in {seconds:.3f} s, "
                  f"{options.requests / seconds:.0f} a second")
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    except OSError as err:
        print(f"{NAME}: {err.filename or options.mc}: {err.strerror}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
