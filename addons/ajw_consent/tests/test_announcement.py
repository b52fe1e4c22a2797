from datetime import timedelta
from unittest.mock import patch

from psycopg2.errors import UniqueViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import ajw_consent_announcement_sending as sending
from .invitation_common import InvitationCommon
from .test_notice import NoticeCommon

DAYS_40 = timedelta(days=40)


class AnnouncementCommon(InvitationCommon, NoticeCommon):
    """A controller with customers, and a material change to be announced."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "desk@ledger-trading.example"
        cls.Announcement = cls.env["ajw.consent.announcement"]
        cls.Recipient = cls.env["ajw.consent.announcement.recipient"]

    def _material(self, **values):
        """A published version that asks for the invoice purpose again."""
        draft = self._draft(
            change="material", effective_at=fields.Datetime.now() + DAYS_40, **values
        )
        draft.line_ids.filtered(
            lambda line: line.purpose_id == self.purpose_invoice
        ).ask_again = True
        draft.action_publish()
        return draft

    def _announce(self, notice=None, user=None, **values):
        vals = {
            "company_id": self.company.id,
            "summary": "We use another carrier.",
            **({"notice_id": notice.id} if notice else {"policy_url": "https://example.com/p"}),
            "effective_at": fields.Datetime.now() + DAYS_40,
            **values,
        }
        return self.Announcement.with_user(user or self.officer).create(vals)

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_announcement").method_direct_trigger()
            self.env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
        self.env.invalidate_all()

    def _run_cron_until_the_power_fails(self, work):
        """Run the scheduled action in batches of two; it breaks off in the second.

        :param str work: method of the recipients that treats a batch
        """
        rows = type(self.Recipient)
        once, done = getattr(rows, work), []

        def stops(records):
            if done:
                raise ValueError("the power failed")
            done.append(records)
            once(records)

        # Both batches count when they are committed; the second never is.
        with (
            patch.object(sending, "BATCH_SIZE", 2),
            patch.object(rows, work, stops),
            mute_logger("odoo.addons.base.models.ir_cron"),
            self.enter_registry_test_mode(),
        ):
            self.env.ref("ajw_consent.ir_cron_announcement").method_direct_trigger()
        self.env.invalidate_all()

    def _row(self, announcement, partner=None):
        return self.Recipient.search(
            [
                ("announcement_id", "=", announcement.id),
                ("partner_id", "=", (partner or self.partner).id),
            ]
        )

    def _pass_days(self, days):
        """Let time pass for everything that was published, announced and told."""
        self.env.flush_all()
        for table, columns in (
            ("ajw_consent_notice", ("effective_at", "announced_at")),
            ("ajw_consent_announcement", ("effective_at", "started_at")),
            ("ajw_consent_announcement_recipient", ("effective_at", "told_at")),
        ):
            for column in columns:
                self.env.cr.execute(
                    f"UPDATE {table} SET {column} = {column} - interval '1 day' * %s",  # noqa: S608
                    [days],
                )
        self.env.invalidate_all()


@tagged("-at_install", "post_install")
class TestAnnouncement(AnnouncementCommon):
    # -- merged contacts ---------------------------------------------------------------------------

    def test_two_contacts_told_by_one_announcement_can_be_merged(self):
        twin = self._create_partner("Duplicate", self.number, email="twin@example.com")
        third = self._create_partner("Third", self.number, email="third@example.com")
        announcement = self._announce()
        rows = self.Recipient.create(
            [
                {
                    "announcement_id": announcement.id,
                    "company_id": self.company.id,
                    "partner_id": partner.id,
                    "state": state,
                }
                for partner, state in (
                    (self.partner, "queued"),
                    (twin, "sent"),
                    (third, "failed"),
                )
            ]
        )
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.partner | twin | third).ids, self.partner)
        self.env.invalidate_all()
        self.assertEqual(self._row(announcement), rows[1], "who was told stays told")
        self.assertEqual(rows.exists(), rows[1])

    # -- 30 days -----------------------------------------------------------------------------------

    def test_W8_a_material_change_cannot_be_published_for_an_earlier_day(self):
        draft = self._draft(
            change="material", effective_at=fields.Datetime.now() + timedelta(days=29)
        )
        with self.assertRaisesRegex(UserError, "30 days after it was announced, on .* earliest"):
            draft.action_publish()
        draft.effective_at = False
        with self.assertRaisesRegex(UserError, "at the earliest"):
            draft.action_publish()

    def test_W8_the_mailing_comes_30_days_before(self):
        announcement = self._announce(effective_at=fields.Datetime.now() + timedelta(days=29))
        with self.assertRaisesRegex(UserError, "too soon"):
            announcement.action_start()
        self.assertEqual((announcement.state, announcement.started_at), ("draft", False))
        self.assertFalse(announcement.recipient_ids)

    def test_C6_what_was_not_announced_does_not_take_effect(self):
        self._opt_in(self.partner)
        notice = self._material()
        self.assertEqual(notice.stage, "unannounced")
        self._pass_days(60)
        self.assertEqual(notice.stage, "unannounced")
        self.assertEqual(self.Notice._get_published(self.controller), self.notice)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_C6_announced_too_late_it_waits_for_its_30_days(self):
        notice = self._material()
        self._pass_days(60)
        announcement = self._announce(notice)
        announcement.action_start()
        self.assertEqual(notice.effective_at, announcement.effective_at)
        self.assertEqual(notice.stage, "scheduled")
        self._pass_days(29)
        self.assertEqual(self.Notice._get_published(self.controller), self.notice)
        self._pass_days(12)
        self.assertEqual(self.Notice._get_published(self.controller), notice)

    def test_W8_an_earlier_date_is_refused_with_the_earliest(self):
        announcement = self._announce(self._material())
        announcement.action_start()
        before = announcement.effective_at
        with self.assertRaisesRegex(UserError, "takes effect on .* at the earliest"):
            announcement.effective_at = before - timedelta(days=5)
        announcement.effective_at = before + timedelta(days=5)
        self.assertEqual(announcement.notice_id.effective_at, before + timedelta(days=5))
        self._pass_days(50)
        with self.assertRaisesRegex(UserError, "taken effect already"):
            announcement.effective_at = fields.Datetime.now() + timedelta(days=90)

    # -- who is told -------------------------------------------------------------------------------

    def test_A10_everybody_concerned_is_told_once(self):
        customers = self._create_customers(3)
        for customer in customers:
            self._opt_in(customer, self.purpose_invoice)
        self._withdraw(customers[0])
        portal = self._create_user("portal_customer", "base.group_portal", email="p@example.com")
        stranger = self._create_partner("Never asked", "+919876599999", email="n@example.com")
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        self._run_cron()
        self.assertEqual(announcement.recipient_ids.partner_id, customers | portal.partner_id)
        self.assertEqual(set(announcement.sudo().recipient_ids.mapped("state")), {"sent"})
        told = [to for to, body in self.outbox if "another carrier" in body]
        self.assertEqual(len(told), 4)
        self.assertEqual(len(set(told)), 4)
        self.assertNotIn(stranger.email, " ".join(to for to, _body in self.outbox))
        self.assertEqual((announcement.state, announcement.progress), ("done", 100))
        self.assertEqual((announcement.told_count, announcement.untold_count), (4, 0))
        body = next(body for _to, body in self.outbox if customers[1].name in body)
        self.assertIn("We use another carrier.", body)
        self.assertIn(self.company._ajw_notice_url(announcement.notice_id).split("?")[0], body)

    def test_A10_who_agrees_after_the_mailing_is_told_too(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        late = self._create_customers(1)
        self._opt_in(late)
        self._run_cron()
        self.assertEqual(self._row(announcement, late).state, "sent")
        self.assertEqual(len(self.outbox), 2)

    def test_two_contacts_with_one_address_get_one_mail(self):
        twin = self._create_partner("Twin", "+919876540007", email=self.partner.email)
        self._opt_in(self.partner)
        self._opt_in(twin)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        self.assertEqual(len(self.outbox), 1)
        self.assertEqual(set(announcement.sudo().recipient_ids.mapped("state")), {"sent"})

    def test_W2_people_of_another_company_are_not_told(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self.env["ajw.consent.subject"]._find_or_create(other, self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self.assertFalse(announcement.recipient_ids)
        foreign = self._announce(user=self.env.user, company_id=other.id)
        with self.assertRaises(AccessError):
            foreign.with_user(self.officer).action_start()

    # -- per person --------------------------------------------------------------------------------

    def test_C6_it_takes_effect_for_those_who_were_told_only(self):
        told, untold = self._create_customers(2)
        for customer in (told, untold):
            self._opt_in(customer)
        untold.email = False
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        self.assertEqual(self._row(announcement, untold).state, "no_email")
        self._pass_days(20)
        self.assertTrue(self._ask_gate(told).allowed, "not before its day")
        self._pass_days(21)
        self.assertEqual(self._ask_gate(told).reason, "notice_changed")
        self.assertTrue(self._ask_gate(untold).allowed, "the former version stays for them")
        # Told later: 30 days from then.
        untold.email = "late@example.com"
        announcement.action_retry()
        self._run_cron()
        self.assertEqual(self._row(announcement, untold).state, "sent")
        self._pass_days(29)
        self.assertTrue(self._ask_gate(untold).allowed)
        self._pass_days(3)
        self.assertEqual(self._ask_gate(untold).reason, "notice_changed")

    def test_C6_a_mail_that_waited_too_long_counts_from_when_it_left(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        row = self._row(announcement)
        row.write({"state": "queued", "told_at": False})
        self._pass_days(38)
        row._mark_told("sent")
        self.assertGreaterEqual(row.effective_at, row.told_at + timedelta(days=30))

    # -- what goes wrong ---------------------------------------------------------------------------

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_each_delivery_is_recorded(self):
        customers = self._create_customers(3)
        for customer in customers:
            self._opt_in(customer)
        self.unreachable = {customers[1].email}
        customers[2].email = False
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        states = {row.partner_id: row.state for row in announcement.sudo().recipient_ids}
        self.assertEqual(states, dict(zip(customers, ("sent", "failed", "no_email"), strict=True)))
        failed = self._row(announcement, customers[1])
        self.assertTrue(failed.failure_reason)
        self.assertFalse(failed.told_at)
        self.assertEqual(announcement.untold_count, 2)
        untold = self.Recipient.with_user(self.officer).search(
            announcement.action_open_untold()["domain"]
        )
        self.assertEqual(untold.partner_id, customers[1] | customers[2])
        self.assertTrue(all(untold.mapped("what_to_do")))
        self.unreachable = set()
        announcement.action_retry()
        self._run_cron()
        self.assertEqual(failed.state, "sent")
        self.assertEqual(len(self.outbox), 2, "who was told is not told again")

    def test_a_mail_that_comes_back_told_nobody(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        row = self._row(announcement)
        self.assertTrue(row.told_at)
        self.env["mail.thread"]._routing_handle_bounce(
            None,
            {
                "bounced_email": row.email,
                "bounced_partner": self.partner,
                "bounced_msg_ids": [row.message_ref],
                "bounced_message": self.env["mail.message"],
                "email_from": "daemon@example.com",
                "to": "desk@ledger-trading.example",
                "message_id": "<bounce@example.com>",
            },
        )
        self.assertEqual((row.state, row.told_at, row.effective_at), ("bounced", False, False))
        self._pass_days(60)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_a_mail_that_was_deleted_told_nobody(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_announcement").method_direct_trigger()
        self.env.invalidate_all()
        row = self._row(announcement)
        self.assertEqual(row.state, "queued")
        row.mail_id.unlink()
        self.assertEqual((row.state, row.told_at), ("failed", False))

    def test_it_goes_on_where_it_stopped(self):
        customers = self._create_customers(5)
        for customer in customers:
            self._opt_in(customer)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron_until_the_power_fails("_hand_over")
        handed = announcement.sudo().recipient_ids.filtered("handed_over_at")
        self.assertEqual(len(handed), 2)
        self._run_cron()
        self.assertEqual(len(self.outbox), 5)
        self.assertEqual(set(announcement.sudo().recipient_ids.mapped("state")), {"sent"})

    @mute_logger("odoo.addons.ajw_consent.models.ajw_consent_mail_queue")
    def test_one_person_does_not_hold_up_the_others(self):
        customers = self._create_customers(3)
        for customer in customers:
            self._opt_in(customer)
        announcement = self._announce(self._material())
        announcement.action_start()
        rows = type(self.Recipient)
        create_mails = rows._create_mails

        def breaks(records):
            if customers[1] in records.partner_id:
                raise ValueError("broken template")
            create_mails(records)

        with patch.object(rows, "_create_mails", breaks):
            self._run_cron()
        self.assertEqual(self._row(announcement, customers[1]).state, "failed")
        self.assertNotIn("broken template", self._row(announcement, customers[1]).failure_reason)
        self.assertEqual(len(self.outbox), 2)

    def test_told_otherwise(self):
        self.partner.email = False
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        row = self._row(announcement).with_user(self.officer)
        row.action_told_otherwise()
        self.assertEqual(row.state, "told")
        self.assertIn(self.officer.name, row.note)
        self.assertGreaterEqual(row.effective_at, row.told_at + timedelta(days=30))
        with self.assertRaisesRegex(UserError, "could not be told"):
            row.action_told_otherwise()

    # -- bad input ---------------------------------------------------------------------------------

    def test_all_that_is_missing_is_said_at_once(self):
        announcement = self._announce(
            summary=" ", policy_url=False, effective_at=fields.Datetime.now()
        )
        with self.assertRaises(UserError) as caught:
            announcement.action_start()
        for part in ("what changes", "link to the new policy", "too soon"):
            self.assertIn(part, str(caught.exception))

    def test_only_material_originals_are_announced(self):
        with self.assertRaisesRegex(ValidationError, "published original"):
            self._announce(self.notice)
        with self.assertRaisesRegex(UserError, "Only a published version"):
            self.notice.with_user(self.officer).action_announce()

    def test_links_are_links(self):
        with self.assertRaisesRegex(ValidationError, "https"):
            self._announce(policy_url="javascript:alert(1)")

    def test_begun_is_begun(self):
        announcement = self._announce(self._material())
        announcement.action_start()
        for vals in (
            {"summary": "x"},
            {"state": "draft"},
            {"started_at": False},
            {"notice_id": False},
        ):
            with self.assertRaises(UserError, msg=str(vals)):
                announcement.write(vals)
        with self.assertRaises(UserError):
            announcement.unlink()
        with self.assertRaisesRegex(UserError, "begun already"):
            announcement.action_start()
        with self.assertRaises(UserError):
            self._announce(state="done")

    def test_cancelled_does_not_take_effect(self):
        self._opt_in(self.partner)
        notice = self._material()
        announcement = self._announce(notice)
        announcement.action_start()
        announcement.action_cancel()
        self._run_cron()
        self.assertFalse(self.outbox)
        self._pass_days(60)
        self.assertEqual(notice.stage, "unannounced")
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_W8_a_cancelled_announcement_commands_nothing_any_more(self):
        self._opt_in(self.partner)
        notice = self._material()
        first = self._announce(notice)
        first.action_start()
        self._run_cron()
        first.action_cancel()
        self.env.flush_all()
        second = self._announce(notice, effective_at=fields.Datetime.now() + 2 * DAYS_40)
        second.action_start()
        before = notice.effective_at, notice.announced_at
        with self.assertRaisesRegex(UserError, "stays as it is"):
            first.effective_at = fields.Datetime.now() + DAYS_40
        with self.assertRaisesRegex(UserError, "cancelled already"):
            first.action_cancel()
        self.assertEqual((notice.effective_at, notice.announced_at), before)
        self.assertEqual(second.state, "sending")
        # Told by the first one, which was called off: nobody's consent ends by that.
        self._pass_days(60)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def _cancelled_after(self, customers):
        for customer in customers:
            self._opt_in(customer)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        self.outbox.clear()
        announcement.action_cancel()
        return announcement

    def test_W8_whoever_was_told_is_told_that_it_is_cancelled(self):
        first, twin, second, untold = customers = self._create_customers(4)
        twin.email = first.email
        untold.email = False
        announcement = self._cancelled_after(customers)
        self.assertEqual(announcement.unrecalled_count, 3)
        self._run_cron()
        recipients = " ".join(sorted(recipient for recipient, _body in self.outbox))
        self.assertEqual(len(self.outbox), 2)
        self.assertRegex(recipients, f"{first.email}.*{second.email}")
        for _recipient, body in self.outbox:
            self.assertIn("does not take effect", body)
        rows = announcement.sudo().recipient_ids
        told = rows.filtered(lambda row: row.partner_id != untold)
        self.assertEqual(set(told.mapped("state")), {"sent"}, "that they were told stays on record")
        self.assertEqual(set(told.mapped("recall_state")), {"sent"})
        self.assertTrue(all(told.mapped("recalled_at")))
        self.assertFalse((rows - told).recall_state, "who was told nothing is told nothing")
        self.assertFalse(announcement.unrecalled_count)
        self._run_cron()
        self.assertEqual(len(self.outbox), 2, "once")

    def test_W8_a_cancellation_goes_out_in_batches_and_over_several_runs(self):
        announcement = self._cancelled_after(self._create_customers(5))
        self._run_cron_until_the_power_fails("_hand_over_recalls")
        handed = announcement.sudo().recipient_ids.filtered(
            lambda row: row.recall_state == "leaving"
        )
        self.assertEqual(len(handed), 2)
        self._run_cron()
        self.assertEqual(len(self.outbox), 5, "each once")
        self.assertFalse(announcement.unrecalled_count)

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_W8_a_cancellation_that_does_not_arrive_is_said_and_tried_again(self):
        customers = self._create_customers(2)
        announcement = self._cancelled_after(customers)
        self.unreachable = {customers[0].email}
        self._run_cron()
        self.assertEqual(len(self.outbox), 1)
        failed, told = (self._row(announcement, customer) for customer in customers)
        self.assertEqual((failed.recall_state, told.recall_state), ("failed", "sent"))
        self.assertEqual((failed.state, announcement.unrecalled_count), ("sent", 1))
        self.assertIn("Try again", failed.what_to_do)
        action = announcement.action_open_untold()
        self.assertEqual(self.Recipient.search(action["domain"]), failed)
        customers[0].email = "corrected@example.com"
        announcement.action_retry()
        self.assertEqual(announcement.state, "cancelled")
        self._run_cron()
        self.assertEqual(len(self.outbox), 2)
        self.assertIn("corrected@example.com", self.outbox[-1][0])
        self.assertEqual((failed.recall_state, announcement.unrecalled_count), ("sent", 0))

    def test_W8_who_was_told_by_post_is_told_of_the_cancellation_likewise(self):
        self.partner.email = False
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        row = self._row(announcement).with_user(self.officer)
        row.action_told_otherwise()
        announcement.action_cancel()
        self._run_cron()
        self.assertFalse(self.outbox)
        self.assertEqual((row.recall_state, announcement.unrecalled_count), ("failed", 1))
        row.action_told_otherwise()
        self.assertEqual((row.recall_state, announcement.unrecalled_count), ("sent", 0))
        self.assertTrue(row.recalled_at)

    def test_what_is_over_costs_the_scheduled_action_nothing(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self._run_cron()
        self._pass_days(60)
        settled = []
        with patch.object(
            type(self.Announcement), "_settle", lambda rows: settled.append(rows.ids)
        ):
            self._run_cron()
        self.assertEqual(settled, [[]])
        self.assertEqual(announcement.state, "done")

    def test_a_draft_that_was_cancelled_stays_so(self):
        announcement = self._announce(self._material())
        announcement.action_cancel()
        with self.assertRaisesRegex(UserError, "stays as it is"):
            announcement.effective_at = fields.Datetime.now() + 2 * DAYS_40

    def test_a_copy_of_the_database_tells_nobody(self):
        self._opt_in(self.partner)
        announcement = self._announce(self._material())
        announcement.action_start()
        self.env.flush_all()
        for query in get_neutralization_queries(["ajw_consent"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self._run_cron()
        self.assertFalse(self.outbox)
        self.assertEqual(announcement.state, "cancelled")
        self.assertEqual(self._row(announcement).state, "cancelled")

    def test_a_version_is_announced_once(self):
        notice = self._material()
        self._announce(notice)
        action = notice.with_user(self.officer).action_announce()
        self.assertEqual(action["res_id"], notice.announcement_ids.id)
        with self.assertRaises(UniqueViolation), mute_logger("odoo.sql_db"), self.cr.savepoint():
            self._announce(notice)

    def test_T9_another_policy_can_be_announced(self):
        self._opt_in(self.partner)
        self._announce().action_start()
        self._run_cron()
        self.assertIn("https://example.com/p", self.outbox[0][1])

    def test_users_may_look_and_not_send(self):
        announcement = self._announce()
        for method in ("action_start", "action_cancel", "action_retry"):
            with self.assertRaises(AccessError):
                getattr(announcement.with_user(self.consent_user), method)()
        with self.assertRaises(AccessError):
            self.Recipient.with_user(self.consent_user).search([])
