from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common import WhatsappCommon
from .document_common import DocumentCommon

STRANGER = "919812345678"


@tagged("post_install", "-at_install")
class TestCardConfirmation(WhatsappCommon):
    """A till card's opt-in counts only after a message from that number."""

    def setUp(self):
        super().setUp()
        self.account.display_phone_number = "+91 88000 00000"
        self.Invitation = self.env["ajw.consent.invitation"]
        self.purposes = self.purpose_invoice | self.purpose_order

    def _request(self, number=f"+{STRANGER}", **values):
        arguments = {
            "company": self.company,
            "number": number,
            "name": "Eve Example",
            "purpose_ids": self.purposes.ids,
            "notice_digest": self.notice.digest,
            "lang": "en_US",
            "ip": "203.0.113.9",
            **values,
        }
        problem, code = self.Invitation._request_by_card(**arguments)
        self.assertEqual(problem, "")
        row = self.Invitation.search([("source", "=", "card")], order="id desc", limit=1)
        return row, code

    def _events(self):
        return self.env["ajw.consent.event"].search_count([])

    def _say(self, text, number=STRANGER, wamid="wamid.code"):
        event = self._report(self._inbound(text, wamid=wamid, number=number))
        self._run_webhooks()
        return event

    def test_A1_message_from_the_number_records_the_opt_in(self):
        row, code = self._request()
        before = self._events()
        event = self._say(f"Yes, I agree: {code.lower()}")
        self.assertEqual((event.state, row.state), ("done", "answered"))
        partner = row.partner_id
        self.assertEqual((partner.name, partner.phone_sanitized), ("Eve Example", f"+{STRANGER}"))
        self.assertEqual(partner.company_id, self.controller)
        self.assertIn("till card", str(partner.message_ids.mapped("body")))
        for purpose in self.purposes:
            self.assertTrue(self._ask_gate(partner, purpose).allowed)
        self.assertFalse(self._ask_gate(partner, self.purpose_marketing).allowed)
        self.assertEqual(self._events() - before, 4)
        self.assertEqual(
            row.event_ids.mapped(lambda each: (each.kind, each.method)),
            [("confirmed", "whatsapp_message")] * 2 + [("given", "qr_code")] * 2,
        )
        evidence = self.env["ajw.consent.evidence"].search(
            [("event_id", "in", row.event_ids.ids), ("ip", "!=", False)]
        )
        self.assertEqual(set(evidence.mapped("ip")), {"203.0.113.9"})
        self.assertIn("confirmed by a WhatsApp message", evidence[0].note)
        self.assertTrue(all(evidence.mapped("is_intact")))
        self.assertFalse(self.meta.calls, "nothing is sent")

    def test_known_number_is_nobody_new(self):
        self._withdraw(self.partner)
        row, code = self._request(self.number)
        contacts = self.env["res.partner"].search_count([])
        self._say(code, number=self.number[1:])
        self.assertEqual(row.partner_id, self.partner)
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)
        # Messages of the same second as a withdrawal do not undo it; see the fold.
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)

    def test_of_several_contacts_the_named_one(self):
        eve = self._create_partner("EVE  example", f"+{STRANGER}")
        bob = self._create_partner("Bob", f"+{STRANGER}")
        row, code = self._request()
        self._say(code)
        self.assertEqual((row.state, row.partner_id), ("answered", eve))
        self.assertTrue(self._ask_gate(eve).allowed)
        self.assertFalse(self._ask_gate(bob).allowed)

    def test_of_several_contacts_none_matches_or_said_no(self):
        self._create_user("card_officer", "ajw_consent.group_officer")
        eve = self._create_partner("Eve Example", f"+{STRANGER}")
        bob = self._create_partner("Bob", f"+{STRANGER}")
        self.env["ajw.consent.event"]._record(
            self.controller, eve, self.purposes, "whatsapp", f"+{STRANGER}", "refused", "spoken"
        )
        before = self._events()
        for name, wamid in (("Eve Example", "wamid.a"), ("Carol", "wamid.b"), ("", "wamid.c")):
            row, code = self._request(name=name)
            event = self._say(code, wamid=wamid)
            self.assertEqual(event.error, "code_of_several_contacts")
            self.assertEqual((row.state, row.partner_id.id), ("cancelled", False))
        self.assertEqual(self._events(), before)
        todo = (eve | bob).activity_ids
        self.assertEqual(len(todo), 3)
        self.assertTrue(all(u.has_group("ajw_consent.group_officer") for u in todo.user_id))

    def test_a_message_of_in_time_that_arrives_late_counts(self):
        row, code = self._request()
        row.expires_at = fields.Datetime.now() - timedelta(hours=5)
        sent = int((fields.Datetime.now() - timedelta(hours=6)).timestamp())
        payload = self._inbound(code, wamid="wamid.x", number=STRANGER, timestamp=str(sent))
        self._report(payload)
        self._run_webhooks()
        self.assertEqual(row.state, "answered")
        self.assertTrue(self._ask_gate(row.partner_id).allowed)

    def test_A1_wrong_number_confirms_nothing(self):
        row, code = self._request()
        before, contacts = self._events(), self.env["res.partner"].search_count([])
        self._say(code, number="919800000001")
        self.assertEqual((row.state, self._events()), ("unconfirmed", before))
        self.assertEqual(self.env["res.partner"].search_count([]), contacts)
        self._say(code, wamid="wamid.right")
        self.assertEqual(row.state, "answered")

    def test_A1_used_expired_and_foreign_codes_confirm_nothing(self):
        row, code = self._request()
        self._say(code)
        self._withdraw(row.partner_id, self.purposes)
        before = self._events()
        self._say(code, wamid="wamid.again")
        self.assertEqual(self._events(), before)
        self.assertEqual(self._ask_gate(row.partner_id).reason, "withdrawn")
        row, code = self._request("+919811111111")
        row.expires_at = fields.Datetime.now() - timedelta(seconds=1)
        event = self._say(code, number="919811111111", wamid="wamid.late")
        self.assertEqual((event.error, self._events()), ("code_expired", before))
        other = self.env["res.company"].create({"name": "Other Controller"})
        row, code = self._request("+919822222222")
        self.assertIsNone(
            self.Invitation._confirm_by_message(other, "+919822222222", code, fields.Datetime.now())
        )
        self._say("I agree", number="919822222222", wamid="wamid.word")
        self._say("ABCD-EFGH", number="919822222222", wamid="wamid.guess")
        self.assertEqual((row.state, self._events()), ("unconfirmed", before))

    def test_what_nobody_confirmed_is_emptied(self):
        row, _code = self._request()
        row.expires_at = fields.Datetime.now() - timedelta(days=6)
        self.Invitation._gc_expired()
        self.assertEqual(row.state, "unconfirmed", "Meta may still deliver the message")
        row.expires_at = fields.Datetime.now() - timedelta(days=8)
        self.Invitation._gc_expired()
        self.assertEqual(
            (row.state, row.address, row.name, row.ip), ("expired", False, False, False)
        )

    def test_no_connected_account_no_card(self):
        self.account.state = "draft"
        self.assertIn("connected WhatsApp account", self.company._ajw_card_problem())
        problem, code = self.Invitation._request_by_card(
            self.company, self.number, "", self.purposes.ids, self.notice.digest, "en_US", ""
        )
        self.assertEqual((problem, code), ("unavailable", ""))
        self.account.state = "connected"
        form = Form(self.env["ajw.consent.card"].with_user(self.user))
        self.assertFalse(form.problem)
        action = form.save().action_print()
        self.assertEqual(action["report_name"], "ajw_consent.card_document")

    def test_landline_cannot_be_invited(self):
        desk = self._create_partner("Front desk", "+914423456789", email="desk@example.com")
        screened = self.Invitation._screen(self.controller, desk, self.purposes)
        self.assertEqual(screened[desk.id].reason, "no_number")


@tagged("post_install", "-at_install")
class TestInvoiceCode(DocumentCommon):
    """The opt-in code on the printed invoice."""

    def setUp(self):
        super().setUp()
        self.company.ajw_consent_qr_on_invoice = True
        self.account.display_phone_number = "+91 88000 00000"

    def _html(self, invoices):
        html, _type = self.env["ir.actions.report"]._render_qweb_html(
            "account.report_invoice", invoices.ids
        )
        return html.decode()

    def test_A1_code_for_those_who_have_not_answered(self):
        fresh = self._create_partner("Fresh", "+919876541111")
        no_number = self._create_partner("No number", False)
        refused = self._create_partner("Refused", "+919876542222")
        agreed = self._create_partner("Agreed", "+919876543333")
        self._withdraw(refused)
        self._opt_in(agreed)
        invoices = {
            partner: self._create_invoice(partner)
            for partner in (fresh, no_number, refused, agreed)
        }
        self.env.flush_all()
        before = self._rows()
        shown = {
            partner.name: 'id="ajw_opt_in"' in self._html(invoice)
            for partner, invoice in invoices.items()
        }
        self.assertEqual(
            shown, {"Fresh": True, "No number": False, "Refused": False, "Agreed": False}
        )
        html = self._html(invoices[fresh])
        self.assertIn('src="data:image/png;base64,', html)
        self.assertEqual(self._rows(), before, "printing writes nothing")
        self.company.ajw_consent_qr_on_invoice = False
        self.env.invalidate_all()
        self.assertNotIn('id="ajw_opt_in"', self._html(invoices[fresh]))

    def _rows(self):
        return [
            self.env[name].search_count([])
            for name in ("ajw.consent.invitation", "ajw.consent.event", "ajw.consent.subject")
        ]

    def test_A5_no_code_for_a_second_entry_of_who_said_no(self):
        refused = self._create_partner("Refused", "+919876542222")
        self._withdraw(refused)
        twin = self._create_partner("Twin", "+919876542222")
        self.assertNotIn('id="ajw_opt_in"', self._html(self._create_invoice(twin)))

    def test_no_code_without_a_number_to_confirm_to(self):
        invoice = self._create_invoice(self._create_partner("Fresh", "+919876541111"))
        self.assertIn('id="ajw_opt_in"', self._html(invoice))
        self.account.state = "draft"
        self.env.invalidate_all()
        self.assertNotIn('id="ajw_opt_in"', self._html(invoice))

    def test_A6_nobody_reads_the_link(self):
        invoice = self._create_invoice(self._create_partner("Fresh", "+919876541111"))
        with self.assertRaises(AccessError):
            invoice.with_user(self.billing).read(["ajw_opt_in_url"])
        self.assertIn("data:image", invoice.with_user(self.billing)._ajw_opt_in_qr())

    def test_code_leads_to_the_answer(self):
        fresh = self._create_partner("Fresh", "+919876541111")
        invoice = self._create_invoice(fresh)
        token = invoice.ajw_opt_in_url.rpartition("/")[2]
        self.assertNotIn("9876541111", token)
        problem, code = self.env["ajw.consent.invitation"]._request_by_invoice(
            token, self.purpose_invoice.ids, self.notice.digest, "en_US", ""
        )
        self.assertEqual(problem, "")
        self.assertFalse(self._ask_gate(fresh).allowed)
        remark = self.env["ajw.consent.invitation"]._confirm_by_message(
            self.controller, "+919876541111", f"Yes: {code}", fields.Datetime.now()
        )
        self.assertEqual(remark, "")
        self.assertTrue(self._ask_gate(fresh).allowed)
        invoice.invalidate_recordset()
        self.assertFalse(invoice.ajw_opt_in_url)

    def test_queries_do_not_grow_with_the_batch(self):
        def queries(invoices):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            invoices.mapped("ajw_opt_in_url")
            return self.env.cr.sql_log_count - before

        partners = [self._create_partner(f"P{i}", f"+9198765411{i:02}") for i in range(12)]
        invoices = self.env["account.move"].union(
            *(self._create_invoice(partner) for partner in partners)
        )
        queries(invoices[:2])
        self.assertEqual(queries(invoices[2:4]), queries(invoices[4:]))
