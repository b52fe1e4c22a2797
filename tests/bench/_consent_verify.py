"""Verifying the consent ledger: time, and whether memory stays flat. Part of `bench consent`."""

from pathlib import Path

from tests.support.figures import Figure

FOLDER = Path(__file__).parent
FEW, MANY = 100_000, 1_000_000
#: What the larger ledger may take more: the noise of measuring, and the list of its seals.
NOISE = 8


def measure(bench, database, few=FEW, many=MANY):
    """Make a ledger, seal and verify it at two sizes; return the figures.

    Chains, answers and seals are verified, each time by a process of its own. Memory is by how much
    that process grew at most.

    :param harness.bench.Bench bench: Odoo's shell
    :param str database: the database; the company is made there
    """
    sealed, found = {}, {}
    for events in (few, many):
        sealed[events] = bench.odoo_shell(database, FOLDER / "_consent_ledger.py", events)
        found[events] = bench.odoo_shell(
            database, FOLDER / "_consent_verify_shell.py", sealed[events]["company"], events
        )
    flat = found[few]["memory"] + NOISE
    return [
        Figure(f"sealing {many - few:,} events", sealed[many]["seal"], "s"),
        Figure(f"verifying {few:,} events", found[few]["seconds"], "s"),
        Figure(
            f"verifying {many:,} events and {found[many]['seals']} seals",
            found[many]["seconds"],
            "s",
        ),
        Figure("… events a second", many / found[many]["seconds"], "/s"),
        Figure(f"memory while verifying {few:,} events", found[few]["memory"], "MB"),
        Figure(f"memory while verifying {many:,} events", found[many]["memory"], "MB", flat),
    ]
