from odoo.tests import HttpCase, tagged

from .document_common import DocumentCommonMixin


@tagged("-at_install", "post_install")
class TestBrowser(DocumentCommonMixin, HttpCase):
    """A billing user in a real browser, at a desk."""

    def _open(self, tour):
        self.start_tour(f"/odoo/customer-invoices/{self.invoice.id}", tour, login="doc_billing")

    def setUp(self):
        super().setUp()
        self.invoice = self._create_invoice()

    def test_A1_send_an_invoice(self):
        self._opt_in(self.partner)
        self._open("ajw_whatsapp_send_invoice")
        message = self._messages(self.invoice)
        self.assertEqual(message.state, "queued")
        self.assertEqual(message.attachment_id, self.invoice.invoice_pdf_report_id)
        self._set_state(message, "read")
        self._open("ajw_whatsapp_invoice_read")

    def test_A1_refusal_says_why_and_consent_can_be_recorded(self):
        self._open("ajw_whatsapp_refused_invoice")
        self.assertNothingQueued(self.invoice)
        self.assertTrue(self._ask_gate(self.partner).allowed)


@tagged("-at_install", "post_install")
class TestBrowserPhone(TestBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True


@tagged("-at_install", "post_install")
class TestUnits(HttpCase):
    """The tests of single browser modules, in static/tests."""

    def test_units(self):
        self.browser_js(
            "/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&filter=@ajw_whatsapp",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=lambda message: "[HOOT]" not in message,
        )
