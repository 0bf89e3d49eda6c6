"""query-config: print a part of the configuration, as a master candidate's confd tells it."""

from __future__ import annotations

import argparse
import sys

from ganeti import constants, errors, pathutils, serializer
from ganeti.confd import client
from ganeti.utils import io, net

NAME = "query-config"


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=NAME, allow_abbrev=False,
        description="Print a part of the cluster's configuration; secrets are left out.")
    parser.add_argument("--hmac", help="the cluster's HMAC key (default: read from its file)")
    parser.add_argument("-a", "--address", dest="mc", default=net.own_service_address(),
                        help="master candidate to ask (default: %(default)s)")
    parser.add_argument("--version", action="version",
                        version=f"{NAME} (ganeti) {constants.RELEASE_VERSION}")
    parser.add_argument("path", help="which part, such as /cluster/beparams/default")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Entry point of the program."""
    options = _parse(argv)
    try:
        key = options.hmac or io.read_file(pathutils.CONFD_HMAC_KEY)
        asker = client.ConfdClient(key, [net.resolve(options.mc)])
        reply = asker.ask(constants.CONFD_REQ_CONFIG_QUERY, options.path, coverage=1).reply
        if not reply.ok:
            raise errors.OpPrereqError(
                f"The configuration has no {options.path} (or keeps it secret)",
                errors.ECODE_NOENT)
        print(serializer.dumps(reply.answer, indent=2))
    except errors.GenericError as err:
        print(f"{NAME}: {errors.text(err)}", file=sys.stderr)
        return constants.EXIT_FAILURE
    except OSError as err:
        print(f"{NAME}: {err.filename or options.mc}: {err.strerror}", file=sys.stderr)
        return constants.EXIT_FAILURE
    return constants.EXIT_SUCCESS


if __name__ == "__main__":
    sys.exit(main())
