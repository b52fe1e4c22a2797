"""Verifying the consent ledger: time, and whether memory stays flat. Part of `bench consent`."""

from pathlib import Path

from tests.support.figures import Figure

SCRIPT = Path(__file__).parent / "_consent_verify_shell.py"
FEW, MANY = 100_000, 1_000_000


def measure(bench, database, few=FEW, many=MANY):
    """Make a ledger by SQL, seal and verify it at two sizes; return the figures.

    Memory is what Python holds more while verifying (tracemalloc) at the smaller size and at the
    larger one; the shell is a process of its own each time.

    :param harness.bench.Bench bench: Odoo's shell
    :param str database: the database; the company is made there
    """
    small = bench.odoo_shell(database, SCRIPT, few, True)
    large = bench.odoo_shell(database, SCRIPT, many, True)
    return [
        Figure(f"sealing {many - few:,} events", large["seal_seconds"], "s"),
        Figure(f"verifying {few:,} events", small["seconds"], "s"),
        Figure(f"verifying {many:,} events", large["seconds"], "s"),
        Figure("… events a second", many / large["seconds"], "/s"),
        Figure(f"memory while verifying {few:,} events", small["traced_mb"], "MB"),
        Figure(
            f"memory while verifying {many:,} events",
            large["traced_mb"],
            "MB",
            max(1.5 * small["traced_mb"], small["traced_mb"] + 8),
        ),
    ]
