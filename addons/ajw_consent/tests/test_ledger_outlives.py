"""The ledger outlives who wrote it, and what other addons add to it."""

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .ledger_bytes import LedgerBytesMixin
from .seal_common import SealCommon


@tagged("-at_install", "post_install")
class TestLedgerOutlives(LedgerBytesMixin, SealCommon):
    # -- users -----------------------------------------------------------------------------------

    def _officer(self, login):
        return new_test_user(
            self.env,
            login=login,
            groups="ajw_consent.group_officer",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_A2_a_deleted_user_who_recorded_sealed_and_verified(self):
        """All that an officer does is theirs for good, and they can go all the same."""
        user = self._officer("leaving_officer")
        record = self.env["ajw.consent.record"].with_user(user)
        for decision, note in (("given", "Asked at the till"), ("withdrawn", "Called us")):
            record.create(
                {
                    "partner_id": self.partner.id,
                    "company_id": self.company.id,
                    "decision": decision,
                    "purpose_ids": [Command.set(self.purpose_invoice.ids)],
                    "address": self.number,
                    "note": note,
                }
            ).action_record()
        self.env["ajw.consent.seal"].with_user(user).action_seal_now()
        events = self.env["ajw.consent.event"].search([("company_id", "=", self.company.id)])
        self.assertEqual(events.mapped("kind"), ["withdrawn", "given"])
        run = self.env["ajw.consent.verification"].with_user(user)._start(self.controller, "user")
        run.sudo()._run()
        self.assertEqual(run.state, "intact")
        mailed = self._mailed()
        before = self._ledger_bytes()
        user.unlink()
        self.env.invalidate_all()
        after = self._ledger_bytes()
        # Who wrote the rows beside the ledger is a link that PostgreSQL empties; it proves nothing.
        for table in ("ajw.consent.event", "ajw.consent.seal", "ajw.consent.seal.line"):
            self.assertEqual(after[table], before[table])
        self.assertEqual(self._problems(mailed), [])
        self.assertEqual(set(events.sudo().mapped("hash")), set(events.mapped("hash")))
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "in", events.ids)])
        self.assertEqual(set(evidence.mapped("actor")), {"leaving_officer"}, "who it was is kept")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A2_a_deleted_user_who_published_the_notice(self):
        """Deleting them must not change what was published; if it would, they are archived."""
        user = self._officer("leaving_editor")
        draft = self.notice.copy({"title": "Second wording"}).with_user(user)
        draft.action_publish()
        self.assertEqual(draft.published_by_id, user)
        event = self._opt_in(self.partner, notice=draft.sudo())
        self._seal()
        digest, before = draft.sudo().digest, self._ledger_bytes()
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                user.unlink()
        except UserError as error:
            self.assertGreater(len(str(error)), 20)
            user.action_archive()
        self.env.invalidate_all()
        notice = draft.sudo()
        self.assertEqual((notice.state, notice.digest), ("published", digest))
        self.assertEqual(self._ledger_bytes(), before)
        self.assertEqual(self._problems(self._mailed()), [])
        self.assertTrue(event.exists())

    # -- fields of others ------------------------------------------------------------------------

    def _add_field(self, name, **values):
        """Add a field as an administrator or another addon does."""
        return self.env["ir.model.fields"].create(
            {
                "name": name,
                "model_id": self.env["ir.model"]._get("ajw.consent.event").id,
                "field_description": "Of another addon",
                "ttype": "char",
                **values,
            }
        )

    def test_A2_a_plain_field_of_another_addon_changes_no_hash(self):
        self.addCleanup(self.registry.reset_changes)
        first = self._opt_in(self.partner)
        self._seal()
        mailed, digest = self._mailed(), first.hash
        before = self._ledger_bytes()
        self._add_field("x_reference")
        self.assertIn("x_reference", self.env["ajw.consent.event"]._fields)
        # The new column is empty in every row, and no row was written for it.
        self.env.cr.execute("SELECT count(*) FROM ajw_consent_event WHERE x_reference IS NOT NULL")
        self.assertEqual(self.env.cr.fetchone()[0], 0)
        self.assertEqual(self._ledger_bytes()["ajw.consent.event"][0], before[first._name][0])
        second = self._withdraw(self.partner)
        self.assertEqual((second.prev_hash, second.sequence), (digest, 2))
        self._seal()
        self.assertEqual(self._problems(mailed), [])
        for value in ("x", False):
            with self.assertRaises(UserError):
                second.write({"x_reference": value})
        self.env.cr.execute(
            "SELECT xmin::text FROM ajw_consent_event WHERE id IN %s", [(first.id, second.id)]
        )
        self.assertEqual(first.hash, digest)

    def test_A2_a_field_that_would_write_to_events_is_refused(self):
        self.addCleanup(self.registry.reset_changes)
        self._opt_in(self.partner)
        before = self._ledger_bytes()
        compute = "for record in self: record['x_probe'] = 'x'"
        for values in (
            {"compute": compute, "depends": "kind", "store": True, "readonly": True},
            {"related": "subject_id.uuid", "store": True, "readonly": True},
            {"ttype": "many2one", "relation": "res.users", "on_delete": "set null"},
            {"ttype": "many2one", "relation": "res.partner", "on_delete": "cascade"},
            {"required": True},
        ):
            with self.subTest(**values):
                with (
                    self.assertRaisesRegex(ValidationError, "x_probe.*model of your own"),
                    mute_logger("odoo.sql_db", "odoo.schema"),
                    self.env.cr.savepoint() as undone,
                ):
                    self._add_field("x_probe", **values)
                    undone.rollback()
                self.registry.reset_changes()
                self.env.invalidate_all()
        self.assert_ledger_unchanged(before)
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])

    def test_A2_a_default_for_the_ledgers_fields_forges_nothing(self):
        """Defaults of users and of everybody fill no column of an event."""
        for name, value in (("kind", "given"), ("method", "paper"), ("given_by", "guardian")):
            self.env["ir.default"].set("ajw.consent.event", name, value)
        event = self._withdraw(self.partner)
        self.assertEqual(
            (event.kind, event.method, event.given_by), ("withdrawn", "spoken", "self")
        )
        moment = fields.Datetime.now()
        self.assertLessEqual(event.recorded_at, moment)
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])
