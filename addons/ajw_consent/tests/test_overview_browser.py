from odoo.tests import HttpCase, tagged

from .common import ConsentCommonMixin


@tagged("-at_install", "post_install")
class TestOverviewBrowser(ConsentCommonMixin, HttpCase):
    """The answers of a contact in a real browser, at a desk."""

    def test_look_withdraw_record_and_prove(self):
        self._opt_in(self.partner)
        self.start_tour(
            f"/odoo/res.partner/{self.partner.id}", "ajw_consent_overview", login="consent_user"
        )
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
        self.assertEqual(self._ask_gate(self.partner, self.purpose_order).reason, "refused")
        events = self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", self.partner.id)], order="id"
        )
        self.assertEqual(events.mapped("kind"), ["given", "withdrawn", "refused"])


@tagged("-at_install", "post_install")
class TestOverviewBrowserPhone(TestOverviewBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
