"""Opcodes that check the cluster."""

from __future__ import annotations

from ganeti import ht
from ganeti.opcodes import shared, types
from ganeti.opcodes.base import Field, Flag, OpCode


class OpClusterVerify(OpCode):
    """Check the whole cluster, in one job a node group."""

    debug_simulate_errors = Field(ht.Bool, False, flag="--debug-simulate-errors",
                                  doc="Report every possible error, to test what reads them")
    error_codes = Field(ht.Bool, False, flag="--error-codes",
                        doc="Print each finding with its code, for programs to read")
    skip_checks = Field(ht.SetOf(types.VerifyCheck), [], doc="Checks to leave out")
    ignore_errors = Field(ht.SetOf(types.VerifyCode), [],
                          flag=Flag("-I", "--ignore-errors", append=True),
                          doc="Codes whose findings count as warnings")
    verbose = Field(ht.Bool, False, flag=Flag("-v", "--verbose"), doc="Tell more")
    group_name = shared.ONLY_GROUP
    verify_clutter = Field(ht.Bool, False, flag="--verify-ssh-clutter",
                           doc="Look for foreign entries in authorized_keys files")
    RESULT = types.Jobs


class OpClusterVerifyConfig(OpCode):
    """Check the configuration by itself."""

    INTERNAL = True

    debug_simulate_errors = shared.DEBUG_SIMULATE_ERRORS
    error_codes = shared.ERROR_CODES
    ignore_errors = shared.IGNORE_ERRORS
    verbose = Field(ht.Bool, False, doc="Tell more")
    RESULT = ht.Bool


class OpClusterVerifyGroup(OpCode):
    """Check the nodes and instances of one group."""

    SUMMARY = "group_name"
    INTERNAL = True

    group_name = shared.GROUP_NAME
    debug_simulate_errors = shared.DEBUG_SIMULATE_ERRORS
    error_codes = shared.ERROR_CODES
    skip_checks = Field(ht.SetOf(types.VerifyCheck), [], doc="Checks to leave out")
    ignore_errors = shared.IGNORE_ERRORS
    verbose = Field(ht.Bool, False, doc="Tell more")
    verify_clutter = Field(ht.Bool, False, doc="Look for foreign entries in authorized_keys files")
    RESULT = ht.Bool


class OpClusterVerifyDisks(OpCode):
    """Look for disks that need activation, in one job a node group."""

    group_name = shared.ONLY_GROUP
    is_strict = Field(ht.Bool, True, doc="Count a volume that is not active as broken")
    RESULT = types.Jobs


class OpGroupVerifyDisks(OpCode):
    """Look for disks of one group that need activation."""

    SUMMARY = "group_name"
    INTERNAL = True

    group_name = shared.GROUP_NAME
    is_strict = Field(ht.Bool, True, doc="Count a volume that is not active as broken")
    #: node -> error; instances to activate; instance -> [[node, volume]] that are missing
    RESULT = ht.TupleOf(
        ht.DictOf(ht.String, ht.String), ht.ListOf(ht.String),
        ht.DictOf(ht.String, ht.ListOf(ht.ListOf(ht.String))))
