from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools.invitation import new_token
from .preference_common import PreferenceCommon, PreferenceHttpCommon

PATH = "/ajw_consent/preferences"


@tagged("-at_install", "post_install")
class TestPreferenceLink(PreferenceCommon):
    """Handing out the link."""

    def test_mail_leaves_with_the_link_and_the_database_keeps_a_digest(self):
        link, token = self._hand_over()
        self.assertEqual((link.state, link.way), ("sent", "email"))
        self.assertEqual(len(self.outbox), 1)
        self.assertNotIn(token, str(link.sudo().read()))
        self.assertEqual(self.env["ajw.consent.preference.link"]._open(token).link, link)
        self.assertFalse(self._kinds(), "handing out records nothing")

    def test_stored_mail_holds_no_link(self):
        wizard = self.env["ajw.consent.preference.send"].with_user(self.consent_user)
        wizard = wizard.create({"partner_id": self.partner.id, "company_id": self.company.id})
        wizard.action_hand_over()
        link = self.Link.search([("partner_id", "=", self.partner.id)])
        self.assertFalse(link.token_hash, "there is none before the mail leaves")
        self.assertEqual(link.mail_id.state, "outgoing")

    def test_a_newer_link_ends_the_older(self):
        first, token = self._hand_over()
        self._hand_over()
        self.assertEqual(first.state, "cancelled")
        self.assertEqual(self.Link._open(token).problem, "cancelled")

    def test_qr_code_is_shown_and_not_stored(self):
        link, action = self._hand_over(way="qr_code")
        self.assertEqual((link.state, link.way), ("sent", "qr_code"))
        self.assertTrue(action["context"]["ajw_qr_code"].startswith("data:image/png;base64,"))
        self.assertFalse(self.outbox)

    def test_what_stands_against_a_link(self):
        wizard = self.env["ajw.consent.preference.send"].with_user(self.consent_user)
        values = {"partner_id": self.partner.id, "company_id": self.company.id}
        self.partner.email = False
        with self.assertRaisesRegex(UserError, "no email address"):
            wizard.create(values).action_hand_over()
        self.customer.active = False
        self.partner.action_archive()
        with self.assertRaisesRegex(UserError, "archived"):
            wizard.create({**values, "way": "qr_code"}).action_hand_over()
        other = self.env["res.company"].create({"name": "Foreign Trading"})
        with self.assertRaises(UserError):
            wizard.create({**values, "company_id": other.id})
        self.assertFalse(self.Link.search([("partner_id", "=", self.partner.id)]))

    def test_only_consent_users_hand_out_and_cancel(self):
        internal = self._create_user("plain_colleague", "base.group_user")
        with self.assertRaises(AccessError):
            self.partner.with_user(internal).ajw_action_send_preferences()
        link, _token = self._hand_over()
        with self.assertRaises(AccessError):
            link.with_user(internal).action_cancel()
        link.with_user(self.consent_user).action_cancel()
        self.assertEqual(link.state, "cancelled")

    def test_merging_ends_the_links_of_the_contact_that_goes(self):
        link, token = self._hand_over()
        other = self._create_partner("Same Person", "+919876540321")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([self.partner.id, other.id], other)
        self.assertEqual(self.Link._open(token).problem, "cancelled")
        self.assertEqual(link.state, "cancelled")

    def test_ended_links_go(self):
        link, _token = self._hand_over()
        self._past(link)
        self.Link._gc_expired()
        self.assertEqual(link.state, "expired")
        link.expires_at = fields.Datetime.now() - timedelta(days=31)
        self.Link._gc_expired()
        self.assertFalse(link.exists())


@tagged("-at_install", "post_install")
class TestPreferenceLinkPage(PreferenceHttpCommon):
    """The public page of the link."""

    def test_C2_give_once_then_only_withdraw(self):
        link, token = self._hand_over()
        path = f"{PATH}/{token}"
        self.assertNotIn("checked", self.url_open(path).text)
        page = self._link_post(path, "give", self._key(self.purpose_invoice))
        self.assertIn('data-state="give"', page.text)
        self.assertIn("/ajw_consent/receipt/", page.text)
        self.assertEqual(self._kinds(), [("invoice", "given", "email_link")])
        self.assertEqual(link.state, "answered")
        page = self._link_post(path, "give", self._key(self.purpose_order))
        self.assertEqual(self._problem(page), ["answered_before"])
        page = self._link_post(path, "withdraw", self._key(self.purpose_invoice))
        self.assertIn('data-state="withdraw"', page.text)
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_page_names_no_address_in_full(self):
        _link, token = self._hand_over()
        page = self.url_open(f"{PATH}/{token}").text
        self.assertNotIn(self.number, page)
        self.assertNotIn("customer@example.com", page)
        self.assertIn(self.number[-3:], page)

    def test_get_and_forged_posts_change_nothing(self):
        _link, token = self._hand_over()
        path, key = f"{PATH}/{token}", self._key(self.purpose_invoice)
        before = self._preference_counts()
        for _time in range(2):
            self.url_open(f"{path}?decision=give&choice={key}&notice={self.notice.digest}")
        with mute_logger("odoo.http"):
            response = self.url_open(path, data={"decision": "give", "choice": key})
        self.assertEqual(response.status_code, 400)
        for decision, choices, values, problem in (
            ("give", (), {}, "nothing_ticked"),
            ("give", (key,), {"notice": "x"}, "notice_changed"),
            ("give", (key, "0-whatsapp"), {}, "purposes_changed"),
            ("withdraw", (key,), {}, "nothing_to_withdraw"),
            ("drop", (key,), {}, "unknown"),
        ):
            with self.subTest(problem=problem):
                page = self._link_post(path, decision, *choices, **values)
                self.assertEqual(self._problem(page), [problem])
        self.assertEqual(self._preference_counts(), before)

    def _assert_dead(self, token, problem, status=200):
        """A dead link says so to who looks and to who posts, and changes nothing."""
        self.env.flush_all()
        before = self._preference_counts()
        with mute_logger("odoo.http"):
            page = self.url_open(f"{PATH}/{token}")
        self.assertEqual((self._problem(page), page.status_code), ([problem], status))
        self.assertNotIn("<form", page.text)
        self.assertNotIn(self.partner.name, page.text)
        opened = self.url_open("/web/login")
        csrf = self._fields(opened.text)["csrf_token"]
        with mute_logger("odoo.http"):
            page = self.url_open(
                f"{PATH}/{token}",
                data={
                    "csrf_token": csrf,
                    "decision": "give",
                    "choice": self._key(self.purpose_invoice),
                    "notice": self.notice.digest,
                    "lang": "en_US",
                },
            )
        self.assertEqual(self._problem(page), [problem])
        self.assertEqual(self._preference_counts(), before)

    def test_expired_tampered_foreign_archived(self):
        link, token = self._hand_over()
        tampered = token[:-2] + ("AA" if token[-2:] != "AA" else "BA")
        self._assert_dead(tampered, "unknown", 404)
        self._assert_dead("A" * 600, "unknown", 404)
        self._assert_dead("%3Cscript%3E", "unknown", 404)
        self._assert_dead(new_token(), "unknown", 404)
        # A link of another kind.
        _invitation, invited = self._invite_and_send()
        self._assert_dead(invited, "unknown", 404)
        self.customer.active = False
        self.partner.active = False
        self._assert_dead(token, "contact_gone")
        self.partner.active = True
        self._past(link)
        self._assert_dead(token, "expired")
