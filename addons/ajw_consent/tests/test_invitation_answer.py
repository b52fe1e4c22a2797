from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from .invitation_common import InvitationCommon


@tagged("-at_install", "post_install")
class TestInvitationAnswer(InvitationCommon):
    """What a link can record, and what it cannot."""

    def assertUnchanged(self, before):
        self.assertEqual(self._counts(), before)

    def test_A1_ticked_purposes_are_recorded_with_proof(self):
        invitation, token = self._invite_and_send()
        self.assertEqual(self._answer(token), "")
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "no_opt_in")
        self.assertEqual(invitation.state, "answered")
        event = invitation.event_ids
        self.assertEqual(
            (event.kind, event.method, event.notice_id), ("given", "email_link", self.notice)
        )
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertEqual((evidence.ip, evidence.address), ("203.0.113.7", self.number))
        self.assertTrue(evidence.is_intact)

    def test_no_means_no_and_is_sticky(self):
        invitation, token = self._invite_and_send()
        self.assertEqual(self._answer(token, "decline"), "")
        self.assertEqual(invitation.state, "refused")
        for purpose in self.purposes:
            self.assertEqual(self._ask_gate(self.partner, purpose).reason, "refused")
        before = self._counts()
        self.assertEqual(self._answer(token), "answered_before")
        self.assertUnchanged(before)
        screened = self.Invitation._screen(self.controller, self.partner, self.purposes)
        self.assertEqual(screened[self.partner.id].reason, "said_no")

    def test_nothing_ticked_records_nothing(self):
        _invitation, token = self._invite_and_send()
        before = self._counts()
        self.assertEqual(
            self._answer(token, purposes=self.env["ajw.consent.purpose"]), "nothing_ticked"
        )
        self.assertUnchanged(before)

    def test_purposes_that_were_not_asked_are_refused(self):
        _invitation, token = self._invite_and_send()
        before = self._counts()
        for purposes in (self.purpose_marketing, self.purpose_invoice | self.purpose_marketing):
            self.assertEqual(self._answer(token, purposes=purposes), "purposes_changed")
        self.assertUnchanged(before)

    def test_single_purpose_link_withdraws_what_it_gave(self):
        _invitation, token = self._invite_and_send()
        before = self._counts()
        self.assertEqual(self._answer(token, "withdraw"), "nothing_to_withdraw")
        self.assertUnchanged(before)
        self._answer(token, purposes=self.purposes)
        self.assertEqual(self._answer(token, "withdraw"), "")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        before = self._counts()
        self.assertEqual(self._answer(token, "withdraw"), "nothing_to_withdraw")
        self.assertEqual(self._answer(token), "answered_before")
        self.assertUnchanged(before)

    def test_a_link_does_not_reopen_what_was_withdrawn_since(self):
        _invitation, token = self._invite_and_send()
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", self.number, "whatsapp_message"
        )
        before = self._counts()
        self.assertEqual(self._answer(token), "purposes_changed")
        self.assertUnchanged(before)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_dead_links_change_nothing(self):
        cases = {
            "expired": lambda invitation: self._expire(invitation),
            "cancelled": lambda invitation: invitation.action_cancel(),
            "contact_gone": lambda invitation: invitation.partner_id.write({"active": False}),
            "number_changed": lambda invitation: invitation.partner_id.write(
                {"phone": "+919876547777"}
            ),
        }
        partners = self._create_customers(len(cases))
        self._invite(partners)
        self._run_sending()
        for partner, (problem, spoil) in zip(partners, cases.items(), strict=True):
            with self.subTest(problem):
                invitation = self.Invitation.search([("partner_id", "=", partner.id)])
                token = self._token_of(partner.email)
                spoil(invitation)
                before = self._counts()
                for decision in ("agree", "decline", "withdraw"):
                    self.assertEqual(self._answer(token, decision), problem)
                self.assertUnchanged(before)

    def test_merged_contact_ends_the_link(self):
        source, target = self._create_customers(2)
        _invitation, token = self._invite_and_send(source)
        target.phone = source.phone
        self.env["base.partner.merge.automatic.wizard"]._merge((source | target).ids, target)
        before = self._counts()
        self.assertEqual(self._answer(token), "cancelled")
        self.assertUnchanged(before)

    def test_garbage_is_unknown(self):
        _invitation, token = self._invite_and_send()
        before = self._counts()
        for garbage in (
            "",
            "x",
            token[:-1],
            token + "A",
            token.swapcase(),
            "A" * 5000,
            "é" * 43,
            "' OR 1=1 --",
            "AQAAAAAAAAAA",
            "%00",
        ):
            with self.subTest(garbage[:20]):
                self.assertIn(self._answer(garbage), ("unknown", "expired"))
        self.assertUnchanged(before)

    def test_superseded_notice_is_read_again(self):
        invitation, token = self._invite_and_send()
        newer = self.notice.copy({"title": "Newer wording"})
        newer.action_publish()
        before = self._counts()
        self.assertEqual(self._answer(token), "notice_changed")
        self.assertEqual(self._answer(token, notice=self.notice.copy()), "notice_changed")
        self.assertEqual(self._counts()["ajw_consent_event"], before["ajw_consent_event"])
        self.assertEqual(self._answer(token, notice=newer), "")
        self.assertEqual(invitation.notice_id, newer)

    def test_two_windows_at_once(self):
        _invitation, token = self._invite_and_send()
        self.assertEqual(self._answer(token), "")
        before = self._counts()
        self.assertEqual(self._answer(token, "decline"), "answered_before")
        self.assertUnchanged(before)

    def test_another_spelling_of_a_link_is_unknown(self):
        self._connect()
        for token in (self._invite_and_send()[1], self._qr()):
            self.assertEqual(self.Invitation._resolve(token).problem, "")
            last = chr(ord(token[-1]) + 1)
            for other in (token + "=", token[:9] + "." + token[9:], " " + token, token[:-1] + last):
                self.assertIn(self.Invitation._resolve(other).problem, ("unknown", "expired"))

    # --- QR code on paper ---

    def _connect(self):
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: "918800000")

    def _qr(self, partner=None, company=None):
        partner = partner or self.partner
        return self.Invitation._qr_token(company or self.company, partner, partner.phone_sanitized)

    def _tick(self, token, purposes=None, notice=None):
        return self.Invitation.with_user(self.env.ref("base.public_user"))._request_by_invoice(
            token,
            (purposes or self.purpose_invoice).ids,
            (notice or self.notice).digest,
            "en_US",
            "203.0.113.7",
        )

    def _confirm(self, code, number=None, at=None, controller=None):
        return self.Invitation._confirm_by_message(
            controller or self.controller,
            number or self.number,
            f"Yes, I agree: {code}",
            at or fields.Datetime.now(),
        )

    def test_A1_finding_an_invoice_gives_no_consent(self):
        self._connect()
        before = self._counts()
        token = self._qr()
        for decision in ("agree", "decline", "withdraw"):
            self.assertEqual(self._answer(token, decision), "unknown")
        self.assertUnchanged(before)
        self.assertNotIn(self.number[1:], token)
        problem, code = self._tick(token)
        self.assertEqual(problem, "")
        row = self.Invitation.search([("source", "=", "invoice_qr")])
        self.assertEqual((row.state, row.partner_id), ("unconfirmed", self.partner))
        self.assertEqual(self._counts()["ajw_consent_event"], before["ajw_consent_event"])
        self.assertFalse(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._confirm(code, "+919876540777"), "code_of_another_number")
        self.assertFalse(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._confirm(code), "")
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(row.state, "answered")
        self.assertEqual(set(row.event_ids.mapped("method")), {"qr_code", "whatsapp_message"})
        self.assertIsNone(self._confirm(code), "a code is good once")

    def test_invoice_code_is_bound_to_the_customer_of_the_invoice(self):
        self._connect()
        twin = self._create_partner("Twin", self.number)
        _problem, code = self._tick(self._qr(twin))
        self.assertEqual(self._confirm(code), "")
        self.assertTrue(self._ask_gate(twin).allowed)
        self.assertFalse(self._ask_gate(self.partner).allowed)
        _problem, code = self._tick(self._qr())
        self.partner.phone = "+919876540999"
        self.assertEqual(self._confirm(code), "code_contact_changed")
        self.assertFalse(self._ask_gate(self.partner).allowed)

    def test_qr_code_of_yesterday_and_of_others(self):
        self._connect()
        before = self._counts()
        token = self._qr()
        later = fields.Datetime.now() + timedelta(days=31)
        with patch("odoo.tools.misc.datetime.datetime") as clock:
            clock.now.return_value = later
            self.assertEqual(self._tick(token), ("expired", ""))
        self.partner.phone = "+919876540999"
        self.assertEqual(self._tick(token), ("number_changed", ""))
        self.assertUnchanged(before)

    def test_invoice_code_of_a_copied_database_is_none_here(self):
        self._connect()
        token = self._qr()
        self.env["ir.config_parameter"].set_param("database.uuid", "another")
        self.assertIn(self.Invitation._resolve(token).problem, ("expired", "unknown"))

    def test_invoice_code_without_a_number_to_confirm_to(self):
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: False)
        self.assertEqual(self._tick(self._qr()), ("unavailable", ""))

    def test_W2_qr_code_of_another_company_is_none_for_this_one(self):
        self._connect()
        other = self.env["res.company"].create({"name": "Other Trading"})
        notice = self.env["ajw.consent.notice"].create(
            {
                "company_id": other.id,
                "lang": "en_US",
                "legal_entity": "Other Trading",
                "officer_contact": "privacy@other-trading.example",
            }
        )
        notice.action_publish()
        token = self._qr(company=other)
        self.assertEqual(self._tick(token), ("notice_changed", ""))
        problem, code = self._tick(token, notice=notice)
        self.assertEqual(problem, "")
        self.assertIsNone(self._confirm(code))
        self.assertEqual(self._confirm(code, controller=other), "")
        self.assertFalse(self._ask_gate(self.partner).allowed)

    # --- links that ended ---

    def test_A2_an_expired_link_withdraws_what_is_in_force(self):
        invitation, token = self._invite_and_send()
        self._answer(token)
        self._expire(invitation)
        self.Invitation._gc_expired()
        self.assertEqual(self._answer(token), "answered_before")
        self.assertEqual(self._answer(token, "withdraw"), "")
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._answer(token, "withdraw"), "nothing_to_withdraw")
        self.Invitation._gc_expired()
        self.assertFalse(invitation.token_hash)
        self.assertEqual(invitation.state, "answered")

    def test_expired_no_leaves_no_link(self):
        invitation, token = self._invite_and_send()
        self._answer(token, "decline")
        self._expire(invitation)
        self.assertEqual(self._answer(token), "expired")
        self.Invitation._gc_expired()
        self.assertFalse(invitation.token_hash)
        self.assertEqual(invitation.state, "refused")
