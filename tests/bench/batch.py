"""Batches: 1,000 posted invoices from selection to outbox, and making their PDFs.

The company, its customers with their consent and their invoices are made in a copy of the test
database; the click and the confirmation are those of a billing user. PDFs are made by a process of
its own, as the sender makes them.
"""

from pathlib import Path

from tests.support.figures import Figure

FOLDER = Path(__file__).parent
DOCUMENTS = 1000
FEW = 100
RENDERED = 50


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    database = bench.copy_database()
    seeded = bench.odoo_shell(database, FOLDER / "_batch_seed.py", DOCUMENTS)

    def measure(count):
        return bench.odoo_shell(database, FOLDER / "_batch_measure.py", seeded["company"], count)

    few, many = measure(FEW), measure(DOCUMENTS)
    with bench.odoo_server(database) as address:
        pdf = bench.odoo_shell(
            database, FOLDER / "_batch_render.py", seeded["company"], RENDERED, address
        )
    return [
        Figure(
            f"{DOCUMENTS:,} invoices from selection to outbox",
            many["select"] + many["send"],
            "s",
            target=2,
        ),
        Figure("… of which until the wizard is there", many["select"], "s"),
        Figure("… of which from confirming to the outbox", many["send"], "s"),
        Figure(f"SQL queries a message, batch of {FEW}", few["queries"] / FEW),
        Figure(
            f"SQL queries a message, batch of {DOCUMENTS:,}",
            many["queries"] / DOCUMENTS,
            target=few["queries"] / FEW,
        ),
        Figure(f"memory that {DOCUMENTS:,} invoices take for good", many["memory"], "MB", 64),
        Figure("PDFs in batches, each", pdf["together"] / RENDERED, "s"),
        Figure("PDFs one by one, each", pdf["alone"] / RENDERED, "s"),
        Figure("one by one against in batches", pdf["alone"] / pdf["together"], "×"),
        Figure(f"memory that {RENDERED} PDFs take for good", pdf["memory"], "MB", 64),
    ]
