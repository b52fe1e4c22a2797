from unittest.mock import patch

import psycopg2

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

    def test_A5_one_of_several_addresses_did_not_agree(self):
        """A mail goes to every address that stands there: each must have agreed."""
        both = f"{self.email}, second@example.com"
        self._agree()
        contact = self.env["mailing.contact"].create({"name": "Two addresses", "email": both})
        mailing = self._mailing(contact)
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "no_opt_in")
        person = self._create_partner("Both", "+919876500001", email=both)
        self._agree(partner=person, email=self.email)
        mailing = self._mailing(person)
        self.assertIn("0 of 1", mailing.action_ajw_preview()["params"]["message"])
        self.assertEqual(self._send(mailing), [])
        self._assert_left_out(mailing, "number_changed")

    def _write_out(self, mailing):
        """Write the mails of a mailing, and leave them to the queue."""
        with patch.object(type(self.env["mail.mail"]), "send", lambda *args, **kwargs: True):
            mailing.action_send_mail()
        return self.env["mail.mail"].search([("mailing_id", "=", mailing.id)])

    def _run_queue(self, mails):
        with self.mock_mail_gateway(mail_unlink_sent=False):
            self.env["mail.mail"].process_email_queue(email_ids=mails.ids)
        return sorted(address for mail in self._mails for address in mail["email_to"])

    def test_C2_withdrawn_while_mails_wait_in_the_queue(self):
        other = self._create_partner("Other", "+919876500001", email="other@example.com")
        self._agree()
        self._agree(partner=other)
        mailing = self._mailing(self.partner + other)
        mails = self._write_out(mailing)
        self.assertEqual(mails.mapped("state"), ["outgoing"] * 2)
        self._agree("withdrawn")
        sent = self._run_queue(mails)
        self.assertEqual(len(sent), 1)
        self.assertIn("other@example.com", sent[0])
        traces = {trace.res_id: trace for trace in mailing.sudo().mailing_trace_ids}
        left_out = traces[self.partner.id]
        self.assertEqual((left_out.trace_status, left_out.failure_type), ("cancel", "ajw_consent"))
        self.assertTrue(left_out.failure_reason)
        self.assertEqual(traces[other.id].trace_status, "sent")
        self.assertFalse(
            self.partner.message_ids.filtered(lambda message: "Ours" in (message.body or "")),
            "the chatter does not say that they got it",
        )

    def test_C2_changed_at_this_moment_waits(self):
        """Somebody says no while mails leave: nothing leaves, nothing is lost."""
        self._agree()
        mails = self._write_out(self._mailing())
        gate = type(self.env["ajw.consent.gate"])
        with patch.object(
            gate, "_lock_subjects", side_effect=psycopg2.errors.SerializationFailure("now")
        ):
            self.assertEqual(self._run_queue(mails), [])
        self.assertEqual(mails.mapped("state"), ["outgoing"])
        self.assertEqual(len(self._run_queue(mails)), 1)

    def test_A5_many_at_once_without_a_mailing(self):
        """From a list: who said no, or is restricted, is left out; advertising needs a yes."""
        service = self.env.ref("ajw_consent.purpose_service")
        said_no, restricted = (
            self._create_partner(name, f"+91987650000{index}", email=f"{name}@example.com")
            for index, name in enumerate(("said_no", "restricted"), 1)
        )
        self.env["ajw.consent.event"]._record(
            *(self.controller, said_no, service, "email", said_no.email, "withdrawn", "spoken")
        )
        self.env["ajw.consent.restriction"]._restrict(self.controller, restricted, "Disputed")

        def compose(**values):
            composer = self.env["mail.compose.message"].with_user(self.marketer)
            composer = composer.with_company(self.company).create(
                {
                    "composition_mode": "mass_mail",
                    "model": "res.partner",
                    "res_ids": (self.partner + said_no + restricted).ids,
                    "subject": "To all of you",
                    "body": "<p>Hello</p>",
                    **values,
                }
            )
            with self.mock_mail_gateway(mail_unlink_sent=False):
                composer._action_send_mail()
            return sorted(address for mail in self._mails for address in mail["email_to"])

        sent = compose()
        self.assertEqual(len(sent), 1)
        self.assertIn(self.email, sent[0])
        mail = self.env["mail.mail"].search([("res_id", "=", said_no.id)], limit=1)
        self.assertEqual((mail.state, mail.failure_type), ("cancel", "ajw_consent"))
        self.assertTrue(mail.failure_reason)
        self.assertEqual(compose(ajw_purpose_code="marketing"), [])
        self._agree()
        self.assertEqual(len(compose(ajw_purpose_code="marketing")), 1)

    def test_ordinary_mail_is_not_asked_about(self):
        """A mail about their own matter needs no opt-in."""
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
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            refusals = mailing._ajw_refusals(
                *mailing._ajw_asked_for(), "email", partners, addresses, lock=True
            )
            self.assertEqual(set(refusals.values()), {"no_opt_in"})
            return self.env.cr.sql_log_count - before

        ask(5)
        self.assertEqual(ask(6), ask(60))
