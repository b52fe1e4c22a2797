from odoo.tests import tagged

from .preference_common import PreferenceHttpCommon
from .test_invitation_browser import PublicBrowser


@tagged("-at_install", "post_install")
class TestPreferenceBrowser(PreferenceHttpCommon):
    """Managing one's consents in a real browser, at a desk."""

    browser_size = "1366x768"
    device = "desk"

    def test_A9_preference_centre(self):
        self.start_tour("/my/home", "ajw_consent_preferences", login="preference_customer")
        self.env.invalidate_all()
        self.assertEqual(
            self._kinds(),
            [
                ("invoice", "given", "portal"),
                ("invoice", "withdrawn", "portal"),
                ("order", "refused", "portal"),
            ],
        )

    def _assert_fits(self, page):
        width = "document.documentElement.scrollWidth <= window.innerWidth"
        self.assertTrue(page.run(width), "nothing sticks out")

    def test_C2_from_the_mail_to_confirmed(self):
        """Agreeing on the page of a link, then confirming by the link in the mail."""
        _link, token = self._hand_over()
        page = PublicBrowser(self)
        page.open(f"/ajw_consent/preferences/{token}")
        box = f'input[type=checkbox][value="{self._key(self.purpose_marketing)}"]'
        page.wait_for(f"document.querySelector('{box}')")
        self.assertFalse(page.run("document.querySelectorAll('input:checked').length"))
        self._assert_fits(page)
        page.picture(f"preferences_{self.device}")
        page.click(box)
        page.click("button[value=give]")
        page.wait_for("document.querySelector('.receipt[data-state=give]')")
        self.env.invalidate_all()
        answer = self._ask_gate(self.partner, self.purpose_marketing)
        self.assertEqual((answer.allowed, answer.reason), (False, "unconfirmed"))
        self._run_confirmations()
        page.open(f"/ajw_consent/confirm/{self._link_in('/ajw_consent/confirm')}")
        page.wait_for("document.querySelector('button[value=confirm]')")
        self._assert_fits(page)
        page.picture(f"confirmation_{self.device}")
        self.env.invalidate_all()
        self.assertFalse(self._ask_gate(self.partner, self.purpose_marketing).allowed)
        page.click("button[value=confirm]")
        page.wait_for("document.querySelector('.receipt[data-state=confirmed]')")
        self.env.invalidate_all()
        self.assertTrue(self._ask_gate(self.partner, self.purpose_marketing).allowed)
        page.click("a.button")
        page.wait_for("document.querySelector('.receipt[data-state=receipts]')")
        self._assert_fits(page)
        page.picture(f"receipts_{self.device}")


@tagged("-at_install", "post_install")
class TestPreferenceBrowserPhone(TestPreferenceBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
    device = "phone"
