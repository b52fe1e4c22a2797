"""Somebody who owns the tables changes one byte: verification says so, or PostgreSQL refuses."""

import struct
from datetime import datetime, timedelta
from unittest import skipUnless

import psycopg2

from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .seal_common import SealCommon

try:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
except ImportError:  # a plain Odoo; the project's own environment has it
    given = None

TABLES = ("event", "evidence", "seal", "seal_line", "state")
#: Bytes tried at random in one run, beside one of every column.
EXAMPLES = 120
#: What proves nothing and decides nothing, table by table: a change of it is no tampering.
APART = {
    "event": {"id"},  # a handle; what refers to it would name another event, and that is found
    "evidence": {"id", "create_uid", "create_date", "write_uid", "write_date"},
    "seal": {"id", "mail_state", "mailed_at", "mailed_to", "mail_error", "mail_id"},
    "seal_line": {"id"},
    "state": {
        *("id", "create_uid", "create_date", "write_uid", "write_date"),
        # What the daily catch-up has done with an answer, and whether renewal was asked.
        *("is_suppressed", "renewal_asked_at"),
    },
}
#: What the salt ``evidence_salt`` is for.
EVIDENCE = ("note", "business_scoped_id", "guardian")
REFUSED = (psycopg2.IntegrityError, psycopg2.DataError)


def flipped(value, at, mask):
    """Return a stored value with some bits of one of its bytes changed.

    :param value: as PostgreSQL gives it; ``None`` becomes one byte of text
    :param int at: which byte, counted round and round
    :param int mask: which bits, 1 to 255
    """
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        raw = bytearray(struct.pack(">i", value))
        raw[at % 4] ^= mask
        return struct.unpack(">i", bytes(raw))[0]
    if isinstance(value, datetime):
        # PostgreSQL keeps microseconds; the fields of Odoo show whole seconds.
        return value + timedelta(microseconds=mask << (at % 5 * 8))
    raw = bytearray((value or "").encode() or b"x")
    if not value:
        return raw.decode()
    at %= len(raw)
    while raw[at] > 127:  # inside of a letter beyond ASCII any change is no text at all
        at = (at + 1) % len(raw)
    raw[at] = raw[at] ^ (mask % 127 + 1) or raw[at] ^ 1
    raw[at] &= 127
    return raw.decode() if raw.decode() != value else f"{value}x"


def bytes_at_random(test):
    if not given:
        return test
    draw = given(st.integers(0, 10**6), st.integers(0, 200), st.integers(1, 255))
    return settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )(draw(test))


@tagged("-at_install", "post_install")
class TestTampering(SealCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.people = [cls._create_partner(f"Person {n}", f"+91987654331{n}") for n in range(2)]

    def setUp(self):
        super().setUp()
        for person in self.people:
            self._opt_in(
                person,
                self.purpose_invoice | self.purpose_marketing,  # marketing expires
                evidence={"ip": "192.0.2.7", "note": "Am Tresen – gefragt", "scan_name": "f.pdf"},
            )
        self._seal()
        self._withdraw(self.people[0])
        self._seal()
        self.env.flush_all()
        self.mailed = self._mailed()
        self.assertEqual(self._problems(self.mailed), [], "nothing is wrong to begin with")
        self.cells = self._cells()

    def _cells(self):
        """Every stored value of the controller's ledger: list of (table, column, id, value)."""
        cells = []
        for table in TABLES:
            where = SQL("company_id = %s", self.controller.id)
            if table == "seal_line":
                where = SQL("seal_id IN (SELECT id FROM ajw_consent_seal WHERE %s)", where)
            self.env.cr.execute(
                SQL("SELECT * FROM %s WHERE %s", SQL.identifier(f"ajw_consent_{table}"), where)
            )
            for row in self.env.cr.dictfetchall():
                cells += [
                    (table, column, row["id"], value)
                    for column, value in row.items()
                    if column not in APART[table] and not self._idle(table, column, row)
                ]
        return cells

    def _idle(self, table, column, row):
        """A salt without a value, a name without a file: there is nothing that it could prove."""
        if (table, column) == ("evidence", "scan_name"):
            return not any(row[name] for name in EVIDENCE)
        if table != "evidence" or not column.endswith("_salt"):
            return False
        names = EVIDENCE if column == "evidence_salt" else (column.removesuffix("_salt"),)
        return not any(row[name] for name in names)

    def _tamper(self, cell, at, mask):
        """Change one byte; return what came of it: ``found``, ``refused`` or ``unnoticed``."""
        table, column, row_id, value = cell
        with self.env.cr.savepoint() as undone:
            try:
                with mute_logger("odoo.sql_db"):
                    new = self._new_value(cell, at, mask)
                    self._behind_the_triggers(
                        "UPDATE %s SET %s = %s WHERE id = %s",
                        *(SQL.identifier(f"ajw_consent_{table}"), SQL.identifier(column)),
                        *(new, row_id),
                    )
            except REFUSED:
                undone.rollback()
                return "refused"
            problems = self._problems(self.mailed)
            undone.rollback()
        self.env.invalidate_all()
        return "found" if problems else "unnoticed"

    def _new_value(self, cell, at, mask):
        """The tampered value; of what refers to another row, another row that exists."""
        table, column, _row_id, value = cell
        model = self.env[f"ajw.consent.{table.replace('_', '.')}"]
        field = model._fields.get(column)
        if field is None or field.type != "many2one":
            return flipped(value, at, mask) if value is not None else self._filled(table, column)
        others = self.env[model._fields[column].comodel_name].sudo()
        others = others.with_context(active_test=False).search([("id", "!=", value)], limit=40)
        return others.ids[mask % len(others)] if others else flipped(value, at, mask)

    def _filled(self, table, column):
        """A value for a column that was empty."""
        field = self.env[f"ajw.consent.{table.replace('_', '.')}"]._fields[column]
        values = {"datetime": datetime(2031, 1, 1), "integer": 1, "boolean": True}
        return values.get(field.type, "x")

    def test_A2_a_byte_of_every_column_is_noticed(self):
        seen, unnoticed = set(), []
        for cell in self.cells:
            # A filled value and an empty one of each column.
            kind = (*cell[:2], cell[3] is None)
            if kind not in seen:
                seen.add(kind)
                with self.subTest(table=cell[0], column=cell[1], empty=kind[2]):
                    if self._tamper(cell, len(seen), 1) == "unnoticed":
                        unnoticed.append(kind)
        self.assertEqual(unnoticed, [])
        columns = {kind[:2] for kind in seen}
        for table in TABLES:
            self.assertTrue([column for name, column in columns if name == table], table)

    def test_A2_fractions_of_a_second_are_noticed(self):
        for cell in self.cells:
            if isinstance(cell[3], datetime) and cell[0] in ("event", "seal", "state"):
                with self.subTest(table=cell[0], column=cell[1]):
                    self.assertEqual(self._tamper(cell, 0, 7), "found")

    @skipUnless(given, "needs hypothesis")
    @bytes_at_random
    def test_A2_any_byte_anywhere_is_noticed(self, which, at, mask):
        cell = self.cells[which % len(self.cells)]
        outcome = self._tamper(cell, at, mask)
        self.assertIn(outcome, ("found", "refused"), f"{cell} byte {at} ^ {mask}")

    def test_A2_a_kind_that_is_none_closes_the_answer_and_is_named(self):
        event = self._opt_in(self.people[1])  # once more
        self._behind_the_triggers(
            "UPDATE ajw_consent_event SET kind = 'gxven' WHERE id = %s", event.id
        )
        self.assertIn(event.uuid, [problem[1] for problem in self._problems()])
        self.env["ajw.consent.state"]._rebuild(event.subject_id)
        self.assertEqual(self._ask_gate(self.people[1]).reason, "suspended")
        self._withdraw(self.people[1])
        self.assertEqual(self._ask_gate(self.people[1]).reason, "withdrawn")

    def test_A2_a_byte_of_the_scanned_form_is_noticed(self):
        import base64

        event = self._opt_in(
            self.people[1],
            self.purpose_order,
            evidence={"scan": base64.b64encode(b"%PDF signed by hand"), "scan_name": "form.pdf"},
        )
        self._seal()
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        attachment = self.env["ir.attachment"].search(
            [
                ("res_model", "=", evidence._name),
                ("res_id", "=", evidence.id),
                ("res_field", "=", "scan"),
            ]
        )
        self.assertTrue(attachment)
        self.assertEqual(self._problems(), [])
        attachment.raw = b"%PDF signed by hbnd"
        self.assertEqual(self._problems(), [("evidence", event.uuid, 0)])

    def test_A2_an_answer_moved_to_another_number_is_found_and_put_right(self):
        """The gate opens for the address that stands with the answer: nobody may move it."""
        state = self.people[1].ajw_consent_state_ids.filtered(
            lambda state: state.purpose_id == self.purpose_invoice
        )
        stranger = self._create_partner("Stranger", "+919876543399")
        number = state.address
        for column, value in (
            ("address", "+919876543399"),
            ("address", None),
            ("partner_id", stranger.id),
            ("company_id", self.env["res.company"].create({"name": "Another"}).id),
        ):
            with self.subTest(column=column, value=value):
                self._behind_the_triggers(
                    "UPDATE ajw_consent_state SET %s = %s WHERE id = %s",
                    *(SQL.identifier(column), value, state.id),
                )
                run = self._verify(self.mailed)
                self.assertEqual(run.finding_ids.mapped("reason"), ["answer"])
                self.assertEqual(run.finding_ids.event_uuid, state.event_id.uuid)
                self._verify(kind="rebuild")
                self.assertEqual(self._problems(self.mailed), [])
                state = self.people[1].ajw_consent_state_ids.filtered(
                    lambda state: state.purpose_id == self.purpose_invoice
                )
                self.assertEqual((state.address, state.partner_id), (number, self.people[1]))
                self.assertEqual(state.company_id, self.controller)
                self.assertTrue(self._ask_gate(self.people[1]).allowed)
                self.assertFalse(self._ask_gate(self.people[1], address="+919876543399").allowed)

    def test_A2_a_tampered_salt_is_named_and_stops_nothing(self):
        evidence = self.env["ajw.consent.evidence"].search(
            [("company_id", "=", self.controller.id)], limit=1
        )
        for salt in ("g" * 32, "ab", None):
            self._behind_the_triggers(
                "UPDATE ajw_consent_evidence SET address_salt = %s WHERE id = %s",
                *(salt, evidence.id),
            )
            run = self._verify(self.mailed)
            self.assertEqual(run.state, "broken")
            self.assertEqual(run.finding_ids.event_uuid, evidence.event_id.uuid)
