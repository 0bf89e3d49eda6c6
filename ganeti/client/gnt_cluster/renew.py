"""gnt-cluster renew-crypto."""

from __future__ import annotations

from ganeti import constants, errors
from ganeti.cli import jobs, opcode_options, prompt
from ganeti.cli.command import Command
from ganeti.cli.option import STORE_TRUE, Option, Values
from ganeti.cli.report import to_stdout
from ganeti.cli.standard import FORCE
from ganeti.opcodes.cluster import OpClusterRenewCrypto


def renew_crypto(values: Values, args: list[str]) -> int:
    """Replace certificates, keys and secrets."""
    from ganeti.masterd import renewal
    renewal.require_master()
    wishes = renewal.Wishes(
        new_rapi_cert=values.new_rapi_cert, rapi_cert=values.rapi_cert,
        new_spice_cert=values.new_spice_cert, spice_cert=values.spice_cert,
        spice_cacert=values.spice_cacert, new_confd_hmac_key=values.new_confd_hmac_key,
        new_cluster_domain_secret=values.new_cluster_domain_secret,
        cluster_domain_secret=values.cluster_domain_secret)
    wishes.check()
    contents = wishes.contents()
    ssh = values.renew_ssh_keys or values.ssh_key_type or values.ssh_key_bits
    if not (contents or values.new_cluster_cert or values.node_certificates or ssh):
        raise errors.OpPrereqError("Nothing is to be renewed; see --help for what can be",
                                   errors.ECODE_INVAL)
    if not values.force and not prompt.confirm(
            "This replaces certificates and secrets that the nodes and clients of the cluster"
            " use. Continue?"):
        return constants.EXIT_CONFIRMATION
    luxi = jobs.client()
    if contents:
        to_stdout("Sending the new files to the nodes")
        renewal.renew_files(contents, to_stdout)
    if values.new_cluster_cert:
        clients = OpClusterRenewCrypto(node_certificates=True, verbose=values.verbose)
        renewal.renew_cluster_certificate(
            lambda: jobs.submit_or_send(clients, values, luxi), to_stdout)
    op = opcode_options.build(
        OpClusterRenewCrypto, values,
        node_certificates=values.node_certificates and not values.new_cluster_cert)
    if op.node_certificates or ssh:
        jobs.submit_or_send(op, values, luxi)
    to_stdout("All requested certificates and keys have been replaced. 'gnt-cluster verify' shows"
              " whether the cluster is well.")
    return 0


def _new(flag: str, dest: str, what: str) -> Option:
    return Option(flag, dest=dest, action=STORE_TRUE, default=False, help=f"Make a new {what}")


def _file(flag: str, dest: str, what: str) -> Option:
    return Option(flag, dest=dest, metavar="FILE", help=f"Use the {what} in a file")


RENEW_CRYPTO = Command(
    renew_crypto,
    options=[
        _new("--new-cluster-certificate", "new_cluster_cert",
             "cluster certificate, and client certificates with it"),
        _new("--new-rapi-certificate", "new_rapi_cert", "certificate of the remote API"),
        _file("--rapi-certificate", "rapi_cert", "certificate and key of the remote API"),
        _new("--new-confd-hmac-key", "new_confd_hmac_key", "key of confd"),
        FORCE,
        _new("--new-cluster-domain-secret", "new_cluster_domain_secret",
             "secret for exchanging instances with other clusters"),
        _file("--cluster-domain-secret", "cluster_domain_secret",
              "secret for exchanging instances with other clusters"),
        _new("--new-spice-certificate", "new_spice_cert", "certificate of SPICE consoles"),
        _file("--spice-certificate", "spice_cert", "certificate and key of SPICE consoles"),
        _file("--spice-ca-certificate", "spice_cacert", "authority of the SPICE certificate"),
        Option("--no-ssh-key-check", dest="ssh_key_check", action="store_false", default=True,
               help="Without meaning: nodes are not reached over SSH for this"),
        *opcode_options.options_of(
            OpClusterRenewCrypto, submit=False, dry_run=False, priority=False),
    ],
    help="Replace certificates, keys and secrets of the cluster",
    example="gnt-cluster renew-crypto --new-node-certificates --new-rapi-certificate")
