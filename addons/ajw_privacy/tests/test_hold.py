from datetime import timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .request_common import RequestCommon


@tagged("post_install", "-at_install")
class TestHold(RequestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body", "email")

    def _hold(self, user=None, **values):
        return self.env["ajw.privacy.hold"].with_user(user or self.officer).create(
            {"name": "Case 12", "partner_id": self.person.id, "reason": "claim",
             "company_id": self.company.id, **values}
        )  # fmt: skip

    def _left(self, *notes):
        self.env.invalidate_all()
        return [bool(note.body) for note in notes]

    def test_A8_holds_win_over_every_policy(self):
        child = self.person.create({"name": "Delivery", "parent_id": self.person.id})
        user = self._user("privacy_held_user", "base.group_portal", self.company.ids)
        user.partner_id.parent_id = self.person
        held = [
            self._note(40, partner_id=self.person.id),
            self._note(40, partner_id=child.id),
            self._note(40, watcher_ids=[(6, 0, self.person.ids)]),
            self._note(40, seller_id=user.id),
            self._note(40, res_model="res.partner", res_id=self.person.id),
            self._note(40, body="wrote to ASHA@example.com"),
            self._note(40, body="called 49301234567 twice"),
        ]
        free = [
            self._note(40, partner_id=self.namesake.id),
            self._note(40, body="Asha Rao, other.asha@example.com"),
            self._note(40),
        ]
        self._hold()
        policy = self._policy(self.officer, company_id=self.company.id)
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.held_count), (3, 7))
        self._run_cron()
        self.assertEqual(self._left(*held), [True] * 7)
        self.assertEqual(self._left(*free), [False] * 3)
        run = self._runs(policy)
        self.assertEqual((run.rows_done, run.rows_held, run.state), (3, 7, "done"))

    def test_a_hold_ends_and_then_the_policy_works(self):
        note = self._note(40, partner_id=self.person.id)
        today = fields.Date.today()
        hold = self._hold(date_until=today)
        policy = self._policy(self.officer, company_id=self.company.id)
        self._run_cron()
        self.assertEqual(self._left(note), [True])
        hold.date_from = today - timedelta(days=9)
        hold.date_until = today - timedelta(days=2)
        self.assertEqual(hold.state, "ended")
        policy.next_run = today
        self._run_cron()
        self.assertEqual(self._left(note), [False])

    def test_A8_a_hold_counts_its_days_wherever_they_are(self):
        """The last day ends in Samoa 25 hours after it ended in Kiritimati."""
        hold = self._hold(date_from="2026-03-10", date_until="2026-03-10")
        for moment, held in (
            ("2026-03-09 09:00:00", False),
            ("2026-03-09 11:00:00", True),  # begun in Auckland and Kiritimati
            ("2026-03-10 12:00:00", True),
            ("2026-03-11 08:00:00", True),  # not over in Los Angeles and Honolulu
            ("2026-03-11 12:30:00", False),
        ):
            with freeze_time(moment):
                found = self.env["ajw.privacy.hold"]._in_force(self.company)
                self.assertEqual(hold in found, held, moment)

    def test_W2_a_hold_of_one_company_is_not_another_s(self):
        shared = self._person("C", "c@example.com", "+49305555555")
        shared.company_id = False
        mine = self._note(40, partner_id=shared.id)
        theirs = self._note(40, self.other_company, partner_id=shared.id)
        self._hold(partner_id=shared.id)
        self._policy()
        self._run_cron()
        self.assertEqual(self._left(mine, theirs), [True, False])

    def test_only_officers_and_never_deleted(self):
        hold = self._hold()
        for user in (self.internal, self.admin, self.other_officer):
            with self.assertRaises(AccessError):
                hold.with_user(user).read(["reason"])
        with self.assertRaises(AccessError):
            self._hold(company_id=False)
        with self.assertRaises(AccessError):
            hold.company_id = False
        with self.assertRaises(UserError):
            hold.partner_id = self.namesake
        with self.assertRaises(UserError):
            self._hold(user_id=self.lead_officer.id)
        with self.assertRaises(UserError):
            hold.unlink()
        with self.assertRaises(UserError):
            hold.sudo().unlink()
        self.assertEqual(hold.user_id, self.officer)


@tagged("post_install", "-at_install")
class TestDelete(RequestCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # an app whose rows may go: everything personal in it is deleted with the row
        cls.startClassPatcher(
            patch.object(
                cls.registry["ajw.privacy.data.map"],
                "_entries",
                cls._deletable(cls.registry["ajw.privacy.data.map"]._entries),
            )
        )

    @staticmethod
    def _deletable(original):
        def entries(self, model_name):
            found = original(self, model_name)
            if model_name != "x.privacy.note":
                return found
            return {
                name: (entry._replace(erase="delete"), source)
                for name, (entry, source) in found.items()
            }

        return entries

    def _deleting(self, **values):
        return self._policy(
            self.officer, company_id=self.company.id, action="delete", field_names=False, **values
        )

    def test_A8_old_rows_are_deleted_and_holds_kept(self):
        old, young = self._note(40), self._note(5)
        held = self._note(40, partner_id=self.person.id)
        self.env["ajw.privacy.hold"].create(
            {"name": "C", "partner_id": self.person.id, "reason": "r"}
        )
        policy = self._deleting()
        self.env["ajw.privacy.hold"].search([]).company_id = self.company
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual((wizard.row_count, wizard.held_count), (1, 1))
        self.assertTrue(old.exists())
        self._run_cron()
        self.assertEqual((old + young + held).exists(), young + held)
        self.assertEqual(self._runs(policy).rows_done, 1)

    def test_A8_one_undeletable_row_in_a_thousand(self):
        notes = self.note.create(
            [
                {"name": f"n{i}", "state": "done", "company_id": self.company.id,
                 "happened_at": self.now - timedelta(days=40)}
                for i in range(1000)
            ]
        )  # fmt: skip
        bad = notes[637]
        original = type(notes).unlink

        def unlink(records):
            if bad in records:
                raise UserError("needed")  # pylint: disable=translation-required
            return original(records)

        policy = self._deleting()
        with patch.object(type(notes), "unlink", unlink):
            self._run_cron()
        run = self._runs(policy)
        self.assertEqual((run.rows_done, run.rows_failed, run.state), (999, 1, "partial"))
        self.assertEqual(run.failed_ids, bad.ids)
        self.assertEqual(notes.exists(), bad)
        self.assertNotIn("needed", run.error)


@tagged("post_install", "-at_install")
class TestDeleteGuard(RequestCommon):
    def test_A8_only_what_the_map_lets_go_is_deleted(self):
        for model in ("x.privacy.note", "res.partner"):
            with self.subTest(model), self.assertRefused("does not allow rows|own way of deleting"):
                self._policy(model_name=model, clock_field="create_date", domain="[]",
                             action="delete", field_names=False)  # fmt: skip
        for model in ("ajw.consent.event", "ajw.consent.evidence", "ajw.consent.state",
                      "ajw.privacy.request", "ajw.privacy.hold"):  # fmt: skip
            with self.subTest(model), self.assertRefused("books or proof"):
                self._policy(model_name=model, clock_field="create_date", domain="[]",
                             action="delete", field_names=False)  # fmt: skip

    def test_shipped_policies_are_ready_or_wait(self):
        for name in ("policy_message_text", "policy_webhook_payload", "policy_failed_messages",
                     "policy_invitations", "policy_invitation_links", "policy_codes",
                     "policy_packages", "policy_confirmations", "policy_confirmation_links",
                     "policy_preference_links"):  # fmt: skip
            policy = self.env.ref(f"ajw_privacy.{name}")
            self.assertIn(policy.status, ("ready", "waiting"), (name, policy.status_message))
        self.assertEqual(self.env.ref("ajw_privacy.policy_codes").status, "ready")

    def test_invitations_outlive_the_time_before_the_next(self):
        self.assertGreater(self.env.ref("ajw_privacy.policy_invitations").effective_days, 365)
        self.company.ajw_consent_invitation_interval = 365
        self.env.flush_all()
        with (
            self.assertRaises(psycopg2.errors.CheckViolation),
            mute_logger("odoo.sql_db"),
            self.cr.savepoint(flush=False),
        ):
            self.company.ajw_consent_invitation_interval = 366
            self.company.flush_recordset()

    def test_A8_links_of_expired_invitations_are_emptied_and_recorded(self):
        policy = self.env.ref("ajw_privacy.policy_invitation_links")
        invitations = self.env["ajw.consent.invitation"].create(
            [
                {"company_id": self.company.id, "partner_id": self.person.id, "state": state,
                 "token_hash": f"t{state}{days}", "code_hash": f"c{state}{days}",
                 "expires_at": self.now - timedelta(days=days)}
                for state, days in (("expired", 9), ("answered", 9), ("expired", 3))
            ]
        )  # fmt: skip
        policy.write({"active": True, "next_run": fields.Date.today()})
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertGreaterEqual(wizard.row_count, 1)
        self.assertEqual(invitations[0].token_hash, "texpired9")
        self._run_cron()
        self.env.invalidate_all()
        self.assertEqual(invitations.mapped("token_hash"), [False, "tanswered9", "texpired3"])
        self.assertEqual(invitations.mapped("code_hash"), [False, "canswered9", "cexpired3"])
        self.assertIn(1, self._runs(policy).mapped("rows_done"))

    def _due(self, name):
        policy = self.env.ref(f"ajw_privacy.{name}")
        policy.write({"active": True, "next_run": fields.Date.today()})
        return policy

    def test_A8_confirmations_go_by_policy(self):
        subject = self.env["ajw.consent.subject"].create(
            {"company_id": self.company.id, "partner_id": self.person.id}
        )
        rows = self.env["ajw.consent.confirmation"].create(
            [
                {"company_id": self.company.id, "subject_id": subject.id,
                 "partner_id": self.person.id, "channel": "whatsapp", "state": state,
                 "token_hash": f"t{state}{days}", "code_hash": f"c{state}{days}",
                 "expires_at": self.now - timedelta(days=days)}
                for state, days in (
                    ("confirmed", 91), ("expired", 89), ("cancelled", 3), ("sent", 91))
            ]
        )  # fmt: skip
        confirmed, expired, fresh, waiting = rows
        self._due("policy_confirmation_links")
        self._run_cron()
        self.env.invalidate_all()
        self.assertEqual(rows.mapped("token_hash"), [False, False, "tcancelled3", "tsent91"])
        self.assertEqual(rows.mapped("code_hash"), [False, False, "ccancelled3", "csent91"])
        self._due("policy_confirmations")
        self._run_cron()
        self.assertEqual(rows.exists(), expired | fresh | waiting)
        self.assertFalse(confirmed.exists())
        self.assertTrue(subject.exists(), "the ledger keeps whose consent it was")

    def test_A8_links_to_manage_consents_go_by_policy(self):
        links = self.env["ajw.consent.preference.link"].create(
            [
                {"company_id": self.company.id, "partner_id": self.person.id, "state": state,
                 "expires_at": self.now - timedelta(days=days)}
                for state, days in (("answered", 31), ("expired", 29))
            ]
        )  # fmt: skip
        self._due("policy_preference_links")
        self._run_cron()
        self.assertEqual(links.exists(), links[1])

    def test_A8_copies_and_codes_go_by_policy(self):
        request = self._verified()
        request.action_make_package()
        self._send_code(waiting := self._request())
        package = request.package_ids
        files = [("res_model", "=", "ajw.privacy.package"), ("res_id", "=", package.id),
                 ("res_field", "!=", False)]  # fmt: skip
        self.assertTrue(self.env["ir.attachment"].search_count(files))
        code = self.env["ajw.privacy.verification"].search([("request_id", "=", waiting.id)])
        policies = self.env.ref("ajw_privacy.policy_codes") + self.env.ref(
            "ajw_privacy.policy_packages"
        )
        policies.active = True
        policies.next_run = fields.Date.today()
        self._run_cron()
        self.assertTrue(package.exists() and code.exists())
        long_ago = fields.Datetime.now() - timedelta(days=5)
        package.sudo().valid_until = long_ago
        code.expires_at = long_ago
        policies.next_run = fields.Date.today()
        self._run_cron()
        self.assertFalse(package.exists())
        self.assertFalse(code.exists())
        self.assertFalse(self.env["ir.attachment"].search_count(files))
        self.assertIn("was deleted", " ".join(map(str, request.message_ids.mapped("body"))))
