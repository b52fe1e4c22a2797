from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from .invitation_common import InvitationCommon


@tagged("-at_install", "post_install")
class TestCrons(InvitationCommon):
    """Scheduled actions run as Odoo itself, for every company."""

    def setUp(self):
        super().setUp()
        self.other = self.env["res.company"].create(
            {"name": "Second Trading", "country_id": self.env.ref("base.in").id}
        )
        notice = self.env["ajw.consent.notice"].create(
            {
                "company_id": self.other.id,
                "lang": "en_US",
                "legal_entity": "Second Trading",
                "officer_contact": "privacy@second-trading.example",
            }
        )
        notice.action_publish()
        self.rows = self.env["ajw.consent.invitation"].create(
            [
                {
                    "company_id": company.id,
                    "partner_id": self.partner.id,
                    "email": self.partner.email,
                    "address": self.number,
                    "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
                }
                for company in (self.company, self.other)
            ]
        )

    def test_W2_invitations_of_every_company_are_sent(self):
        self._run_sending()
        self.assertEqual(self.rows.mapped("state"), ["sent", "sent"])
        self.assertEqual(len(self.outbox), 2)

    def test_W2_invitations_are_handed_over_in_their_company(self):
        invitations = type(self.env["ajw.consent.invitation"])
        real, seen = invitations._hand_over, []

        def hand_over(rows):
            seen.append((rows.company_id, rows.env.company))
            return real(rows)

        with patch.object(invitations, "_hand_over", hand_over):
            self._run_sending()
        self.assertEqual({theirs for theirs, _current in seen}, {self.company, self.other})
        self.assertTrue(all(theirs == current for theirs, current in seen))

    def test_W2_one_companys_failure_stops_no_other(self):
        invitations = type(self.env["ajw.consent.invitation"])
        real = invitations._screen
        reason = "Something is wrong with this company."

        def screen(model, controller, *args, **kwargs):
            if controller == self.company:
                raise UserError(reason)
            return real(model, controller, *args, **kwargs)

        with patch.object(invitations, "_screen", screen):
            self._run_sending()
        self.assertEqual(self.rows.mapped("state"), ["failed", "sent"])
        self.assertIn("wrong with this company", self.rows[0].failure_reason)
