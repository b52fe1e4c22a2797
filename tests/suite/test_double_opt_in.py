"""An opt-in that counts only once confirmed: from the link in a mail to a delivered invoice."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
import requests

DESKTOP = (1366, 800)
PHONE = (390, 844)


@contextmanager
def confirmed_only(stack, code):
    """Make a purpose count only once confirmed, for a while."""
    officer = stack.login("officer", "officer")
    purpose = officer.reference(f"ajw_consent.purpose_{code}")
    officer.call("ajw.consent.purpose", "write", [purpose], {"double_opt_in": True})
    try:
        yield purpose
    finally:
        officer.call("ajw.consent.purpose", "write", [purpose], {"double_opt_in": False})


def link_to(stack, sandbox, email, path):
    """Wait for a mail to an address that holds a link to a path, and return the link."""
    pattern = re.compile(rf"https?://[^\s\"'<>]+{path}/[\w.~-]+")

    def found():
        return [link for mail in sandbox.mails(email) for link in pattern.findall(mail["html"])]

    links = set(stack.wait_for(found, what=f"no mail with a link to {path} arrived"))
    assert len(links) == 1
    return links.pop()


def kinds(stack, partner):
    """Return the kinds of events in the ledger of one contact, oldest first."""
    rows = stack.query(
        "SELECT e.kind FROM ajw_consent_subject s JOIN ajw_consent_event e ON e.subject_id = s.id"
        " WHERE s.partner_id = %s ORDER BY e.id",
        [partner],
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_C2_nothing_over_whatsapp_before_the_person_confirmed(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    email = f"customer-{stack.new_number()[-5:]}@example.com"
    partner, number = stack.new_customer(accountant, email=email)
    move = stack.new_invoice(accountant, partner)
    with confirmed_only(stack, "invoice") as purpose:
        action = accountant.call("res.partner", "ajw_action_send_preferences", [partner])
        wizard = accountant.create(
            action["res_model"], {"partner_id": partner, "way": "email"}, context=action["context"]
        )
        accountant.call(action["res_model"], "action_hand_over", [wizard])
        browser.set_viewport(*size, mobile=size == PHONE)
        browser.open(link_to(stack, sandbox, email, "/ajw_consent/preferences"))
        browser.wait_for("form.give button", "I agree")
        assert not browser.evaluate("document.querySelectorAll('input:checked').length")
        assert kinds(stack, partner) == []
        browser.evaluate(f"document.querySelector('input[value=\"{purpose}-whatsapp\"]').click()")
        browser.click("form.give button", "I agree")
        browser.wait_for(".receipt", "confirm")
        browser.screenshot(screenshots / f"preferences-{name}.png", full=True)
        assert kinds(stack, partner) == ["given"]

        with pytest.raises(Exception, match="not confirmed"):
            stack.send(accountant, move)
        link = link_to(stack, sandbox, email, "/ajw_consent/confirm")
        # Scanners of mail follow links: reading confirms nothing, nor does a POST from elsewhere.
        for verb in ("GET", "HEAD", "GET"):
            assert requests.request(verb, link, timeout=30).status_code == 200
        assert requests.post(link, data={"decision": "confirm"}, timeout=30).status_code == 400
        assert kinds(stack, partner) == ["given"]
        assert sandbox.journal(number=number) == [], "nobody is asked over WhatsApp"

        browser.open(link)
        browser.wait_for("form button", "I confirm")
        assert number not in browser.texts("main")[0], "the number is masked"
        browser.screenshot(screenshots / f"confirmation-{name}.png", full=True)
        browser.click("button", "I confirm")
        browser.wait_for(".receipt", "counts from now on")
        assert kinds(stack, partner) == ["given", "confirmed"]
        stack.send(accountant, move)
        stack.wait_for_state(accountant, move, "delivered", "read")
        assert len(sandbox.journal(number=number, kind="send")) == 1

        # The receipt that the mail offers says what the ledger says.
        receipt = link_to(stack, sandbox, email, "/ajw_consent/receipt")
        told = requests.get(f"{receipt}/json", timeout=30).json()
        digest = stack.query(
            "SELECT hash FROM ajw_consent_event WHERE uuid = %s", [told["record_id"]]
        )
        assert digest == [(told["x_ledger"]["hash"],)]
        foreign = browser.evaluate(
            "performance.getEntriesByType('resource').map((entry) => entry.name)"
            ".filter((name) => !name.startsWith(location.origin))"
        )
        assert foreign == [], "A16: nothing is loaded from third parties"
        errors = [error for error in browser.console_errors if "favicon" not in error]
        assert errors == []
