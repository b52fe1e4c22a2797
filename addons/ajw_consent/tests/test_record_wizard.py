import base64
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestRecordWizard(ConsentCommon):
    def wizard(self, user=None, **values):
        env = self.env(user=user or self.consent_user)
        return env["ajw.consent.record"].create(
            {
                "partner_id": self.partner.id,
                "company_id": self.company.id,
                "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
                "note": "Asked at the counter",
                **values,
            }
        )

    def test_user_records_and_withdraws(self):
        form = Form(
            self.env["ajw.consent.record"]
            .with_user(self.consent_user)
            .with_context(
                default_partner_id=self.partner.id, default_purpose_ids=self.purpose_invoice.ids
            )
        )
        self.assertEqual(form.address, self.number)
        self.assertEqual(form.notice_id, self.notice)
        form.note = "Asked at the counter"
        form.save().action_record()
        self.assertTrue(self._ask_gate(self.partner).allowed)
        state = self.partner.with_user(self.consent_user).ajw_consent_state_ids
        self.assertEqual((state.status, state.address), ("given", self.number))
        state.action_withdraw()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", state.event_id.id)])
        self.assertEqual(evidence.actor, "consent_user")

    def test_opt_in_needs_evidence(self):
        for values, message in (
            ({"note": " "}, "Write down"),
            ({"method": "paper"}, "Attach the scan"),
            ({"notice_id": False}, "no published notice"),
            ({"notice_id": self.notice.copy().id}, "does not belong"),
        ):
            with self.assertRaisesRegex(ValidationError, message):
                self.wizard(**values).action_record()
        self.assertFalse(self.partner.ajw_consent_state_ids)
        self.wizard(
            method="paper", scan=base64.b64encode(b"%PDF-"), scan_name="form.pdf"
        ).action_record()
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_saying_no_needs_no_notice(self):
        self.notice.copy()
        self.wizard(decision="refused", note=False, notice_id=False).action_record()
        self.assertEqual(self._ask_gate(self.partner).reason, "refused")

    def test_another_company_is_refused(self):
        other = self.env["res.company"].create({"name": "Another"})
        wizard = self.wizard()
        wizard.sudo().company_id = other
        with self.assertRaisesRegex(UserError, "Switch to the company"):
            wizard.action_record()
        self.assertFalse(self.partner.ajw_consent_state_ids)

    def test_contact_out_of_reach_is_refused(self):
        other = self.env["res.company"].create({"name": "Another"})
        wizard = self.wizard()
        self.partner.company_id = other
        with self.assertRaisesRegex(AccessError, "Contact"):
            wizard.action_record()

    def test_opt_in_without_effect_is_said(self):
        self._opt_in(self.partner, occurred_at=fields.Datetime.now() - timedelta(hours=2))
        self._withdraw(self.partner)
        wizard = self.wizard(occurred_at=fields.Datetime.now() - timedelta(hours=1))
        with self.assertRaisesRegex(ValidationError, "would change nothing"):
            wizard.action_record()

    def test_portal_user_cannot_record(self):
        portal = self._create_user("portal_customer", "base.group_portal")
        with self.assertRaises(AccessError):
            self.wizard(user=portal)
        with self.assertRaises(AccessError):
            self.env["ajw.consent.state"].with_user(portal).action_withdraw()

    def test_wizard_of_another_user_is_out_of_reach(self):
        other = self._create_user("other_user", "ajw_consent.group_user")
        with self.assertRaises(AccessError):
            self.wizard().with_user(other).action_record()
