"""Installing on a database with 100,000 partners.

The add-ons are installed side by side on two copies of a database that has only what they depend
on: one with many partners, one with few.
"""

from __future__ import annotations

import secrets
import time

from harness.database import our_addons
from harness.testing import base_database
from tests.support.figures import Figure

PARTNERS = 100_000
GENERATE = f"""
    INSERT INTO res_partner
           (name, complete_name, phone, phone_sanitized, email, email_normalized, active, lang,
            type, autopost_bills, country_id, create_date, write_date, create_uid, write_uid)
    SELECT 'Customer ' || n, 'Customer ' || n, '+9198' || lpad(n::text, 8, '0'),
           '+9198' || lpad(n::text, 8, '0'), 'customer' || n || '@example.com',
           'customer' || n || '@example.com', true, 'en_US', 'contact', 'ask',
           (SELECT id FROM res_country WHERE code = 'IN'), now(), now(), 1, 1
      FROM generate_series(1, {PARTNERS}) AS n
"""  # noqa: S608


def timed(bench, database: str, what: str, *arguments: str) -> float:
    """Run Odoo on the database to its end and return the seconds it took."""
    start = time.perf_counter()
    bench.databases.run_odoo(database, bench.config(database), what, list(arguments))
    return time.perf_counter() - start


def storage(bench, database: str) -> int:
    """Return what PostgreSQL calls the table's file: a new one means that all rows were copied."""
    return bench.sql(database, "SELECT pg_relation_filenode('res_partner')")[0][0]


def run(bench) -> list[Figure]:
    base = base_database(bench.environment, bench.databases)
    ours = ",".join(sorted(addon.name for addon in our_addons()))
    names, seconds, upgrades, rewritten, touched = {}, {}, {}, {}, {}
    for kind in ("few", "many"):
        name = f"ajw_bench_{secrets.token_hex(3)}"
        bench.made.append(name)
        bench.databases.copy(base, name)
        names[kind] = name
    bench.sql(names["many"], GENERATE)
    for name in names.values():
        bench.sql(name, "VACUUM ANALYZE res_partner")
    for kind, name in names.items():
        before = storage(bench, name)
        now = bench.sql(name, "SELECT txid_current()")[0][0]
        seconds[kind] = timed(bench, name, f"installing {ours}", "-i", ours)
        rewritten[kind] = storage(bench, name) != before
        written = "SELECT count(*) FROM res_partner WHERE xmin::text::bigint > %s"
        touched[kind] = bench.sql(name, written, [now])[0][0]
        upgrades[kind] = timed(bench, name, f"upgrading {ours}", "-u", "ajw_consent")
    return [
        Figure(f"install, {PARTNERS:,} partners", seconds["many"], "s", 60),
        Figure("install, few partners", seconds["few"], "s"),
        Figure("install, due to the partners", seconds["many"] - seconds["few"], "s", 10),
        Figure("table of partners copied", int(rewritten["many"]), "times", 0),
        Figure("partners written to by installing", touched["many"], "", 10),
        Figure(f"upgrade, {PARTNERS:,} partners", upgrades["many"], "s", 60),
        Figure("upgrade, due to the partners", upgrades["many"] - upgrades["few"], "s", 10),
    ]
