"""What the glue adds, and for whom."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin
from odoo.addons.ajw_consent.tests.common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, ConsentCommon):
    addon = "ajw_consent_sms"

    # Whoever can open the model sees the field, as with core's own fields beside it.
    OVERRIDES = ("sms.sms.create", "sms.sms.send")
    FIELDS = {
        "res.company.ajw_consent_sms_opt_in": "",
        "res.company.ajw_consent_sms_purpose_id": "",
        "res.config.settings.ajw_consent_sms_opt_in": "",
        "res.config.settings.ajw_consent_sms_purpose_id": "",
        "sms.composer.ajw_purpose_code": "",
        "sms.sms.ajw_company_id": "",
        "sms.sms.ajw_gate_reason": "",
        "sms.sms.ajw_gate_sentence": "",
        "sms.sms.ajw_purpose_id": "",
    }
