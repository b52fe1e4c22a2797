"""The glue adds nothing that anybody could call, read or write."""

from odoo.tests import tagged

from odoo.addons.ajw_consent.tests.access_matrix import AccessMatrixMixin
from odoo.addons.ajw_whatsapp.tests.common import WhatsappCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, WhatsappCommon):
    addon = "ajw_whatsapp_queue_job"
