"""ganeti-rapi, the REST interface's daemon: runs beside the master daemon and asks it."""

from __future__ import annotations

import argparse
import logging
import ssl
import sys

from ganeti import constants, errors, pathutils, ssconf
from ganeti.luxi.client import Client
from ganeti.rapi import app, auth
from ganeti.rapi.resources import TABLE
from ganeti.utils import daemon, x509

_CONNECT_TIMEOUT = 10.0


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--require-authentication", action="store_true", dest="reqauth",
                        help="let nobody in without name and password, not even to read")
    parser.add_argument("--max-clients", type=_positive, default=20, metavar="NUMBER",
                        help="requests that are worked on at the same time (default: %(default)s)")
    parser.add_argument("--ssl-chain", default=None, metavar="FILE",
                        help="certificates between ours and the authority that clients trust")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no positive number")
    return int(text)


def check(options: argparse.Namespace) -> None:
    """Refuse to start on a node that is not the master, or with unusable certificates."""
    store = ssconf.SimpleStore()
    if not store.is_master():
        raise daemon.Refusal(
            f"This is not the master node, that is {store.master_node()}; the REST interface"
            " runs there", constants.EXIT_NOTMASTER)
    if options.ssl:
        _context(options)


def _context(options: argparse.Namespace) -> ssl.SSLContext:
    """TLS with the certificate of the options; X509CertError when it is not usable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    x509.load_file(options.ssl_cert)
    try:
        context.load_cert_chain(options.ssl_cert, options.ssl_key)
        if options.ssl_chain:
            context.load_verify_locations(options.ssl_chain)
    except OSError as err:
        text = getattr(err, "reason", None) or err.strerror or str(err)
        raise errors.X509CertError(options.ssl_cert, f"not usable: {text}") from None
    return context


async def run(options: argparse.Namespace, life: daemon.Life) -> None:
    """Serve until told to stop."""
    users = auth.Users(pathutils.RAPI_USERS_FILE)
    users.reload()
    life.on_reload.append(users.reload)
    server = app.Server(
        TABLE, users, lambda: Client(connect_timeout=_CONNECT_TIMEOUT),
        require_authentication=options.reqauth, workers=options.max_clients)
    context = _context(options) if options.ssl else None
    await server.start(options.bind_address, options.port, context)
    logging.info("REST interface serves on %s port %d", options.bind_address, options.port)
    life.ready()
    await life.stop.wait()
    await server.stop()


def main() -> int:
    """Entry point of the program."""
    return daemon.main(
        constants.RAPI, check, run, options=_options, port=constants.DEFAULT_RAPI_PORT,
        ssl_files=(pathutils.RAPI_CERT_FILE, pathutils.RAPI_CERT_FILE))


if __name__ == "__main__":
    sys.exit(main())
