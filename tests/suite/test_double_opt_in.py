"""An opt-in that counts only once confirmed: from the link in a mail to a delivered invoice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.support.portal import PortalCustomer

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


def send_link(stack, sandbox, accountant, partner, email):
    """Hand a contact the link to manage their consents, by email; return it."""
    action = accountant.call("res.partner", "ajw_action_send_preferences", [partner])
    wizard = accountant.create(
        action["res_model"], {"partner_id": partner, "way": "email"}, context=action["context"]
    )
    accountant.call(action["res_model"], "action_hand_over", [wizard])
    return link_to(stack, sandbox, email, "/ajw_consent/preferences")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_C2_nothing_over_whatsapp_before_the_person_confirmed(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    email = f"customer-{stack.new_number()[-5:]}@example.com"
    partner, number = stack.new_customer(accountant, email=email)
    move = stack.new_invoice(accountant, partner)
    with confirmed_only(stack, "invoice") as purpose:
        link = send_link(stack, sandbox, accountant, partner, email)
        browser.set_viewport(*size, mobile=size == PHONE)
        browser.open(link)
        browser.wait_for("form.give button", "I agree")
        assert not browser.evaluate("document.querySelectorAll('input:checked').length")
        assert kinds(stack, partner) == []
        box = f"input[type=checkbox][value='{purpose}-whatsapp']"
        browser.evaluate(f'document.querySelector("{box}").click()')
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


def test_A9_tabs_that_answer_at_once_record_it_once(stack, sandbox, accountant):
    email = f"customer-{stack.new_number()[-5:]}@example.com"
    partner, _number = stack.new_customer(accountant, email=email)
    link = send_link(stack, sandbox, accountant, partner, email)
    purpose = accountant.reference("ajw_consent.purpose_order")

    def tab():
        """Open the page as a window of its own; return the window and what its form holds."""
        window = requests.Session()
        page = window.get(link, timeout=30).text
        return window, dict(re.findall(r'name="(csrf_token|notice|lang)" value="([^"]*)"', page))

    def answer(opened, decision):
        window, form = opened
        form = {**form, "decision": decision, "choice": f"{purpose}-whatsapp"}
        return window.post(link, data=form, timeout=60).status_code

    for decision, expected in (("give", ["given"]), ("withdraw", ["given", "withdrawn"])):
        tabs = [tab() for _window in range(6)]
        with ThreadPoolExecutor(len(tabs)) as pool:
            statuses = list(pool.map(lambda each, said=decision: answer(each, said), tabs))
        assert statuses == [200] * len(tabs)
        assert kinds(stack, partner) == expected
    subjects = stack.query(
        "SELECT count(*) FROM ajw_consent_subject WHERE partner_id = %s", [partner]
    )
    assert subjects == [(1,)]


def test_A9_tabs_of_the_portal_that_answer_at_once_record_it_once(stack, accountant):
    """The very first answer: there is nothing of the person yet that could be locked."""
    customer = PortalCustomer(stack)
    form = customer.consent_form(accountant.reference("ajw_consent.purpose_order"))

    def answer(_tab):
        return customer.answer(form, "give")

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(answer, range(6))) == [303] * 6
    assert kinds(stack, customer.partner) == ["given"]
