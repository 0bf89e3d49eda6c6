"""Judge of the hooks that accompany a verification: administrators' own checks on the nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ganeti import constants, objects
from ganeti.cmdlib.cluster.verify.report import Problem


def hook_results(config: objects.ConfigData, results: Mapping[str, Any]) -> Iterator[Problem]:
    """`results` gives for each node uuid the answer to the hooks call."""
    for node_uuid, result in sorted(results.items()):
        node = config.nodes.get(node_uuid)
        name = node.name if node is not None else node_uuid
        if result.offline:
            continue
        if result.fail_msg:
            yield Problem(name, f"hooks could not be run: {result.fail_msg}")
            continue
        for script, status, output in result.payload or ():
            if status == constants.HKR_FAIL:
                yield Problem(name, f"hook script {script} failed: "
                                    f"{' | '.join(str(output).strip().splitlines()) or 'silent'}")
