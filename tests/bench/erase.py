"""Erasing: one person with 10,000 messages and 2,000 documents among 200,000 and 1,000,000.

In a copy of the test database, while another program writes messages and contacts. Everything an
erasure does is timed: the search, the plan, the erasing, and the scan of every column. Beside it,
locks that keep others from writing are sampled.
"""

import os
from pathlib import Path

from tests.bench._beside import Beside
from tests.support.figures import Figure

FOLDER = Path(__file__).parent
PARTNERS = int(os.environ.get("AJW_BENCH_PARTNERS", 200_000))
MESSAGES = int(os.environ.get("AJW_BENCH_MESSAGES", 1_000_000))
THEIRS = 10_000
DOCUMENTS = 2_000
#: A person of whom little is known: what their erasure takes beside the other's.
FEW = 100


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    database = bench.copy_database()
    seeded = bench.odoo_shell(
        database, FOLDER / "_erase_seed.py", PARTNERS, MESSAGES, THEIRS, DOCUMENTS, FEW
    )
    bench.sql(database, "ANALYZE")
    few = bench.odoo_shell(database, FOLDER / "_erase_run.py", seeded["few"], seeded["officers"])
    with Beside(bench, database, "_erase_beside.py") as beside:
        many = bench.odoo_shell(
            database, FOLDER / "_erase_run.py", seeded["many"], seeded["officers"]
        )
    writer = beside.figures
    steps = ("planning", "approved", "erasing", "scanning")
    return [
        Figure(
            f"erasing a person with {THEIRS:,} messages and {DOCUMENTS:,} documents"
            f" among {PARTNERS:,} contacts and {MESSAGES:,} messages",
            many["seconds"], "s", 60,
        ),
        *(Figure(f"of which {step}", many["steps"].get(step, 0), "s") for step in steps),
        Figure("rows it changed", many["rows"]),
        Figure("columns it searched again for the certificate", many["columns"]),
        Figure(f"erasing a person with {FEW:,} messages", few["seconds"], "s"),
        Figure("memory that it takes, against that of the person with few",
               max(many["memory"] - few["memory"], 0), "MB", 30),
        Figure("longest lock that keeps others from writing", writer["lock"], "s", 1),
        Figure("writes of others meanwhile", writer["writes"]),
        Figure("of which the slowest of a hundred took", writer["p99"] * 1000, "ms"),
        Figure("and the slowest", writer["slowest"] * 1000, "ms", 1000),
    ]  # fmt: skip
