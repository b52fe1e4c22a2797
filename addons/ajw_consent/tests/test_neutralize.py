from odoo.modules.neutralize import get_neutralization_queries
from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestNeutralize(ConsentCommon):
    def test_a_copy_asks_nobody(self):
        invitations = self.env["ajw.consent.invitation"].create(
            [
                {
                    "company_id": self.company.id,
                    "partner_id": self.partner.id,
                    "email": f"{state}@example.com",
                    "address": self.number,
                    "state": state,
                    "token_hash": state,
                }
                for state in ("queued", "sent", "failed", "unconfirmed", "answered")
            ]
        )
        self.company.ajw_consent_card_key = "card"
        self.env.flush_all()
        for query in get_neutralization_queries(["ajw_consent"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertEqual(set(invitations[:4].mapped("state")), {"cancelled"})
        self.assertFalse(any(invitations[:4].mapped("token_hash")))
        self.assertEqual(invitations[4].state, "answered")
        self.assertFalse(self.company.ajw_consent_card_key)
