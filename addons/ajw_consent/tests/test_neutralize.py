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
        values = {"company_id": self.company.id, "partner_id": self.partner.id}
        subject = self.env["ajw.consent.subject"].create(dict(values))
        confirmation = self.env["ajw.consent.confirmation"].create(
            {
                **values,
                "subject_id": subject.id,
                "channel": "whatsapp",
                "state": "sent",
                "token_hash": "confirmation",
                "code_hash": "code",
            }
        )
        link = self.env["ajw.consent.preference.link"].create(
            {**values, "state": "answered", "token_hash": "link"}
        )
        self.company.ajw_consent_card_key = "card"
        self.env.flush_all()
        for query in get_neutralization_queries(["ajw_consent"]):
            self.env.cr.execute(query)
        self.env.invalidate_all()
        self.assertEqual(set(invitations[:4].mapped("state")), {"cancelled"})
        self.assertFalse(any(invitations[:4].mapped("token_hash")))
        self.assertEqual(invitations[4].state, "answered")
        self.assertEqual((confirmation.state, link.state), ("cancelled", "cancelled"))
        hashes = (confirmation.token_hash, confirmation.code_hash, link.token_hash)
        self.assertFalse(any(hashes))
        self.assertFalse(self.company.ajw_consent_card_key)
