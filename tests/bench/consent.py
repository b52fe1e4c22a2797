"""Consent: the gate for 100,000 people, recording as many opt-ins, verifying 1,000,000 events.

In a copy of the test database. The gate is measured against the bare SQL join that fetches the
same rows; recording is the import's path: every event chained, with its evidence and its state.
"""

from pathlib import Path

from tests.bench import _consent_verify
from tests.support.figures import Figure

FOLDER = Path(__file__).parent
PEOPLE = 100_000
FEW = 1_000


def run(bench):
    """Measure, and return the figures.

    :param harness.bench.Bench bench: databases and Odoo's shell
    """
    database = bench.copy_database()
    recorded = bench.odoo_shell(database, FOLDER / "_consent_record.py", PEOPLE)
    bench.sql(database, "ANALYZE ajw_consent_subject, ajw_consent_state, ajw_consent_suppression")
    gate = bench.odoo_shell(database, FOLDER / "_consent_gate.py", recorded["company"], FEW)
    figures = [
        Figure(f"recording {PEOPLE:,} opt-ins", PEOPLE / recorded["record"], "/s", 3000, "higher"),
        Figure("memory that it takes for good", recorded["memory"], "MB", 256),
        Figure(f"checking a list of {recorded['rows']:,} rows", recorded["check"], "s"),
        Figure("importing it, from the file to the ledger", recorded["import"], "s"),
        Figure(f"the gate for {PEOPLE:,} people", gate["gate"], "s"),
        Figure("the bare join that fetches the same rows", gate["join"], "s"),
        Figure("the gate against the bare join", gate["gate"] / gate["join"], "×", 3),
        Figure(f"SQL queries, {FEW:,} people", gate["queries_few"]),
        Figure(f"SQL queries, {PEOPLE:,} people", gate["queries"], "", gate["queries_few"]),
    ]
    return figures + _consent_verify.measure(bench, database)
