"""What the glue adds, and for whom."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin
from odoo.addons.ajw_consent.tests.common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, ConsentCommon):
    addon = "ajw_consent_mass_mailing_sms"

    OVERRIDES = ("phone.blacklist.create", "phone.blacklist.write")
