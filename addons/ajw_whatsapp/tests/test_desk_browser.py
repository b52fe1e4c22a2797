from odoo.tests import HttpCase, tagged

from .common import WhatsappCommonMixin
from .fake_meta import meta_error


@tagged("post_install", "-at_install")
class TestDeskBrowser(WhatsappCommonMixin, HttpCase):
    """A manager in a real browser, at a desk: overview, message desk and guided set-up."""

    def _message(self, index, state, **values):
        partner = self._create_partner(f"Customer {index}", f"+9198765434{index:02d}")
        self._opt_in(partner)
        message = self._enqueue(partner)
        message._engine()._set_state(state, **values)
        return message

    def test_from_the_overview_to_the_desk_and_back_into_the_queue(self):
        failed = self._message(1, "failed", error_code=131026, error_hint="Ask for another number.")
        uncertain = self._message(2, "uncertain")
        queued = self._message(3, "queued")
        delivered = self._message(4, "delivered")
        action = self.env.ref("ajw_whatsapp.ajw_whatsapp_account_action_overview")
        self.start_tour(f"/odoo/action-{action.id}", "ajw_whatsapp_desk", login="wa_manager")
        self.assertEqual(queued.state, "cancelled")
        self.assertEqual((uncertain.state, uncertain.settled_as), ("sent", "arrived"))
        self.assertEqual(delivered.state, "delivered")
        again = self.env["ajw.whatsapp.message"].search([("number", "=", failed.number)])
        self.assertEqual(set(again.mapped("state")), {"failed", "queued"})
        self.assertFalse(self.meta.calls)

    def test_graph_and_pivot_show(self):
        self._message(1, "failed")
        self._message(2, "delivered")
        action = self.env.ref("ajw_whatsapp.ajw_whatsapp_message_action")
        self.start_tour(f"/odoo/action-{action.id}", "ajw_whatsapp_desk_views", login="wa_manager")

    def test_the_guided_setup(self):
        account = self.env["ajw.whatsapp.account"].create(
            {"name": "Fresh", "company_id": self.company.id, "base_url": self.meta.base_url}
        )
        self.account.active = False  # the number is set up anew
        self.meta.script("register", meta_error(133005))
        action = self.env.ref("ajw_whatsapp.ajw_whatsapp_account_action_setup")
        self.start_tour(
            f"/odoo/action-{action.id}/{account.id}", "ajw_whatsapp_setup", login="wa_manager"
        )
        self.assertEqual((account.state, account.setup_step), ("connected", "payment"))
        self.assertEqual(len(self.meta.of("register")), 2)
        self.assertTrue(account.has_verify_token)


@tagged("post_install", "-at_install")
class TestDeskBrowserPhone(TestDeskBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
