import base64

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models.res_company_attestation import REMINDER
from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAttestation(ConsentCommon):
    def _attest(self, user=None, **values):
        return (
            self.env["ajw.consent.attestation"]
            .with_user(user or self.officer)
            .create(
                {
                    "company_id": self.controller.id,
                    "signed_by": "A. Owner",
                    "signed_function": "Managing director",
                    **values,
                }
            )
        )

    def test_A15_the_client_attests_that_opt_ins_are_its_own(self):
        attestation = self._attest()
        self.assertIn("Ledger Trading is the controller", attestation.text)
        self.assertEqual(attestation.signed_on, fields.Date.today())
        self.assertEqual(len(attestation.digest), 64)
        self.assertTrue(attestation.is_current)

    def test_A15_a_provider_acts_on_a_documented_instruction(self):
        for values in ({}, {"provider_name": "Provider Ltd"}, {"instruction": "Contract 7"}):
            with self.assertRaises(ValidationError):
                self._attest(role="provider", **values)
        attestation = self._attest(
            role="provider", provider_name="Provider Ltd", instruction="Contract 7"
        )
        self.assertIn("Provider Ltd runs this system for Ledger Trading", attestation.text)

    def test_A15_what_was_attested_never_changes(self):
        attestation = self._attest()
        text, digest = attestation.text, attestation.digest
        for record in (attestation, attestation.sudo()):
            for values in ({"signed_by": "B"}, {"text": "Nothing"}, {"digest": "0"}):
                with self.assertRaises(UserError):
                    record.write(values)
            with self.assertRaises(UserError):
                record.unlink()
        self.controller.name = "Renamed Trading"
        self.env.flush_all()
        attestation.invalidate_recordset()
        self.assertEqual((attestation.text, attestation.digest), (text, digest))
        forged = self._attest(text="Nothing", digest="0" * 64, text_version=9, lang="xx")
        self.assertIn("is the controller", forged.text)
        self.assertNotEqual(forged.digest, "0" * 64)
        self.assertEqual((forged.text_version, forged.lang), (1, "en_US"))

    def test_A15_the_last_one_is_in_force(self):
        first = self._attest(document=base64.b64encode(b"paper"), document_name="a.pdf")
        second = self._attest(document=base64.b64encode(b"other"), document_name="a.pdf")
        self.assertNotEqual(first.digest, second.digest, "the paper counts")
        self.assertEqual((first.is_current, second.is_current), (False, True))
        self.assertEqual(
            self.env["ajw.consent.attestation"].search(
                [("is_current", "=", True), ("company_id", "=", self.controller.id)]
            ),
            second,
        )

    def test_bad_input_is_refused(self):
        tomorrow = fields.Date.add(fields.Date.today(), days=1)
        with self.assertRaisesRegex(ValidationError, "future"):
            self._attest(signed_on=tomorrow)
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.controller.id})
        with self.assertRaisesRegex(ValidationError, "Ledger Trading"):
            self._attest(user=self.env.user, company_id=branch.id)
        with self.assertRaises(AccessError):
            self._attest(user=self.consent_user)

    def test_A15_officers_are_reminded_until_it_is_on_record(self):
        companies = self.env["res.company"]
        companies._ajw_remind_attestations()
        card = self.controller.partner_id
        self.assertFalse(card.activity_search([REMINDER]), "there is no ledger yet")
        self._opt_in(self.partner)
        self.assertTrue(self.controller.with_user(self.officer).ajw_consent_attestation_missing)
        companies._ajw_remind_attestations()
        companies._ajw_remind_attestations()
        self.assertEqual(card.activity_search([REMINDER]).user_id, self.officer)
        self.assertEqual(len(card.activity_search([REMINDER])), 1)
        self._attest()
        self.assertFalse(card.activity_search([REMINDER]))
        self.assertFalse(self.controller.with_user(self.officer).ajw_consent_attestation_missing)
        companies._ajw_remind_attestations()
        self.assertFalse(card.activity_search([REMINDER]))
