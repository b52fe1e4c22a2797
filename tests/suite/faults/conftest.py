"""Two Odoo processes, a sandbox and some customers, shared by all tests of faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.nodes import NodeStack
from tests.support.stack import prepared_database

from .desk import CUSTOMERS, OTHERS, SEED, Desk
from .table import Table

NUMBERS = [f"+9198400{number:05d}" for number in range(CUSTOMERS + OTHERS)]


def pytest_collection_modifyitems(items):
    for item in items:
        if __package__ in item.nodeid.replace("/", "."):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(scope="package")
def nodes() -> Iterator[NodeStack]:
    """Two Odoo processes on a database of their own, and the stand-in for Meta."""
    with NodeStack(prepared_database()).running() as started:
        yield started


@pytest.fixture(scope="package")
def seeded(nodes: NodeStack) -> Desk:
    facts = nodes.do(SEED, account=nodes.facts["account_id"], numbers=NUMBERS)
    return Desk(nodes, facts, NUMBERS, OTHERS)


@pytest.fixture
def desk(seeded: Desk, nodes: NodeStack) -> Iterator[Desk]:
    """The customers, with all Odoo processes alive and no fault switched on."""
    nodes.sandbox.clear_faults()
    nodes.start_odoo()
    seeded.resume()
    yield seeded
    nodes.sandbox.clear_faults()
    for left in nodes.points.iterdir():
        left.unlink()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """What each fault did, written as a document when ``--faults-table`` asks for it."""
    rows = Table()
    yield rows
    if path := request.config.getoption("--faults-table"):
        rows.write(path)
