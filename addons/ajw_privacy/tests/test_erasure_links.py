from odoo.tests import tagged
from odoo.tools import SQL

from ..engine import erase, walk
from .erasure_common import ErasureCommon


@tagged("post_install", "-at_install")
class TestErasureLinks(ErasureCommon):
    """Links and addresses that a table does not hold as a plain column of its own."""

    def test_T7_notification_by_mail_to_an_address_alone(self):
        """It needs an address or a contact: a constraint of the table says so."""
        message = self.colleague.message_post(body="The seeds are here.")
        notification = self.env["mail.notification"].create(
            [
                {
                    "mail_message_id": message.id,
                    "notification_type": "email",
                    "mail_email_address": address,
                    "notification_status": "sent",
                }
                for address in (self.EMAIL, "bruno@example.com")
            ]
        )
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        theirs, other = notification
        self.assertIn(erasure.subject_ref, theirs.mail_email_address)
        self.assertEqual(other.mail_email_address, "bruno@example.com")
        self.assertEqual(self._where(), [])

    def test_T7_guest_at_their_own_address_is_no_namesake(self):
        """Who joins a chat without signing in types a name and an address, and is no contact."""
        guest = self.env["mail.guest"].create({"name": self.NAME, "email": self.EMAIL})
        other = self.env["mail.guest"].create({"name": "Bruno", "email": "bruno@example.com"})
        before = self._rows_of(other)
        self.colleague.message_post(body=f"Ask {self.NAME} or {self.EMAIL}.")
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
        self.assertTrue(guest.exists())
        self.assertEqual(self._rows_of(other), before)

    def test_guest_of_their_name_elsewhere_is_a_namesake(self):
        self.env["mail.guest"].create({"name": self.NAME, "email": "other@example.com"})
        message = self.colleague.message_post(body=f"Ask {self.NAME}.")
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertIn(self.NAME, message.body, "it may be the guest")

    def test_T7_what_was_uploaded_to_a_wizard_goes_with_it(self):
        uploads = self.env["base_import.import"]
        theirs, others = uploads.create(
            [
                {"res_model": "res.partner", "file": f"Name,Email\n{who}\n".encode()}
                for who in (f"{self.NAME},{self.EMAIL}", "Bruno,bruno@example.com")
            ]
        )
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(theirs.exists())
        self.assertTrue(others.exists())

    def _led_to(self, condition):
        return [
            row
            for [row] in self.env.execute_query(
                SQL(
                    """SELECT t.id FROM (VALUES
                           (1, '{"1": 5}'::jsonb), (2, '{"1": 15, "2": 5}'), (3, '{"1": 15}'),
                           (4, 'false'), (5, NULL), (6, '{"5": 1}')
                       ) t (id, owner) WHERE %s ORDER BY t.id""",
                    condition,
                )
            )
        ]

    def test_link_that_each_company_has_for_itself(self):
        link = walk.Link("owner", "res.users", "by_company", "actor")
        found = walk.ownership_conditions([link], {"res.users": (5, 6)})
        self.assertEqual(self._led_to(found[link.ownership]), [1, 2])
        stays = erase.filled("stay", "owner", people=(5,), as_json=True)
        self.assertEqual(self._led_to(stays), [1, 2])
        nobody = erase.filled("stay", "owner", people=(), as_json=True)
        self.assertEqual(self._led_to(nobody), [])
