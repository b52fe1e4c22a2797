from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from .common import WhatsappCommon


@tagged("post_install", "-at_install")
class TestNeutralize(WhatsappCommon):
    def test_a_copy_cannot_write_to_anybody(self):
        queued = self._enqueue()
        sending = self._enqueue(occasion="other")
        sending._engine()._set_state("sending")
        delivered = self._enqueue(occasion="third")
        delivered._engine()._set_state("delivered")
        self.company.ajw_consent_qr_on_invoice = True
        self.env.flush_all()
        for query in get_neutralization_queries(["ajw_whatsapp"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertFalse(self.company.ajw_consent_qr_on_invoice)
        self.assertFalse(self.account.has_access_token)
        self.assertFalse(self.account.has_app_secret)
        self.assertFalse(self.account.has_verify_token)
        self.assertEqual(self.account.state, "stopped")
        self.assertEqual(self.account.base_url, "http://127.0.0.1:9")
        self.assertEqual((queued + sending).mapped("state"), ["cancelled", "cancelled"])
        self.assertEqual(delivered.state, "delivered")
        self._run_outbox()
        self.assertFalse(self.meta.calls)
