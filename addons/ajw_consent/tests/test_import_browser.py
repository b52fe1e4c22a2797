from odoo.tests import HttpCase, tagged

from .import_common import ImportCommonMixin


@tagged("-at_install", "post_install")
class TestImportBrowser(ImportCommonMixin, HttpCase):
    """An officer imports a list in a real browser, at a desk. The lists stand in the tours."""

    def setUp(self):
        super().setUp()
        self.stopped = self._create_partner("Stopped Customer", "+919876543212")
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", self.stopped.phone_sanitized, "whatsapp_message"
        )

    def _tour(self, name):
        path = "/odoo/action-ajw_consent.ajw_consent_import_action/new"
        self.start_tour(path, name, login="consent_officer")
        self.env.invalidate_all()
        return self.env["ajw.consent.import"].search([("company_id", "=", self.company.id)])

    def test_preview_lists_every_bad_row_and_the_good_ones_go_in(self):
        run = self._tour("ajw_consent_import")
        self.assertEqual((run.state, run.recorded_count, run.bad_count), ("done", 1, 5))
        self.assertEqual(run.user_id, self.officer)
        self.assertEqual(self.events().subject_id.partner_id, self.partner)
        self.assertTrue(self._ask_gate(self.partner).allowed)
        self.assertEqual(self._ask_gate(self.stopped).reason, "withdrawn")
        self.assertEqual(self.partner.with_user(self.officer).ajw_consent_origin_kind, "import")

    def test_nothing_goes_in_while_one_row_is_bad(self):
        run = self._tour("ajw_consent_import_nothing")
        self.assertEqual((run.state, run.bad_count), ("checked", 5))
        self.assertTrue(run.only_complete)
        self.assertFalse(self.events())
        run = self._tour("ajw_consent_import_complete")[0]
        self.assertEqual((run.state, run.recorded_count, run.bad_count), ("done", 2, 0))
        self.assertEqual(self.events().subject_id.partner_id, self.partner | self.other)


@tagged("-at_install", "post_install")
class TestImportBrowserPhone(TestImportBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
