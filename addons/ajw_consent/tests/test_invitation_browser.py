import base64
import time

import odoo.tools
from odoo.tests import tagged
from odoo.tests.common import ChromeBrowser, save_test_file

from .invitation_common import InvitationHttpCommon

PATIENCE = 10


class PublicBrowser:
    """A stranger's browser on a page that runs no script of ours."""

    def __init__(self, test):
        self.test = test
        self.browser = ChromeBrowser(test)
        test.addCleanup(self.browser.stop)
        test.enterContext(test.allow_requests(browser=self.browser))

    def open(self, path):
        self.test.env.flush_all()
        self.browser.navigate_to(self.test.base_url() + path, wait_stop=True)

    def run(self, expression):
        answer = self.browser._websocket_request(
            "Runtime.evaluate", params={"expression": expression, "returnByValue": True}
        )
        return answer["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.run(f"document.readyState === 'complete' && Boolean({expression})"):
                # The requests share the test's cursor.
                self.test._wait_remaining_requests()
                return
            time.sleep(0.1)
        self.test.fail(f"Not in {PATIENCE} s: {expression}\n{self.run('document.body.innerText')}")

    def click(self, selector):
        self.wait_for(f"document.querySelector('{selector}')")
        self.run(f"document.querySelector('{selector}').click()")

    def picture(self, name):
        """Save a picture where pictures are wanted."""
        if odoo.tools.config["screenshots"]:
            shot = self.browser._websocket_request(
                "Page.captureScreenshot", params={"captureBeyondViewport": True}
            )
            save_test_file(name, base64.b64decode(shot["data"]), "sc_")


@tagged("-at_install", "post_install")
class TestInvitationBrowser(InvitationHttpCommon):
    """Inviting and answering in a real browser, at a desk."""

    device = "desk"

    def test_invite_from_a_contact(self):
        self.start_tour(
            f"/odoo/res.partner/{self.partner.id}", "ajw_consent_invite", login="consent_user"
        )
        row = self.Invitation.search([("partner_id", "=", self.partner.id)])
        self.assertEqual((row.state, row.email), ("queued", "customer@example.com"))
        self.assertEqual(row.create_uid, self.consent_user)

    def test_A1_answer_on_the_page(self):
        _invitation, token = self._invite_and_send()
        page = PublicBrowser(self)
        page.open(f"/ajw_consent/invitation/{token}")
        page.wait_for("document.querySelectorAll('input[type=checkbox]').length === 2")
        self.assertFalse(page.run("document.querySelectorAll('input:checked').length"))
        width = "document.documentElement.scrollWidth <= window.innerWidth"
        self.assertTrue(page.run(width), "nothing sticks out")
        page.picture(f"invitation_{self.device}")
        page.click("button[value=agree]")
        page.wait_for("document.querySelector('[data-problem=nothing_ticked]')")
        self.env.invalidate_all()
        self.assertFalse(self._ask_gate(self.partner).allowed)
        page.click("input[type=checkbox]")
        page.click("button[value=agree]")
        page.wait_for("document.querySelector('.receipt[data-state=answered]')")
        page.picture(f"receipt_{self.device}")
        self.env.invalidate_all()
        self.assertTrue(self._ask_gate(self.partner).allowed)
        page.click("button[value=withdraw]")
        page.wait_for("document.querySelector('h1').innerText === 'Withdrawn'")
        self.env.invalidate_all()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_card_on_the_page(self):
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: "918800000")
        path = self.company._ajw_card_url().removeprefix(self.company.get_base_url())
        page = PublicBrowser(self)
        page.open(path)
        page.wait_for("document.querySelector('input[name=number]')")
        page.picture(f"card_{self.device}")
        page.run("document.querySelector('input[name=number]').value = '98765 40001'")
        page.click("input[type=checkbox]")
        page.click("button.primary")
        page.wait_for("document.querySelector('a.button[href^=\"https://wa.me/918800000?\"]')")
        page.picture(f"card_code_{self.device}")
        row = self.Invitation.search([("source", "=", "card")])
        self.assertEqual((row.state, row.address), ("unconfirmed", "+919876540001"))


@tagged("-at_install", "post_install")
class TestInvitationBrowserPhone(TestInvitationBrowser):
    """The same on a telephone."""

    allow_inherited_tests_method = True
    browser_size = "390x844"
    touch_enabled = True
    device = "phone"
