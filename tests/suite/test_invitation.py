"""From nobody's consent to a delivered invoice: the invitation, the page, the answer, its end."""

from __future__ import annotations

import re

import pytest
import requests

DESKTOP = (1366, 800)
PHONE = (390, 844)
LINK = re.compile(r"https?://[^\s\"'<>]+/ajw_consent/invitation/[\w.~-]+")


def invite(stack, user, *partners):
    """Invite contacts through the wizard; return the number of the round."""
    wizard = user.create("ajw.consent.invite", {"partner_ids": [(6, 0, list(partners))]})
    return user.call("ajw.consent.invite", "action_invite", [wizard])["res_id"]


def link_in_mail(stack, sandbox, email):
    """Wait for the mail to one address and return the link in it."""
    mail = stack.wait_for(lambda: sandbox.mails(email), what="no invitation arrived")[0]
    found = set(LINK.findall(mail["html"]))
    assert len(found) == 1, "one link a mail, without trackers"
    return found.pop()


def ledger(stack, partner):
    """Return what the ledger and the states hold of one contact."""
    return stack.query(
        "SELECT e.id, e.kind, e.method, s.id FROM ajw_consent_subject s"
        " LEFT JOIN ajw_consent_event e ON e.subject_id = s.id WHERE s.partner_id = %s"
        " ORDER BY e.id",
        [partner],
    )


def invited(stack, user, amount=100.0):
    """Make a customer with an email, an invoice, and an invitation on its way."""
    email = f"customer-{stack.new_number()[-5:]}@example.com"
    partner, number = stack.new_customer(user, email=email)
    return partner, number, email, stack.new_invoice(user, partner, amount)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_A1_invited_by_mail_ticked_on_the_page_delivered_on_the_phone(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    partner, number, email, move = invited(stack, accountant)
    with pytest.raises(Exception, match="has not agreed"):
        stack.send(accountant, move)
    invite(stack, accountant, partner)
    link = link_in_mail(stack, sandbox, email)
    assert sandbox.journal(number=number) == [], "nobody is asked over WhatsApp"

    # Scanners of mail follow links: reading changes nothing.
    sent = "SELECT 1 FROM ajw_consent_invitation WHERE partner_id = %s AND state = 'sent'"
    stack.wait_for(lambda: stack.query(sent, [partner]), what="the invitation was not sent")
    rows = stack.query("SELECT * FROM ajw_consent_invitation WHERE partner_id = %s", [partner])
    for verb in ("GET", "HEAD", "GET"):
        assert requests.request(verb, link, timeout=30).status_code == 200
    assert ledger(stack, partner) == []
    assert rows == stack.query(
        "SELECT * FROM ajw_consent_invitation WHERE partner_id = %s", [partner]
    )
    # Nor does a POST that did not come from the page.
    assert requests.post(link, data={"decision": "agree"}, timeout=30).status_code == 400
    assert ledger(stack, partner) == []

    browser.set_viewport(*size, mobile=size == PHONE)
    browser.open(link)
    browser.wait_for("form button", "I agree")
    business = stack.query("SELECT name FROM res_company ORDER BY id LIMIT 1")[0][0]
    assert business in browser.texts("main")[0]
    assert number not in browser.texts("main")[0], "the number is masked"
    boxes = browser.evaluate(
        "[...document.querySelectorAll('input[name=purpose]')].map((box) => box.checked)"
    )
    assert len(boxes) > 1 and not any(boxes), "one box a purpose, none of them ticked"
    foreign = browser.evaluate(
        "performance.getEntriesByType('resource').map((entry) => entry.name)"
        ".filter((name) => !name.startsWith(location.origin))"
    )
    assert foreign == [], "A16: nothing is loaded from third parties"
    assert "<" not in browser.evaluate("document.body.innerText"), "no markup shows"
    browser.screenshot(screenshots / f"invitation-{name}.png", full=True)

    browser.click("button", "I agree")  # with none ticked
    browser.wait_for("[role=alert]", "nothing was recorded")
    assert ledger(stack, partner) == []
    browser.click("label.purpose", "nvoice")
    browser.click("button", "I agree")
    browser.wait_for(".receipt", "recorded")
    browser.screenshot(screenshots / f"invitation-answered-{name}.png", full=True)
    assert [row[1:3] for row in ledger(stack, partner)] == [("given", "email_link")]

    stack.send(accountant, move)
    stack.wait_for_state(accountant, move, "delivered", "read")
    assert len(sandbox.journal(number=number, kind="send")) == 1

    browser.open(link)
    browser.click("button", "Withdraw")
    browser.wait_for(".receipt", "withdrawn")
    assert [row[1] for row in ledger(stack, partner)] == ["given", "withdrawn"]
    second = stack.new_invoice(accountant, partner)
    with pytest.raises(Exception, match="withdrawn"):
        stack.send(accountant, second)
    assert len(sandbox.journal(number=number, kind="send")) == 1
    errors = [error for error in browser.console_errors if "favicon" not in error]
    assert errors == []


def test_A5_nobody_is_invited_twice_nor_after_a_no(stack, sandbox, accountant, browser):
    partner, _number, email, _move = invited(stack, accountant)
    invite(stack, accountant, partner)
    link = link_in_mail(stack, sandbox, email)
    with pytest.raises(Exception, match="None of these contacts"):
        invite(stack, accountant, partner)
    browser.open(link)
    browser.click("button", "No, thank you")
    browser.wait_for(".receipt", "You said no")
    # As if it had been long ago: a no is not forgotten with the set time.
    stack.query(
        "UPDATE ajw_consent_invitation SET sent_at = sent_at - interval '9 years'"
        " WHERE partner_id = %s",
        [partner],
    )
    with pytest.raises(Exception, match="None of these contacts"):
        invite(stack, accountant, partner)
    # Beside the email that confirms the no there was one invitation.
    asked = [mail for mail in sandbox.mails(email) if "/ajw_consent/invitation/" in mail["html"]]
    assert len(asked) == 1
