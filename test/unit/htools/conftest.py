import pathlib

import pytest

from ganeti.htools.load import prepare, text

SMALL = pathlib.Path(__file__).parents[2] / "golden/htools/small.txt"


@pytest.fixture
def small():
    """Four nodes, one offline."""
    cluster = text.load(str(SMALL))
    prepare.prepare(cluster)
    return cluster
