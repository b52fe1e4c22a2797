from odoo.tests import TransactionCase, tagged

from .common import WhatsappCommonMixin


@tagged("post_install", "-at_install")
class TestErasure(WhatsappCommonMixin, TransactionCase):
    """What is queued goes to nobody who is being erased."""

    def test_queued_messages_to_the_person_are_cancelled(self):
        other = self._create_partner("Other", "+919876500001")
        self._opt_in(other)
        message, theirs = self._enqueue(), self._enqueue(other)
        self.env["ajw.whatsapp.message"]._ajw_erasure_begins(self.partner.ids)
        self.assertEqual((message.state, theirs.state), ("cancelled", "queued"))
        self._run_outbox()
        self.assertNotIn(self.partner.phone_sanitized.strip("+"), str(self.meta.calls))
