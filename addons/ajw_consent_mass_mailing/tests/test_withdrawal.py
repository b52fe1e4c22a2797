import werkzeug

from odoo.tests import HttpCase, tagged

from .common import MailingCommon, MailingCommonMixin


@tagged("-at_install", "post_install")
class TestWithdrawal(MailingCommon):
    """Who wants no more mailings withdraws, on record, towards every controller."""

    def setUp(self):
        super().setUp()
        self._agree()

    def _last(self):
        return self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", self.partner.id)], order="id desc", limit=1
        )

    def test_C2_blacklist_withdraws(self):
        self.env["mail.blacklist"].with_user(self.marketer).sudo()._add("Customer@Example.com")
        self.assertEqual(self._answer(), "withdrawn")
        event = self._last()
        self.assertEqual((event.kind, event.channel), ("withdrawn", "email"))
        self.assertEqual(event.method, "back_office")
        self.assertEqual(event.purpose_code, "marketing")
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        self.assertEqual(evidence.actor, "marketer")
        self.assertTrue(evidence.note)

    def test_C2_other_purposes_and_channels_stay(self):
        self._opt_in(self.partner)
        self.env["mail.blacklist"]._add(self.email)
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_leaving_the_blacklist_opens_nothing(self):
        self.env["mail.blacklist"]._add(self.email)
        self.env["mail.blacklist"]._remove(self.email)
        self.assertEqual(self._answer(), "withdrawn")

    def test_put_on_the_list_again_withdraws_again(self):
        self.env["mail.blacklist"].create({"email": self.email, "active": False})
        self.assertEqual(self._answer(), "ok")
        self.env["mail.blacklist"]._add(self.email)
        self.assertEqual(self._answer(), "withdrawn")

    def test_bounced_address_withdrew_nothing(self):
        before = self._last()
        self.env["mail.blacklist"].with_context(ajw_consent_no_withdrawal=True)._add(self.email)
        self.assertEqual(self._last(), before)

    def test_C2_leaving_the_last_list(self):
        lists = self.env["mailing.list"].create([{"name": "News"}, {"name": "Offers"}])
        contact = self.env["mailing.contact"].create(
            {
                "name": "Customer",
                "email": self.email,
                "subscription_ids": [(0, 0, {"list_id": each.id}) for each in lists],
            }
        )
        subscriptions = contact.subscription_ids
        subscriptions[0].opt_out = True
        self.assertEqual(self._answer(), "ok", "another list was kept")
        subscriptions[1].opt_out = True
        self.assertEqual(self._answer(), "withdrawn")

    def test_nobody_known_is_suppressed(self):
        """No contact has the address yet: a later one starts closed."""
        self.env["mail.blacklist"]._add("later@example.com")
        later = self._create_partner("Later", "+919876500003", email="later@example.com")
        self.assertEqual(self._answer(later, "later@example.com"), "suppressed")


@tagged("-at_install", "post_install")
class TestUnsubscribe(MailingCommonMixin, HttpCase):
    """The link in a mailing, as a customer uses it."""

    def setUp(self):
        super().setUp()
        self._agree()
        self.mailing = self._mailing()
        self.query = werkzeug.urls.url_encode(
            {
                "document_id": self.partner.id,
                "email": self.email,
                "hash_token": self.mailing._generate_mailing_recipient_token(
                    self.partner.id, self.email
                ),
            }
        )

    def _now(self):
        self.env.invalidate_all()
        return self._answer()

    def test_C2_one_click(self):
        url = f"/mailing/{self.mailing.id}/unsubscribe_oneclick?{self.query}"
        response = self.url_open(url, data={"List-Unsubscribe": "One-Click"})
        self.assertEqual(response.status_code, 200)
        self.assertEqual(self._now(), "withdrawn")
        event = self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", self.partner.id)], limit=1
        )
        self.assertEqual(event.method, "email_link")

    def test_C2_the_word_is_for_the_company_that_mailed(self):
        other = self.env["res.company"].create({"name": "Other Trading"})

        def suppressed(controller):
            return self.env["ajw.consent.suppression"]._suppressed(
                controller, self.purpose_marketing, "email", [self.email]
            )

        url = f"/mailing/{self.mailing.id}/unsubscribe_oneclick?{self.query}"
        self.url_open(url, data={"List-Unsubscribe": "One-Click"})
        self.env.invalidate_all()
        self.assertTrue(suppressed(self.controller))
        self.assertFalse(suppressed(other))
        # Put on the blacklist by hand, nobody knows who mailed: it is for all.
        self.env["mail.blacklist"]._remove(self.email)
        self.env["mail.blacklist"]._add(self.email)
        self.assertTrue(suppressed(other))

    def test_A5_followed_by_a_scanner(self):
        """Fetching pages writes nothing to the ledger; the mailing app's own list may know."""
        for page in ("confirm_unsubscribe", "unsubscribe"):
            self.url_open(f"/mailing/{self.mailing.id}/{page}?{self.query}")
            self.assertEqual(self._now(), "ok", page)

    def test_forged_token_withdraws_nothing(self):
        url = f"/mailing/{self.mailing.id}/unsubscribe_oneclick?{self.query[:-4]}0000"
        self.url_open(url, data={"List-Unsubscribe": "One-Click"})
        self.assertEqual(self._now(), "ok")
