"""Consents for other channels than WhatsApp are asked about by email, and renewed on the page."""

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from .common import ConsentCommon

EMAIL = "channels@example.com"


@tagged("-at_install", "post_install")
class TestRenewalChannels(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.notice = cls._publish_notice(
            for_email=True,
            for_sms=True,
            body="I agree that Ledger Trading sends me messages over WhatsApp, email and SMS.",
        )
        cls.controller.ajw_consent_renewal_days = 20
        cls.purpose_invoice.validity_months = 12
        cls.partner.email = EMAIL
        cls.sms = cls._agree("sms", cls.number)
        cls.email = cls._agree("email", EMAIL)
        cls.soon = cls.sms.expires_at - timedelta(days=10)

    @classmethod
    def _agree(cls, channel, address, partner=None, **kwargs):
        partner = partner or cls.partner
        event = cls.env["ajw.consent.event"]._record(
            cls.controller,
            partner,
            cls.purpose_invoice,
            channel,
            address,
            "given",
            "in_person",
            notice=cls.notice,
            **kwargs,
        )
        return cls.env["ajw.consent.state"].search([("event_id", "=", event.id)])

    def _run_life(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_life").method_direct_trigger()
        self.env.invalidate_all()

    def _links(self):
        return self.env["ajw.consent.preference.link"].search(
            [("company_id", "=", self.company.id)], order="id"
        )

    def test_A5_one_email_for_all_channels_and_once(self):
        with freeze_time(self.soon - timedelta(days=30)):
            self._run_life()
            self.assertFalse(self._links(), "not so early")
        with freeze_time(self.soon):
            self._run_life()
            self._run_life()
        link = self._links()
        self.assertEqual(
            (len(link), link.email, link.partner_id), (1, EMAIL, self.partner), "one for both"
        )
        self.assertIn("go on", link.mail_id.subject)
        self.assertIn("/ajw_consent/preferences/", link.answer_url)
        self.assertTrue(self.sms.renewal_asked_at and self.email.renewal_asked_at)
        self.assertFalse(
            self.env["ajw.consent.invitation"].search([("partner_id", "=", self.partner.id)])
        )

    def test_A5_agreeing_on_the_page_renews(self):
        with freeze_time(self.soon):
            self._run_life()
            link = self._links()
            preference = self.env["ajw.consent.preference"]
            choices = preference._choices(self.controller, self.partner, notice=self.notice)
            ending = [choice for choice in choices if choice.reason == "ending"]
            self.assertEqual({choice.channel for choice in ending}, {"sms", "email"})
            for choice in ending:
                self.assertTrue(choice.can_give and choice.can_withdraw)
                self.assertFalse(choice.can_refuse)
                self.assertIn("ends soon", preference._statements()[choice.reason])
            key = next(choice.key for choice in ending if choice.channel == "sms")
            outcome = link._answer("give", [key], self.notice, "192.0.2.1")
            self.assertEqual(outcome.problem, "")
            event = outcome.events
            self.assertEqual(
                (event.kind, event.method, event.channel, event.notice_id),
                ("renewed", "email_link", "sms", self.notice),
            )
            evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
            self.assertEqual((evidence.ip, evidence.is_intact), ("192.0.2.1", True))
        end = self.email.expires_at
        self.assertGreater(self.sms.expires_at, end)
        with freeze_time(end + timedelta(days=1)):
            answers = {
                channel: self.env["ajw.consent.gate"]
                ._check(self.controller, self.purpose_invoice, channel, [(self.partner.id, to)])[
                    self.partner.id, to
                ]
                .reason
                for channel, to in (("sms", self.number), ("email", EMAIL))
            }
        self.assertEqual(answers, {"sms": "ok", "email": "expired"})

    def test_A5_a_mail_that_did_not_leave_asked_nobody(self):
        with freeze_time(self.soon):
            self._run_life()
            link = self._links()
            link.mail_id._postprocess_sent_message(
                [], [], failure_reason="No such mailbox", failure_type="mail_smtp"
            )
            self.assertEqual(link.state, "failed")
            self.assertFalse(self.sms.renewal_asked_at or self.email.renewal_asked_at)
            self._run_life()
            again = self._links() - link
            self.assertEqual((len(again), link.state), (1, "cancelled"), "asked once more")
            self.assertTrue(self.sms.renewal_asked_at)
            again.mail_id.unlink()
            self.assertFalse(self.sms.renewal_asked_at or self.email.renewal_asked_at)

    def test_A9_asking_leaves_the_link_to_withdraw_with(self):
        links = self.env["ajw.consent.preference.link"]
        with freeze_time(self.soon):
            answered = links._make(self.controller, self.partner, "qr_code")
            answered.state = "answered"
            self._run_life()
        self.assertEqual(len(self._links()), 2)
        self.assertEqual(answered.state, "answered")

    def test_A5_who_was_merged_goes_on_with_one_answer(self):
        twin = self._create_partner("Twin", self.number)
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            self._agree("sms", self.number, twin)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((twin | self.partner).ids, self.partner)
        self.env.invalidate_all()
        preference = self.env["ajw.consent.preference"]
        states = self.partner.ajw_consent_state_ids.filtered(lambda state: state.channel == "sms")
        self.assertEqual(len(states), 2)
        later = max(states.mapped("expires_at")) + timedelta(days=10)
        with freeze_time(min(states.mapped("expires_at")) - timedelta(days=5)):
            renewals = states._to_renew(self.controller, self.partner, "sms", self.number)
            self.assertEqual(len(renewals), 1, "one question")
            outcome = preference._decide(
                *(self.controller, self.partner, "give", [f"{self.purpose_invoice.id}-sms"]),
                *("portal", self.notice),
            )
            self.assertEqual(outcome.problem, "")
            self.assertEqual(set(outcome.events.mapped("kind")), {"renewed"})
            choices = preference._choices(self.controller, self.partner, notice=self.notice)
            reasons = [c.reason for c in choices if c.key == f"{self.purpose_invoice.id}-sms"]
            self.assertEqual(reasons, ["ok"])
        with freeze_time(later):
            answer = self.env["ajw.consent.gate"]._check(
                self.controller, self.purpose_invoice, "sms", [(self.partner.id, self.number)]
            )
        self.assertEqual(answer[self.partner.id, self.number].reason, "ok")

    def test_what_is_far_from_its_end_is_not_offered(self):
        choices = self.env["ajw.consent.preference"]._choices(
            self.controller, self.partner, notice=self.notice
        )
        self.assertNotIn("ending", {choice.reason for choice in choices})

    def test_a_documents_box_renews_nothing(self):
        preference = self.env["ajw.consent.preference"]
        with freeze_time(self.soon):
            choices = preference._choices(self.controller, self.partner, notice=self.notice)
            ending = [choice for choice in choices if choice.reason == "ending"]
            self.assertTrue(ending)
            self.assertFalse([choice for choice in ending if preference._open_to(choice)])

    def test_A5_whom_no_email_reaches(self):
        restriction = self.env["ajw.consent.restriction"]
        other = self.env["res.company"].create({"name": "Other Controller"})
        for what, close in {
            "no email": lambda: self.partner.write({"email": False}),
            "mail blacklist": lambda: self.env["mail.blacklist"].create({"email": EMAIL}),
            "minor": lambda: self.partner.write({"ajw_consent_minor": True}),
            "archived": lambda: self.partner.write({"active": False}),
            "other company": lambda: self.partner.write({"company_id": other.id}),
            "no renewals": lambda: self.controller.write({"ajw_consent_renewal_days": 0}),
            "restricted": lambda: restriction._restrict(self.controller, self.partner, "Contested"),
            "said no": lambda: [
                self.env["ajw.consent.event"]._withdraw_address(
                    self.controller, channel, address, "spoken"
                )
                for channel, address in (("sms", self.number), ("email", EMAIL))
            ],
        }.items():
            with self.subTest(what=what):
                savepoint = self.env.cr.savepoint(flush=True)
                with freeze_time(self.soon):
                    close()
                    self._run_life()
                self.assertFalse(self._links(), what)
                savepoint.close(rollback=True)
                self.env.invalidate_all()
        with freeze_time(self.soon):
            self._run_life()
        self.assertTrue(self._links(), "it was none of the above")

    def test_a_minors_consent_is_the_guardians_to_renew(self):
        young = self._create_partner("Young", "+919876543255", ajw_consent_minor=True)
        self._agree(
            "sms", "+919876543255", young, given_by="guardian", evidence={"guardian": "Parent"}
        )
        with freeze_time(self.soon):
            choices = self.env["ajw.consent.preference"]._choices(
                self.controller, young, notice=self.notice
            )
        self.assertNotIn("ending", {choice.reason for choice in choices})

    def _queries(self, first, count):
        """Queries of asking so many people."""
        for number in range(first, first + count):
            partner = self._create_partner(
                f"P{number}", f"+9198763{number:05}", email=f"p{number}@example.com"
            )
            self._agree("sms", partner.phone_sanitized, partner)
        states = (
            self.env["ajw.consent.state"]
            .search([("company_id", "=", self.company.id), ("partner_id.name", "=like", "P%")])
            .filtered(lambda state: not state.renewal_asked_at)
        )
        with freeze_time(self.soon):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            asked = states._renewable_elsewhere(self.controller, states, self.notice)
            used = self.env.cr.sql_log_count - before
        self.assertEqual(len(asked), count)
        asked._note_asked(fields.Datetime.now())
        return used

    def test_choosing_takes_no_query_per_person(self):
        self._queries(0, 2)
        few = self._queries(10, 2)
        self.assertLessEqual(self._queries(20, 12), few)
