from odoo.tests import tagged

from .erasure_common import ErasureCommon


@tagged("post_install", "-at_install")
class TestErasureBeside(ErasureCommon):
    """What stands beside the person: where they live, lines of wizards, files of messages."""

    def _told(self, body):
        return self.colleague.message_post(author_id=self.internal.partner_id.id, body=body)

    def test_W13_where_they_live_goes_from_texts_that_name_them(self):
        named = self._told(f"{self.NAME}, Tokenweg 7, likes tea.")
        other = self._told("The shop at Tokenweg 7 is closed.")
        self.assertEqual(self._erased().state, "done")
        self.assertNotIn("Tokenweg", named.body)
        self.assertIn("Tokenweg 7", other.body)

    def test_where_others_live_too_stays_in_their_texts(self):
        self._person("Nadia Neighbour", "nadia@example.com", False, street="Tokenweg 7")
        named = self._told(f"{self.NAME} and Nadia: Tokenweg 7.")
        self.assertEqual(self._erased().state, "done")
        self.assertNotIn(self.NAME, named.body)
        self.assertIn("Tokenweg 7", named.body)

    def test_lines_of_a_wizard_go_with_it(self):
        wizard = self.env["base.partner.merge.automatic.wizard"].create(
            {"dst_partner_id": self.subject.id}
        )
        line = self.env["base.partner.merge.line"].create(
            {"wizard_id": wizard.id, "aggr_ids": "[1, 2]"}
        )
        kept = self.env["base.partner.merge.line"].create({"aggr_ids": "[3, 4]"})
        self.assertEqual(self._erased().state, "done")
        self.assertFalse(wizard.exists() or line.exists())
        self.assertTrue(kept.exists())

    def test_files_of_messages_on_their_documents_go(self):
        note = self.subject.message_post(author_id=self.internal.partner_id.id, body="Papers.")
        mine, others = self.env["ir.attachment"].create(
            [
                {"name": "a.txt", "raw": b"a", "res_model": "mail.message", "res_id": message.id}
                for message in (note, self._told("Papers."))
            ]
        )
        self.assertEqual(self._erased().state, "done")
        self.assertFalse(mine.exists())
        self.assertTrue(others.exists())
