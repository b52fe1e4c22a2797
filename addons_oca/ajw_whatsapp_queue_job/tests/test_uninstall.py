"""What becomes of waiting messages when the glue goes."""

from odoo.tests import tagged

from odoo.addons.ajw_whatsapp.tests.common import WhatsappCommon

from ..hooks import uninstall_hook


@tagged("-at_install", "post_install")
class TestUninstall(WhatsappCommon):
    def test_what_waits_is_left_to_the_scheduled_action(self):
        self.account._enqueue_sender()
        job = self.env["queue.job"].sudo().search([("method_name", "=", "_ajw_run_outbox")])
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.account.cron_id.id)])
        triggers.unlink()
        uninstall_hook(self.env(su=True))
        self.assertEqual(job.state, "cancelled")
        self.assertTrue(triggers.search([("cron_id", "=", self.account.cron_id.id)]))
