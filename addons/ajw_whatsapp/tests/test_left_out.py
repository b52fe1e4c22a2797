"""What cannot be sent is left out, says why, and keeps nobody else waiting."""

import base64
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.ajw_consent.tools.invitation import PLACEHOLDER

from ..cloud_api import media_checks
from .common import PDF, WhatsappCommon
from .test_keywords import KeywordsMixin


@tagged("post_install", "-at_install")
class TestLeftOut(KeywordsMixin, WhatsappCommon):
    def _document(self, content=PDF, name="document.pdf", mimetype="application/pdf"):
        return self.env["ir.attachment"].create(
            {
                "name": name,
                "datas": base64.b64encode(content),
                "mimetype": mimetype,
                "res_model": "res.partner",
                "res_id": self.partner.id,
            }
        )

    def _assert_left_out(self, message, sentence):
        """Run the sender with two others in the same batch; Meta hears of these alone."""
        partners = [self._create_partner(f"C{n}", f"+9198765433{n:02}") for n in range(2)]
        for partner in partners:
            self._opt_in(partner)
        others = self.env["ajw.whatsapp.message"].concat(
            *(self._enqueue(partner, occasion=f"beside-{message.id}") for partner in partners)
        )
        self.meta.calls.clear()
        self._run_outbox()
        self.assertEqual(others.mapped("state"), ["accepted"] * 2)
        self.assertEqual(
            {call["json"]["to"] for call in self.meta.of("send")}, set(others.mapped("number"))
        )
        self.assertEqual(len(self.meta.of("upload")), 2)
        self.assertEqual((message.state, message.attempts), ("failed", 0))
        self.assertIn(sentence, message.error_message)
        self.assertFalse(message.claimed_at, "it takes no place in any limit")
        self.assertFalse(message.wamid or message.media_id)

    def test_documents_that_meta_would_not_take(self):
        name = "The document's file name"
        for case, document, filename, sentence in (
            ("size", self._document(PDF + b"and more"), "a.pdf", "larger than the 100 MB"),
            ("empty", self._document(b""), "a.pdf", "The document to send is missing."),
            ("type", self._document(mimetype="text/plain"), "a.pdf", "The document is no PDF"),
            ("head", self._document(b"<html>Not found"), "a.pdf", "The document is no PDF"),
            ("no name", self._document(), " ", "The document has no file name."),
            ("long name", self._document(), "a" * 237 + ".pdf", f"{name} is longer than 240"),
            ("line break", self._document(), "a\nb.pdf", f"{name} holds characters"),
            ("direction", self._document(), "a\u202efdp.exe", f"{name} holds characters"),
        ):
            with (
                self.subTest(case=case),
                patch.object(media_checks, "MAX_BYTES", len(PDF) + 1),
            ):
                message = self._enqueue(attachment_id=document.id, filename=filename, occasion=case)
                self._assert_left_out(message, sentence)
                self.assertIn("send it again", message.error_hint)
                self.assertTrue(message.failed_at)

    def test_a_separator_in_a_name_is_replaced(self):
        message = self._enqueue(filename="SO/2026\\7.pdf")
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        [call] = self.meta.of("send")
        [header] = [c for c in call["json"]["template"]["components"] if c["type"] == "header"]
        self.assertEqual(header["parameters"][0]["document"]["filename"], "SO_2026_7.pdf")

    def test_an_answer_with_a_link_whose_contact_is_gone(self):
        """The link answers for a contact; without one there is nobody to make it for."""
        contact = self._create_partner("Gone", "+919876543399")
        self._say("START", "wamid.1", number="919876543399")
        answer = self._replies()
        self.assertEqual((answer.partner_id, PLACEHOLDER in answer.body), (contact, True))
        contact.unlink()
        self.assertFalse(answer.partner_id)
        self._assert_left_out(answer, "The contact that the answer was for is gone.")

    def test_A1_a_queued_document_whose_contact_is_gone(self):
        """The document itself is another record here; consent is a contact's."""
        contact = self._create_partner("Gone", "+919876543399")
        self._opt_in(contact)
        message = self._enqueue(contact, res_id=self.partner.id)
        contact.unlink()
        self.assertFalse(message.partner_id)
        other = self._enqueue()
        self._run_outbox()
        self.assertEqual((message.state, message.refusal_reason), ("refused", "no_opt_in"))
        self.assertEqual(other.state, "accepted")
        self.assertEqual([call["json"]["to"] for call in self.meta.of("send")], [other.number])
