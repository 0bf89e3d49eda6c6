"""OP_BACKUP_PREPARE."""

from __future__ import annotations

from typing import Any

from ganeti import constants, opcodes
from ganeti.cmdlib.instance import remote
from ganeti.cmdlib.instance.base import InstanceUnit


class LUBackupPrepare(InstanceUnit):
    """Make the key and the proofs with which an instance goes to another cluster."""

    OP = opcodes.OpBackupPrepare

    def exec(self) -> dict[str, Any] | None:
        if self.op.mode == constants.EXPORT_MODE_LOCAL:
            return None
        made = self.rpc.x509_cert_create(self.primary.uuid, constants.RIE_CERT_VALIDITY)
        made.raise_if_failed(f"Can not make a certificate on node {self.primary.name}")
        key_name, pem = made.payload
        return {"handshake": remote.handshake(),
                "x509_key_name": remote.sign_key_name(key_name),
                "x509_ca": remote.sign_certificate(pem)}
