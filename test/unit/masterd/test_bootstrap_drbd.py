"""What a new cluster asks its first machine about DRBD."""

from __future__ import annotations

import pytest

from ganeti import errors
from ganeti.masterd import bootstrap
from ganeti.rpc.result import RpcResult


class Node:
    """A node daemon that answers one question."""

    def __init__(self, **answer):
        self._answer = answer

    def drbd_helper(self, names):
        return {name: RpcResult(node_uuid=name, node_name=name, call="drbd_helper",
                                **self._answer) for name in names}


@pytest.mark.parametrize(("answer", "text"), [
    ({"fail_msg": "DRBD is not loaded"}, "enable other disk templates.*DRBD is not loaded"),
    ({"payload": "/bin/false"}, "calls /bin/false, not /bin/true.*--drbd-usermode-helper="),
])
def test_a_helper_that_is_not_as_wished_is_refused(answer, text):
    with pytest.raises(errors.OpPrereqError, match=text):
        bootstrap._check_helper(Node(**answer), "node1", "/bin/true")


def test_the_right_helper_and_none_at_all():
    bootstrap._check_helper(Node(payload="/bin/true"), "node1", "/bin/true")
    bootstrap._check_helper(Node(fail_msg="nobody is asked"), "node1", None)
