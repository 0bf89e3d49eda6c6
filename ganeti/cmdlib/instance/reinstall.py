"""OP_INSTANCE_REINSTALL."""

from __future__ import annotations

from typing import Any

from ganeti import constants, errors, opcodes, serializer
from ganeti.cmdlib import base
from ganeti.cmdlib.checks import instance_parameters as parameters
from ganeti.cmdlib.checks import nodes, os_definitions
from ganeti.cmdlib.instance import disks, os_install
from ganeti.cmdlib.instance.base import InstanceUnit


class LUInstanceReinstall(InstanceUnit):
    """Install an operating system afresh on an instance that is stopped."""

    OP = opcodes.OpInstanceReinstall
    HOOKS = base.Hooks("instance-reinstall", constants.HTYPE_INSTANCE)

    def expand_more(self) -> None:
        self.public = dict(self.op.osparams or {})
        self.private = serializer.reveal(self.op.osparams_private or {})
        self.secret = serializer.reveal(self.op.osparams_secret or {})
        parameters.public_os(self.public, self.private, self.secret)

    def check_prereq(self) -> None:
        super().check_prereq()
        nodes.require_online(self.primary)
        self.require_state([constants.ADMINST_DOWN], "be reinstalled")
        if not self.instance.disks:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no disks to install on", errors.ECODE_INVAL)
        os_type = self.op.os_type or self.instance.os
        if not os_type:
            raise errors.OpPrereqError(
                f"Instance {self.instance.name} has no OS yet; name one with --os-type",
                errors.ECODE_INVAL)
        changes: dict[str, Any] = {"os": os_type}
        if self.public:
            changes["osparams"] = parameters.merged(self.instance.osparams, self.public)
        if self.private:
            changes["osparams_private"] = parameters.merged(
                self.instance.osparams_private, self.private)
        self.wanted = self.instance.replace(**changes)
        self.changes = {key: value for key, value in changes.items()
                        if getattr(self.instance, key) != value}
        os_definitions.require(
            self, [self.instance.primary_node], os_type,
            os_install.parameters_for(self.config, self.wanted, self.secret),
            force_variant=self.op.force_variant)

    def exec(self) -> None:
        disks.activate(self, self.instance)
        try:
            if self.changes:
                self.feedback(f"Changing OS to {self.wanted.os}...")
                self.commit(**self.changes)
            os_install.run(self, self.config.instances[self.instance.uuid], self.secret,
                           reinstall=True)
        finally:
            disks.deactivate(self, self.config.instances[self.instance.uuid])
