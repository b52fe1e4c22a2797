import re
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .invitation_common import InvitationHttpCommon
from .test_invitation_browser import PublicBrowser


class NoticePageCommon(InvitationHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Notice = cls.env["ajw.consent.notice"]
        cls.path = cls.company._ajw_notice_url().removeprefix(cls.company.get_base_url())

    def _version(self, **values):
        notice = self.Notice.create(
            {
                "company_id": self.company.id,
                "lang": "en_US",
                "legal_entity": "Ledger Trading",
                "officer_contact": "privacy@ledger-trading.example",
                **values,
            }
        )
        notice.action_publish()
        return notice


@tagged("-at_install", "post_install")
class TestNoticePage(NoticePageCommon):
    def test_A10_the_latest_is_shown_to_everybody(self):
        newer = self._version(title="Newer wording")
        response = self.url_open(self.path)
        self.assertEqual(response.status_code, 200)
        self.assertIn("Newer wording", response.text)
        self.assertIn(newer.line_ids[0].data_items, response.text)
        self.assertIn('data-current="yes"', response.text)
        self.assertNotIn("Draft only", response.text)

    def test_A10_every_version_stays_in_the_archive(self):
        self._version(title="Newer wording")
        self.Notice.create({"company_id": self.company.id, "title": "Draft only"})
        response = self.url_open(self.path)
        self.assertIn("version=1", response.text)
        self.assertNotIn("Draft only", response.text)
        old = self.url_open(f"{self.path}?version=1")
        self.assertIn(self.notice.title, old.text)
        self.assertIn('data-current="no"', old.text)

    def test_what_was_in_force_on_a_day(self):
        self._version(title="Newer wording")
        self.env.cr.execute(
            "UPDATE ajw_consent_notice SET effective_at = now() - interval '10 days' WHERE id = %s",
            [self.notice.id],
        )
        self.env.invalidate_all()
        day = fields.Date.to_string(fields.Date.today() - timedelta(days=3))
        response = self.url_open(f"{self.path}?on={day}")
        self.assertIn(f"In force on {day}", " ".join(response.text.split()))
        self.assertNotIn("Newer wording</h1>", response.text)
        long_ago = self.url_open(f"{self.path}?on=2001-01-01")
        self.assertEqual(long_ago.status_code, 404)

    def test_A10_a_change_to_come_is_known(self):
        self._version(title="Later", effective_at=fields.Datetime.now() + timedelta(days=5))
        self.assertNotIn("Later</h1>", self.url_open(self.path).text)
        later = self.url_open(f"{self.path}?version=2").text
        self.assertIn("takes effect on", later)

    def test_languages_of_one_version(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        french = self.notice.copy(
            {
                "source_id": self.notice.id,
                "lang": "fr_FR",
                "title": "Factures par WhatsApp",
                "body": "J'accepte que Ledger Trading m'écrive par WhatsApp.",
            }
        )
        self.assertNotIn("Factures par", self.url_open(f"{self.path}?lang=fr_FR").text)
        french.action_review()
        french.action_publish()
        self.env.flush_all()
        page = self.url_open(f"{self.path}?lang=fr_FR").text
        self.assertIn("Factures par", page)
        self.assertIn('lang="fr-FR"', page)

    def test_A16_nothing_is_loaded_from_anybody_else(self):
        response = self.url_open(self.path)
        policy = response.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("script-src", policy)
        self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
        addresses = re.findall(r'(?:src|href|action)="([^"]+)"', response.text)
        self.assertTrue(addresses)
        for address in addresses:
            self.assertTrue(address.startswith(("/", "data:,", "?")), address)
            self.assertFalse(address.startswith("//"), address)
        self.assertNotIn("<script", response.text)

    def test_page_knows_no_person(self):
        self._opt_in(self.partner)
        page = self.url_open(self.path).text
        for secret in (self.partner.name, self.number, self.partner.email, self.officer.name):
            self.assertNotIn(secret, page)

    def test_bad_addresses(self):
        for path, status in (
            ("/ajw/consent/notice/unknown", 404),
            (f"/ajw/consent/notice/{self.company.id}", 404),
            (f"{self.path}?version=99", 404),
            (f"{self.path}?version=%27--", 404),
            (f"{self.path}?on=2026-13-77", 404),
            (f"{self.path}?lang=%3Cscript%3E", 200),
        ):
            with self.subTest(path):
                response = self.url_open(path)
                self.assertEqual(response.status_code, status)
                self.assertNotIn("Traceback", response.text)
                self.assertNotIn("<script>", response.text)

    def test_wording_is_escaped(self):
        self._version(
            title="<script>alert(1)</script>",
            body="Ledger Trading <b>writes</b> over WhatsApp.",
        )
        page = self.url_open(self.path).text
        self.assertNotIn("<script>", page)
        self.assertNotIn("<b>writes</b>", page)

    def test_A10_invitations_lead_to_it(self):
        _invitation, token = self._invite_and_send()
        page = self.url_open(f"/ajw_consent/invitation/{token}").text
        self.assertIn(f'href="{self.path}?lang=en_US"', page)

    # -- preview -----------------------------------------------------------------------------------

    def test_preview_of_a_draft(self):
        draft = self.notice.copy({"title": "Draft only"})
        url = f"/ajw_consent/notice/{draft.id}/preview"
        self.assertNotIn("Draft only", self.url_open(url).text)
        self.authenticate("consent_officer", "consent_officer")
        frames = self.url_open(url)
        self.assertEqual(frames.text.count("<iframe"), 2)
        self.assertIn("frame-src 'self'", frames.headers["Content-Security-Policy"])
        page = self.url_open(f"{url}?frame=1").text
        self.assertIn("Draft only", page)
        self.assertIn(draft.line_ids[0].description, page)
        self.assertNotIn("<form", page)
        self.assertEqual(draft.state, "draft")


@tagged("-at_install", "post_install")
class TestNoticeBrowser(NoticePageCommon):
    """The public page in a real browser, at a desk."""

    device = "desk"

    def _fits(self, page):
        self.assertTrue(
            page.run("document.documentElement.scrollWidth <= window.innerWidth"),
            "nothing sticks out",
        )

    def test_A10_read_the_latest_and_the_archive(self):
        self._version(title="Newer wording")
        page = PublicBrowser(self)
        page.open(self.path)
        page.wait_for("document.querySelector('h1').innerText === 'Newer wording'")
        self._fits(page)
        self.assertFalse(
            page.run(
                "performance.getEntriesByType('resource')"
                ".some(each => new URL(each.name).host !== location.host)"
            )
        )
        page.picture(f"notice_{self.device}")
        page.click('.archive a[href*="version=1&"]')
        page.wait_for("document.querySelector('.status[data-current=no]')")
        self._fits(page)
        page.click(".status a")
        page.wait_for("document.querySelector('.status[data-current=yes]')")


@tagged("-at_install", "post_install")
class TestNoticeBrowserPhone(TestNoticeBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
    device = "phone"
