"""Who may do what with the boxes at paying."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin
from odoo.addons.ajw_consent.tests.common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, ConsentCommon):
    """The addon brings no model, no public method, no field and no scheduled action.

    Its routes are Odoo's own for paying invoices, which check the customer's access first.
    """

    addon = "ajw_consent_payment"
