"""The screens of the consent ledger in a real browser, at a desk and on a telephone."""

from __future__ import annotations

import re
import secrets
import urllib.parse

import pytest

DESKTOP = (1366, 800)
PHONE = (390, 844)
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
#: What an officer finds in the menus; each opens with something in it or with what to do first.
SCREENS = (
    *("state", "event", "notice", "announcement", "announcement_recipient", "confirmation"),
    *("invitation", "invitation_batch", "import", "origin", "preference_link", "purpose"),
    *("seal", "verification", "attestation", "proof_export", "suppression", "restriction"),
    *("evidence", "subject", "report"),
)
#: Lists of few columns, or for auditors at a desk.
ON_DESKS_ONLY = ("preference_link", "purpose", "evidence", "subject", "invitation_batch")


def name_of(size):
    return "desktop" if size == DESKTOP else "phone"


def resize(browser, size):
    browser.set_viewport(*size, mobile=size == PHONE)


def enter(browser, stack, login, password, size):
    """Log in as a user of the back office; the form is filled in at a desk."""
    browser.set_viewport(*DESKTOP)
    browser.login(stack.odoo_url, login, password)
    resize(browser, size)


def assert_fits(browser, what):
    """Nothing sticks out at the right, and no dialog tells of an error."""
    assert not browser.has(".o_error_dialog, .o_dialog_error"), what
    wide = "document.documentElement.scrollWidth > window.innerWidth"
    assert not browser.evaluate(wide), f"{what} is wider than the window"


def settle(browser):
    """Wait until nothing fades in or moves any more."""
    browser.wait_until(
        "document.getAnimations().every((each) => each.playState !== 'running')", "to settle"
    )


def errors(browser):
    return [error for error in browser.console_errors if "favicon" not in error]


def portal_customer(stack):
    """A customer with a login, a number and an email address; return contact id and login."""
    admin = stack.login("admin")
    login = f"customer-{secrets.token_hex(3)}@example.com"
    user = admin.create(
        "res.users",
        {
            "name": "Portal Customer",
            "login": login,
            "password": login,
            "email": login,
            "group_ids": [(6, 0, [admin.reference("base.group_portal")])],
        },
        context={"no_reset_password": True},
    )
    partner = admin.read("res.users", user, "partner_id")["partner_id"][0]
    admin.call("res.partner", "write", [partner], {"phone": stack.new_number()})
    return partner, login


@SIZES
def test_A9_the_customer_gives_and_withdraws_in_the_portal(
    stack, accountant, browser, screenshots, size
):
    partner, login = portal_customer(stack)
    resize(browser, size)
    browser.open(f"{stack.odoo_url}/web/login?redirect=/my/consents")
    browser.type("input#login", login)
    browser.type("input#password", login)
    browser.click("button[type=submit]", "Log in")
    browser.wait_for("h1, h2, h3", "Your consents")
    ticked = "document.querySelectorAll('input[type=checkbox]:checked').length"
    assert browser.evaluate("document.querySelectorAll('input[name=choice]').length") > 1
    assert browser.evaluate(ticked) == 0, "no box is ticked"
    assert_fits(browser, "the preference centre")

    browser.click("label", "Invoices")
    browser.click("button[value=give]")
    browser.wait_for("button[value=withdraw], button", "Withdraw")
    kinds = "SELECT e.kind FROM ajw_consent_event e JOIN ajw_consent_subject s ON"
    kinds += " s.id = e.subject_id WHERE s.partner_id = %s ORDER BY e.id"
    assert stack.query(kinds, [partner]) == [("given",)]
    settle(browser)
    browser.screenshot(screenshots / f"preferences-{name_of(size)}.png")
    assert_fits(browser, "the preference centre after an answer")
    receipt = browser.evaluate(
        "[...document.querySelectorAll('a')].map((link) => link.getAttribute('href'))"
        ".find((href) => /consents.receipt.*json/.test(href || ''))"
    )
    told = browser.evaluate(f"fetch({receipt!r}).then((answer) => answer.json())")
    assert stack.query("SELECT hash FROM ajw_consent_event WHERE uuid = %s", [told["record_id"]])

    browser.click("button", "Withdraw")  # one click
    browser.wait_until("!document.body.innerText.includes('You agreed')", "the withdrawal")
    assert stack.query(kinds, [partner]) == [("given",), ("withdrawn",)]
    assert errors(browser) == []


@SIZES
def test_A10_the_public_page_of_the_notice(stack, browser, screenshots, size):
    officer = stack.login("officer")
    (notice,) = officer.search_read(
        "ajw.consent.notice",
        [("state", "=", "published"), ("source_id", "=", False)],
        *("title", "officer_contact", "recipients"),
        order="version desc",
        limit=1,
    )
    url = officer.call("ajw.consent.notice", "action_open_public", [notice["id"]])["url"]
    resize(browser, size)
    browser.open(stack.odoo_url + urllib.parse.urlparse(url).path)
    text = browser.wait_for("main")
    for words in (notice["title"], notice["officer_contact"], "latest version", "All versions"):
        assert words in re.sub(r"\s+", " ", text)
    foreign = browser.evaluate(
        "performance.getEntriesByType('resource').map((entry) => entry.name)"
        ".filter((name) => !name.startsWith(location.origin))"
    )
    assert foreign == [], "A16: nothing is loaded from third parties"
    assert_fits(browser, "the notice's page")
    browser.screenshot(screenshots / f"notice-page-{name_of(size)}.png", full=True)
    assert errors(browser) == []


@SIZES
def test_A13_a_notice_says_what_it_lacks(stack, browser, screenshots, size):
    officer = stack.login("officer")
    (first,) = officer.search_read(
        "ajw.consent.notice", [("state", "=", "published")], "title", order="version desc", limit=1
    )
    (draft,) = officer.call(
        "ajw.consent.notice",
        "copy",
        [first["id"]],
        default={"recipients": False, "officer_contact": False, "title": "News about your orders"},
    )
    enter(browser, stack, "officer", "officer", size)
    try:
        action = "action-ajw_consent.ajw_consent_notice_action"
        browser.open(f"{stack.odoo_url}/odoo/{action}/{draft}")
        lacks = browser.wait_for(".alert", "Before it can be published")
        assert "recipients" in lacks and "officer" in lacks.lower()
        assert_fits(browser, "the notice")
        settle(browser)
        browser.screenshot(screenshots / f"notice-{name_of(size)}.png")
        browser.click("button[name=action_publish]")
        assert "cannot be published" in browser.wait_for(".modal .modal-body", "recipients")
        state = stack.query("SELECT state FROM ajw_consent_notice WHERE id = %s", [draft])
        assert state == [("draft",)]
    finally:
        officer.call("ajw.consent.notice", "unlink", [draft])
    assert errors(browser) == []


@SIZES
def test_A1_the_contact_shows_every_answer_with_its_proof(
    stack, accountant, browser, screenshots, size
):
    email = f"customer-{secrets.token_hex(2)}@example.com"
    partner, number = stack.new_customer(accountant, email=email)
    stack.opt_in(accountant, partner, number, "invoice", "order")
    enter(browser, stack, "accountant", "accountant", size)
    browser.open(f"{stack.odoo_url}/odoo/res.partner/{partner}")
    # The chatter comes late and moves what is above it.
    browser.wait_for(".o_form_view .o-mail-Message, .o-mail-Message")
    browser.click(".o_notebook .nav-link", "Consents")
    browser.wait_for(".o_notebook .tab-pane.active", "Allowed")
    browser.evaluate(
        "document.querySelector('.o_notebook .tab-pane.active').scrollIntoView({block: 'start'})"
    )
    settle(browser)
    assert_fits(browser, "the contact")
    browser.screenshot(screenshots / f"contact-{name_of(size)}.png")
    shown = browser.texts(".o_notebook .tab-pane.active")[0]
    assert "Not asked" in shown and "What happened" in shown and "Proof" in shown
    assert errors(browser) == []


@SIZES
def test_A2_sealing_and_verifying(stack, accountant, browser, screenshots, size):
    partner, number = stack.new_customer(accountant)
    stack.opt_in(accountant, partner, number)
    officer = stack.login("officer")
    officer.call("ajw.consent.seal", "action_seal_now", [])
    (seal,) = officer.search_read(
        "ajw.consent.seal", [], "hash", "sequence", order="sequence desc", limit=1
    )
    enter(browser, stack, "officer", "officer", size)
    action = "action-ajw_consent.ajw_consent_seal_action"
    browser.open(f"{stack.odoo_url}/odoo/{action}/{seal['id']}")
    assert seal["hash"] in re.sub(r"\s", "", browser.wait_for(".o_form_view", "Seal"))
    assert_fits(browser, "the seal")
    settle(browser)
    browser.screenshot(screenshots / f"seal-{name_of(size)}.png")
    browser.click("button[name=action_verify]")
    browser.click(".modal footer button, .modal .btn-primary", "Verify")
    browser.wait_for(".o_form_view .alert-success")
    assert_fits(browser, "the verification")
    settle(browser)
    browser.screenshot(screenshots / f"verification-{name_of(size)}.png")
    (run,) = officer.search_read(
        "ajw.consent.verification", [], "state", "problem_count", order="id desc", limit=1
    )
    assert (run["state"], run["problem_count"]) == ("intact", 0)
    assert errors(browser) == []


@SIZES
def test_A6_every_screen_of_an_officer_opens(stack, browser, screenshots, size):
    enter(browser, stack, "officer", "officer", size)
    for screen in SCREENS:
        browser.open(f"{stack.odoo_url}/odoo/action-ajw_consent.ajw_consent_{screen}_action")
        browser.wait_for(".o_action_manager .o_view_controller")
        browser.wait_for(
            ".o_data_row, .o_kanban_record:not(.o_kanban_ghost), .o_view_nocontent,"
            " .o_graph_view canvas, .o_pivot_view table, .o_list_renderer, .o_kanban_renderer"
        )
        assert_fits(browser, screen)
        if size == PHONE and not browser.has(".o_kanban_view, .o_graph_view"):
            # A list on a telephone is cut off at the right.
            assert screen in ON_DESKS_ONLY, f"{screen} has no view for a telephone"
        assert errors(browser) == [], screen
