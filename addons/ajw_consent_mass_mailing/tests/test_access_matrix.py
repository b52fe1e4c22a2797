"""What the glue adds, and for whom."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin
from odoo.addons.ajw_consent.tests.access_roles import ROLES, Role, Row
from odoo.addons.ajw_consent.tests.common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, ConsentCommon):
    addon = "ajw_consent_mass_mailing"
    roles = {**ROLES, "marketer": Role("mass_mailing.group_mass_mailing_user")}

    # Core lets every marketer see every mailing.
    METHODS = {"mailing.mailing.action_ajw_preview": "marketer"}
    OVERRIDES = (
        "mail.blacklist.create",
        "mail.blacklist.write",
        "mailing.subscription.create",
        "mailing.subscription.write",
    )
    FIELDS = {
        "mail.compose.message.ajw_purpose_code": "",
        "mailing.mailing.ajw_company_id": "",
        "mailing.mailing.ajw_purpose_id": "",
    }

    def row_mailing_mailing(self, company):
        mailing = self.env["mailing.mailing"].create(
            {
                "subject": "Offers",
                "mailing_model_id": self.env["ir.model"]._get("res.partner").id,
                "mailing_domain": [("id", "=", self.partner.id)],
                "ajw_company_id": company.id,
            }
        )
        return Row(mailing, {}, {})
