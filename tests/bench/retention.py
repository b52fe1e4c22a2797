"""Retention: 1,000,000 message texts emptied by a policy, 200,000 messages deleted by another.

In a copy of the test database. Beside each stands what there is to compare with, on as many rows of
the same kind, in the same run: the bare UPDATE in batches, and Odoo's *Data Recycle*. Of the rows
that both delete one cannot be deleted.
"""

import os
from pathlib import Path

from tests.support.figures import Figure

FOLDER = Path(__file__).parent
TEXTS = int(os.environ.get("AJW_BENCH_TEXTS", 1_000_000))
MESSAGES = int(os.environ.get("AJW_BENCH_MESSAGES", 200_000))
#: Rows for each side of the comparison with Data Recycle.
BESIDE = int(os.environ.get("AJW_BENCH_BESIDE", min(20_000, MESSAGES)))
#: A run of so many rows is what memory is compared with.
FEW = 5_000


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    database = bench.copy_database()
    bench.odoo_shell(database, FOLDER / "_retention_seed.py", TEXTS, MESSAGES, BESIDE, FEW)
    bench.sql(database, "ANALYZE")
    found = bench.odoo_shell(database, FOLDER / "_retention_run.py", TEXTS, BESIDE)
    return [
        Figure(f"emptying {TEXTS:,} message texts by a policy", found["policy_empty"], "s"),
        Figure("the bare UPDATE of as many, in batches", found["bare"], "s"),
        Figure("times as long as the bare UPDATE", found["policy_empty"] / found["bare"], "×", 3),
        Figure("memory it takes, against a run of few", max(found["memory_empty"], 0), "MB", 30),
        Figure(f"deleting {MESSAGES:,} messages by a policy", found["delete"], "s"),
        Figure("messages deleted a second", MESSAGES / found["delete"], "/s", 5000, "higher"),
        Figure("memory it takes, against a run of few", max(found["memory_delete"], 0), "MB", 30),
        Figure(f"deleting {BESIDE:,} messages by a policy, one of them undeletable",
               found["policy"], "s"),
        Figure("messages it left", found["policy_left"], "", 1),
        Figure(f"deleting {BESIDE:,} messages by Data Recycle, all deletable",
               found["recycle"], "s"),
        Figure("times as fast as Data Recycle", found["recycle"] / found["policy"], "×", 2,
               "higher"),
        Figure("messages Data Recycle left with one undeletable", found["stopped_left"]),
    ]  # fmt: skip
