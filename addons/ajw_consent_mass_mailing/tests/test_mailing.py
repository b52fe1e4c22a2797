from odoo.tests import tagged

from .common import MailingCommon


@tagged("-at_install", "post_install")
class TestMailing(MailingCommon):
    """Who gets a mailing is decided by the gate; the trace says why not."""

    def _assert_left_out(self, mailing, reason):
        trace = mailing.sudo().mailing_trace_ids
        self.assertEqual(trace.trace_status, "cancel")
        self.assertEqual(trace.failure_type, "ajw_consent")
        self.assertEqual(trace.failure_reason, self.env["ajw.consent.gate"]._reason_label(reason))
        self.assertFalse(self.env["mail.mail"].search([("mailing_id", "=", mailing.id)]))

    def test_A5_nobody_who_did_not_agree(self):
        mailing = self._mailing()
        self.assertEqual(mailing.ajw_purpose_id, self.purpose_marketing)
        self.assertEqual(mailing.ajw_company_id, self.company)
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "no_opt_in")

    def test_who_agreed_gets_it(self):
        self._agree()
        mailing = self._mailing()
        self.assertIn(self.email, "".join(self._send(mailing)))
        self.assertEqual(mailing.sudo().mailing_trace_ids.trace_status, "sent")

    def test_C2_withdrawn(self):
        self._agree()
        self._agree("withdrawn")
        mailing = self._mailing()
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "withdrawn")

    def test_A5_consent_towards_another_company(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self._agree()
        mailing = self._mailing()
        mailing.sudo().ajw_company_id = other
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "no_opt_in")

    def test_A5_consent_for_another_address(self):
        self._agree(email="other@example.com")
        mailing = self._mailing()
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "number_changed")

    def test_A5_restricted(self):
        self._agree()
        self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Disputed")
        mailing = self._mailing()
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "restricted")

    def test_other_legal_basis_leaves_out_only_who_said_no(self):
        other = self._create_partner("Other", "+919876500001", email="other@example.com")
        self._agree("withdrawn", partner=other)
        self.purpose_marketing.legal_basis = "legitimate_interest"
        sent = self._send(self._mailing(self.partner + other))
        self.assertEqual(len(sent), 1)
        self.assertIn(self.email, sent[0])

    def test_A5_mailing_contact_by_address(self):
        """A contact of a mailing list is no customer record: whoever holds the address decides."""
        contacts = self.env["mailing.contact"].create(
            [{"name": name, "email": email} for name, email in (
                ("Known", f"Known <{self.email.upper()}>"), ("Stranger", "stranger@example.com"))]
        )  # fmt: skip
        self._agree()
        mailing = self._mailing(contacts)
        sent = self._send(mailing)
        self.assertEqual(len(sent), 1)
        self.assertIn(self.email, sent[0].lower())
        traces = mailing.sudo().mailing_trace_ids
        self.assertEqual(
            {trace.res_id: trace.failure_type for trace in traces},
            {contacts[0].id: False, contacts[1].id: "ajw_consent"},
        )

    def test_blacklist_of_core_still_counts(self):
        self._agree()
        self.env["mail.blacklist"].with_context(ajw_consent_no_withdrawal=True).create(
            {"email": self.email}
        )
        mailing = self._mailing()
        self.assertEqual(self._send(mailing), [])
        self.assertEqual(mailing.sudo().mailing_trace_ids.failure_type, "mail_bl")

    def test_ordinary_mail_is_not_asked_about(self):
        """A mail to one person about their own matter is no mailing."""
        composer = self.env["mail.compose.message"].with_user(self.marketer)
        composer = composer.create(
            {
                "composition_mode": "mass_mail",
                "model": "res.partner",
                "res_ids": self.partner.ids,
                "subject": "Your order",
                "body": "<p>Ready</p>",
            }
        )
        with self.mock_mail_gateway():
            composer._action_send_mail()
        self.assertEqual(len(self._mails), 1)

    def test_preview_says_who_is_left_out(self):
        other = self._create_partner("Other", "+919876500001", email="other@example.com")
        nobody = self._create_partner("Nobody", "+919876500002")
        self._agree()
        action = self._mailing(self.partner + other + nobody).action_ajw_preview()
        self.assertEqual(
            action["params"]["message"],
            "1 of 3 recipients may get it. Left out: 1 × Not asked, 1 × No usable address",
        )

    def test_queries_do_not_grow_with_the_recipients(self):
        def ask(count):
            partners = self.env["res.partner"].create(
                [{"name": f"C{i}", "email": f"c{count}_{i}@example.com"} for i in range(count)]
            )
            mailing = self._mailing(partners)
            addresses = mailing._ajw_addresses(partners)
            addressees = mailing._ajw_addressees(partners, addresses)
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            mailing._ajw_ask_gate("email", addressees, lock=True)
            return self.env.cr.sql_log_count - before

        ask(5)
        self.assertEqual(ask(6), ask(60))
