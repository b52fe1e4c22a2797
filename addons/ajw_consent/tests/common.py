"""Bases for tests that need consent: keys, a controller, a notice and a customer."""

import os
from unittest.mock import patch

from odoo.tests import TransactionCase, new_test_user

from ..models.ajw_consent_keyring import PARAMETER
from ..tools.keyring import ENVIRONMENT_VARIABLE

#: Fixed keys, for tests only.
TEST_KEYS = "encryption=" + "A" * 43 + "=;hmac=test:" + "ab" * 32
TEST_NUMBER = "+919876543210"


class ConsentCommonMixin:
    """Class set-up shared by transaction and HTTP tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.env["ir.config_parameter"].search([("key", "=", PARAMETER)]).unlink()
        cls.company = cls.env["res.company"].create(
            {"name": "Ledger Trading", "country_id": cls.env.ref("base.in").id}
        )
        cls.controller = cls.company.ajw_consent_controller_id
        cls.purpose_invoice = cls.env.ref("ajw_consent.purpose_invoice")
        cls.purpose_order = cls.env.ref("ajw_consent.purpose_order")
        cls.purpose_marketing = cls.env.ref("ajw_consent.purpose_marketing")
        cls.notice = cls._publish_notice()
        cls.number = TEST_NUMBER
        cls.partner = cls._create_partner("Test Customer", cls.number)
        cls.consent_user = cls._create_user("consent_user", "ajw_consent.group_user")
        cls.officer = cls._create_user("consent_officer", "ajw_consent.group_officer")

    @classmethod
    def _publish_notice(cls, **values):
        """A notice in force: of WhatsApp alone, if the values name no other channel."""
        notice = cls.env["ajw.consent.notice"].create(
            {
                "company_id": cls.company.id,
                "lang": "en_US",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
                **values,
            }
        )
        notice.action_publish()
        return notice

    @classmethod
    def _create_partner(cls, name, number, **values):
        return cls.env["res.partner"].create(
            {"name": name, "phone": number, "country_id": cls.env.ref("base.in").id, **values}
        )

    @classmethod
    def _create_user(cls, login, *groups, **values):
        return new_test_user(
            cls.env,
            login=login,
            groups=",".join(groups),
            **{"company_id": cls.company.id, "company_ids": [(6, 0, cls.company.ids)], **values},
        )

    @classmethod
    def _opt_in(cls, partner, purposes=None, address=None, **kwargs):
        """Record an opt-in over WhatsApp; to the invoice purpose on the test number if not told."""
        return cls.env["ajw.consent.event"]._record(
            cls.controller,
            partner,
            cls.purpose_invoice if purposes is None else purposes,
            "whatsapp",
            address or partner.phone_sanitized,
            "given",
            "in_person",
            **{"notice": cls.notice, **kwargs},
        )

    @classmethod
    def _withdraw(cls, partner, purposes=None, address=None):
        """Record a withdrawal over WhatsApp; of the invoice purpose if not told."""
        return cls.env["ajw.consent.event"]._record(
            cls.controller,
            partner,
            cls.purpose_invoice if purposes is None else purposes,
            "whatsapp",
            address or partner.phone_sanitized,
            "withdrawn",
            "spoken",
        )

    def _ask_gate(self, partner, purpose=None, address=None, **kwargs):
        """The gate's answer for one person over WhatsApp."""
        key = (partner.id, address or partner.phone_sanitized)
        answers = self.env["ajw.consent.gate"]._check(
            self.controller, purpose or self.purpose_invoice, "whatsapp", [key], **kwargs
        )
        return answers[key]


class ConsentCommon(ConsentCommonMixin, TransactionCase):
    """Transaction tests with consent."""
