import os
from datetime import timedelta
from unittest.mock import patch

from odoo import fields

from odoo.addons.ajw_consent.models.ajw_consent_keyring import PARAMETER
from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from .common import PrivacyCommon


class PeopleCommon(PrivacyCommon):
    """Customers of one company who were made years ago."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.env["ir.config_parameter"].search([("key", "=", PARAMETER)]).unlink()
        cls.quiet = cls._customer("Quiet")
        cls.busy = cls._customer("Busy")

    @classmethod
    def _customer(cls, name, days=900, **values):
        partner = (
            cls.env["res.partner"]
            .with_context(mail_create_nolog=True, tracking_disable=True)
            .create(
                {
                    "name": name, "email": f"{name.lower()}@example.com", "ref": "retention-test",
                    "company_id": cls.company.id, **values,
                }
            )
        )  # fmt: skip
        cls.env.flush_all()
        # SQL: nobody can be made in the past
        cls.env.cr.execute(
            "UPDATE res_partner SET create_date = %s, write_date = %s WHERE id = %s",
            [cls.now - timedelta(days=days), cls.now - timedelta(days=days), partner.id],
        )
        cls.env.invalidate_all()
        return partner

    def _speak(self, partner, days, **values):
        return self.env["mail.message"].create(
            {
                "author_id": partner.id, "message_type": "email", "body": "hello",
                "date": self.now - timedelta(days=days), **values,
            }
        )  # fmt: skip

    def _people(self, user=None, **values):
        return self._policy(
            user or self.officer,
            **{
                "name": "Inactive", "model_name": "res.partner", "clock": "activity",
                "domain": "[('ref', '=', 'retention-test')]", "max_age": 12,
                "max_age_unit": "month", "action": "archive", "field_names": False,
                "company_id": self.company.id, **values,
            },
        )  # fmt: skip

    def _again(self, policy):
        policy.sudo().next_run = fields.Date.today()
        self._run_cron()
        self.env.invalidate_all()
        return self._runs(policy)[0]
