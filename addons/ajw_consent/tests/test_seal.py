from datetime import timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from ..ledger.seal import read_seal
from ..models import ajw_consent_seal_mail as mailing
from ..models import ajw_consent_seal_sealing as sealing
from .seal_common import SealCommon

WRONG = "Something is wrong with this company."


@tagged("-at_install", "post_install")
class TestSeal(SealCommon):
    def test_A2_what_is_new_is_sealed_once(self):
        self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        first = self._seal()
        self.assertEqual((first.sequence, first.event_count, first.total), (1, 2, 2))
        self.assertFalse(self._seal(), "nothing is new")
        self._withdraw(self.partner)
        second = self._seal()
        self.assertEqual((second.sequence, second.event_count, second.total), (2, 1, 3))
        self.assertEqual(second.previous_hash, first.hash)
        self.assertEqual(self._problems(), [])

    def test_A2_an_event_that_appears_late_is_in_the_next_seal(self):
        """Ids are given before a transaction commits: what has the smaller id can come later."""
        early, late = self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        pending = type(self.env["ajw.consent.seal"])._pending

        def unseen(model, controller):
            return SQL("%s AND event.id != %s", pending(model, controller), early.id)

        with patch.object(type(self.env["ajw.consent.seal"]), "_pending", unseen):
            self.assertEqual(self._seal().event_count, 1)
        self.assertLess(early.id, late.id)
        second = self._seal()
        self.assertEqual(second.event_count, 1)
        self.assertEqual(early.with_user(self.officer).seal_id, second)
        self.assertEqual(self._problems(), [])

    def test_A2_many_events_become_several_seals(self):
        for number in range(5):
            self._opt_in(self._create_partner(f"C{number}", f"+91987654331{number}"))
        with patch.object(sealing, "SEAL_SIZE", 2):
            counts = [self._seal().event_count for _number in range(3)]
        self.assertEqual(counts, [2, 2, 1])
        self.assertEqual(self._problems(), [])

    def test_A2_old_events_sealed_in_several_pieces_are_not_late(self):
        """As after an upgrade from a release without seals."""
        with freeze_time("2026-01-31 09:30:00"):
            for number in range(5):
                self._opt_in(self._create_partner(f"C{number}", f"+91987654331{number}"))
        with patch.object(sealing, "SEAL_SIZE", 2):
            while self._seal():
                pass
            self.assertEqual(self._problems(), [])

    def test_one_without_recipients_holds_up_no_other(self):
        self.officer.email = "officer@example.com"
        self._opt_in(self.partner)
        mine = self._seal()
        other = self.env["res.company"].create({"name": "Without Officer"})
        self.env["ajw.consent.event"]._record(
            other, self.partner, self.purpose_invoice, "whatsapp", self.number, "refused", "spoken"
        )
        self.env.flush_all()
        nobodys = self.env["ajw.consent.seal"]._seal(other)
        with patch.object(mailing, "MAIL_AT_ONCE", 1):
            self.env["ajw.consent.seal"]._mail_unsent()
        self.assertEqual((mine.mail_state, nobodys.mail_state), ("queued", "nobody"))

    def test_a_day_without_events_is_sealed_too(self):
        self.assertFalse(self._seal(), "an empty ledger proves nothing")
        self._opt_in(self.partner)
        self._seal()
        with patch.object(sealing, "HEARTBEAT", sealing.timedelta(0)):
            empty = self._seal()
        self.assertEqual((empty.sequence, empty.event_count, empty.total), (2, 0, 1))
        self.assertEqual(self._problems(self._mailed()), [])

    def test_two_who_seal_at_once(self):
        """The second one saw the ledger before the first one's seal: the first one's counts."""
        self._opt_in(self.partner)
        stale = (self.env["ajw.consent.seal"], self.env["ajw.consent.seal"]._pending_tree)
        tree = stale[1](self.controller)
        first = self._seal()
        seals = type(self.env["ajw.consent.seal"])
        with (
            patch.object(seals, "search", lambda *args, **kwargs: stale[0]),
            patch.object(seals, "_pending_tree", lambda *args: tree),
        ):
            self.assertFalse(self.env["ajw.consent.seal"]._seal(self.controller))
        self.assertEqual(self.env["ajw.consent.seal.line"].search_count([
            ("seal_id.company_id", "=", self.controller.id)]), 1)  # fmt: skip
        self.assertEqual(first.event_count, 1)
        self.assertEqual(self._problems(), [])

    def test_A2_orm_refuses_to_change_seals(self):
        self._opt_in(self.partner)
        seal = self._seal()
        line = self.env["ajw.consent.seal.line"].search([("seal_id", "=", seal.id)])
        for record, values in ((seal, {"mail_state": "sent"}), (line, {"position": 9})):
            for rows in (record, record.with_context(ajw_ledger=True)):
                with self.assertRaises(UserError):
                    rows.write(values)
                with self.assertRaises(UserError):
                    rows.unlink()
                with self.assertRaises(UserError):
                    rows.copy()

    def test_A2_postgresql_refuses_to_change_seals(self):
        self._opt_in(self.partner)
        seal = self._seal()
        self.env.flush_all()
        columns = ("hash", "root", "previous_hash", "ledger", "tree_nodes")
        for statement in (
            *(f"UPDATE ajw_consent_seal SET {name} = 'x' WHERE id = %s" for name in columns),  # noqa: S608
            *(
                f"UPDATE ajw_consent_seal SET {name} = 5 WHERE id = %s"  # noqa: S608
                for name in ("sequence", "event_count", "total", "seal_version", "tree_level")
            ),
            "UPDATE ajw_consent_seal SET sealed_at = now() WHERE id = %s",
            "UPDATE ajw_consent_seal SET company_id = 1 WHERE id = %s",
            "DELETE FROM ajw_consent_seal WHERE id = %s",
            "TRUNCATE ajw_consent_seal CASCADE -- %s",
            "UPDATE ajw_consent_seal_line SET position = 7 WHERE seal_id = %s",
            "DELETE FROM ajw_consent_seal_line WHERE seal_id = %s",
            "TRUNCATE ajw_consent_seal_line -- %s",
        ):
            with (
                self.subTest(statement),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement, [seal.id])

    # -- the email -------------------------------------------------------------------------------

    def _mail_of(self, seal):
        return self.env["mail.mail"].search(
            [("model", "=", "ajw.consent.seal"), ("res_id", "=", seal.id)]
        )

    def _sealed_and_mailed(self):
        self.officer.email = "officer@example.com"
        self._opt_in(self.partner, evidence={"ip": "192.0.2.7", "note": "At the till"})
        seal = self._seal()
        seal._mail()
        return seal, self._mail_of(seal)

    def test_A2_the_officer_gets_the_seal(self):
        seal, mail = self._sealed_and_mailed()
        self.assertEqual((seal.mail_state, seal.mailed_to), ("queued", "officer@example.com"))
        self.assertEqual(mail.email_to, "officer@example.com")
        self.assertIn(seal.hash, mail.body_html)
        self.assertEqual(len(mail.attachment_ids), 1)
        self.assertEqual(read_seal(mail.attachment_ids.raw).hash, seal.hash)
        self.assertEqual(self._problems([mail.attachment_ids.raw]), [])
        servers = IrMail_Server
        with (
            patch.object(
                servers, "send_email", lambda self, message, *a, **k: message["Message-Id"]
            ),
            patch.object(servers, "_disable_send", lambda *args: False),
            patch.object(servers, "_connect__", lambda *args, **kwargs: None),
        ):
            mail.send()
        self.assertEqual(seal.mail_state, "sent")
        self.assertTrue(seal.mailed_at)

    def test_A2_nothing_personal_is_mailed(self):
        _seal, mail = self._sealed_and_mailed()
        text = mail.body_html + mail.subject + mail.attachment_ids.raw.decode()
        for value in (self.partner.name, "9876543210", "192.0.2.7", "At the till"):
            self.assertNotIn(value, text)
        self.assertLess(len(mail.attachment_ids.raw), 64 * 1024)

    def test_what_became_of_the_email_is_on_record(self):
        seal, mail = self._sealed_and_mailed()
        mail._postprocess_sent_message([], [], failure_reason="No route", failure_type="unknown")
        self.assertEqual((seal.mail_state, seal.mail_error), ("failed", "No route"))
        self.env["ajw.consent.seal"]._mail_unsent()
        self.assertEqual(seal.mail_state, "queued")
        self._mail_of(seal).unlink()
        self.assertEqual(seal.mail_state, "to_send", "a deleted email is made anew")

    def test_A2_a_seal_does_not_wait_for_the_hour_of_the_mail_queue(self):
        """What lies in this database's own mail queue is not kept elsewhere yet."""
        cron = self.env.ref("mail.ir_cron_mail_scheduler_action")
        soon = fields.Datetime.now() + timedelta(minutes=5)
        domain = [("cron_id", "=", cron.id), ("call_at", "<=", soon)]
        triggers = self.env["ir.cron.trigger"]
        triggers.search(domain).unlink()
        seal, _mail = self._sealed_and_mailed()
        self.assertEqual(triggers.search_count(domain), 1)
        triggers.search(domain).unlink()
        self.officer.email = False
        seal._mail()
        self.assertEqual(seal.mail_state, "nobody")
        self.assertFalse(triggers.search_count(domain), "there is nothing to send")

    def test_seals_go_where_the_company_says(self):
        self.controller.ajw_consent_seal_recipients = "auditor@example.org, dpo@example.com"
        seal, mail = self._sealed_and_mailed()
        self.assertEqual(mail.email_to, "auditor@example.org, dpo@example.com")
        with self.assertRaises(ValidationError):
            self.controller.ajw_consent_seal_recipients = "auditor@example.org; nobody"
        self.controller.ajw_consent_seal_recipients = False
        self.officer.email = False
        seal._mail()
        self.assertEqual(seal.mail_state, "nobody")
        with self.assertRaisesRegex(UserError, "Nobody gets the seals"):
            seal.with_user(self.officer).action_mail()

    def test_W2_officers_of_other_companies_get_nothing(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        stranger = self._create_user(
            "stranger", "ajw_consent.group_officer", company_id=other.id,
            company_ids=[(6, 0, other.ids)], email="stranger@example.com",
        )  # fmt: skip
        self.assertNotIn(stranger, self.controller._ajw_consent_officers())
        seal, mail = self._sealed_and_mailed()
        self.assertNotIn("stranger", mail.email_to)
        with self.assertRaises(AccessError):
            seal.with_user(stranger).action_mail()

    def test_W2_every_company_is_sealed(self):
        other = self.env["res.company"].create(
            {"name": "Second Trading", "country_id": self.env.ref("base.in").id}
        )
        self._opt_in(self.partner)
        self.env["ajw.consent.event"]._record(
            other, self.partner, self.purpose_invoice, "whatsapp", self.number, "refused", "spoken"
        )
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_seal").method_direct_trigger()
        seals = self.env["ajw.consent.seal"].search(
            [("company_id", "in", (self.controller + other).ids)]
        )
        self.assertEqual(sorted(seals.mapped("sequence")), [1, 1])
        self.assertEqual(seals.company_id, self.controller + other)

    def test_W2_one_companys_failure_stops_no_other(self):
        seals = type(self.env["ajw.consent.seal"])
        real, seen = seals._seal, []

        def seal(model, controller):
            seen.append(controller)
            if len(seen) == 1:
                raise UserError(WRONG)
            return real(model, controller)

        self._opt_in(self.partner)
        with (
            patch.object(seals, "_seal", seal),
            mute_logger(sealing._logger.name),
            self.enter_registry_test_mode(),
        ):
            self.env.ref("ajw_consent.ir_cron_seal").method_direct_trigger()
        self.assertIn(self.controller.id, [controller.id for controller in seen[1:]])
        self.assertTrue(
            self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])
        )
