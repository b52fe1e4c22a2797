"""The main job in a real browser: an invoice arrives on the customer's phone, or nothing does."""

from __future__ import annotations

import pytest

DESKTOP = (1366, 800)
PHONE = (390, 844)


def open_invoice(browser, stack, move, size):
    """Log in as the accountant and open an invoice at a screen's size."""
    browser.set_viewport(*DESKTOP)
    browser.login(stack.odoo_url, "accountant", "accountant")
    browser.set_viewport(*size, mobile=size == PHONE)
    browser.open(f"{stack.odoo_url}/odoo/action-account.action_move_out_invoice_type/{move}")
    browser.wait_for(".o_form_view .o_form_sheet")


def press_send_via_whatsapp(browser):
    """Press the button, which a narrow screen keeps in a menu, and wait for the composer."""
    button = "button[name=action_ajw_whatsapp_compose]"
    if not browser.has(button):
        browser.click(".o_statusbar_buttons .o-dropdown, .o_statusbar_buttons .dropdown-toggle")
    browser.click(button)
    return browser.wait_for(".modal .o_form_view")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_A1_invoice_arrives_on_the_phone_and_the_ticks_turn_blue(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    partner, number = stack.new_customer(accountant)
    stack.opt_in(accountant, partner, number)
    move = stack.new_invoice(accountant, partner, 1250.0)
    open_invoice(browser, stack, move, size)
    browser.screenshot(screenshots / f"invoice-{name}.png")
    press_send_via_whatsapp(browser)
    browser.wait_for(".modal .o_ajw_whatsapp_document", ".pdf")
    browser.screenshot(screenshots / f"composer-{name}.png")
    browser.click(".modal button[name=action_send]")
    browser.wait_gone(".modal")
    stack.wait_for_state(accountant, move, "delivered")
    sends = [entry for entry in sandbox.journal(number=number) if entry["kind"] == "send"]
    assert len(sends) == 1

    browser.set_viewport(*PHONE, mobile=True)
    browser.open(f"{stack.sandbox_url}/phone/{number}")
    browser.wait_for(".message")
    browser.wait_for(".document", ".pdf")
    browser.screenshot(screenshots / f"customer-phone-{name}.png")
    document = browser.evaluate(
        "fetch(document.querySelector('.document a').href).then(async (answer) => ["
        "answer.status, answer.headers.get('content-type'),"
        "new TextDecoder('latin1').decode((await answer.arrayBuffer()).slice(0, 5))])"
    )
    assert document == [200, "application/pdf", "%PDF-"]
    stack.wait_for_state(accountant, move, "read")

    browser.set_viewport(*size, mobile=size == PHONE)
    browser.open(f"{stack.odoo_url}/odoo/action-account.action_move_out_invoice_type/{move}")
    browser.wait_for(".o_ajw_whatsapp_status[data-state=read]")
    browser.screenshot(screenshots / f"read-{name}.png")
    errors = [error for error in browser.console_errors if "favicon" not in error]
    assert errors == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_A1_without_opt_in_nothing_is_called(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    partner, number = stack.new_customer(accountant)
    move = stack.new_invoice(accountant, partner)
    before = len(sandbox.journal())
    open_invoice(browser, stack, move, size)
    text = press_send_via_whatsapp(browser)
    browser.wait_for(".modal", "has not agreed")
    browser.screenshot(screenshots / f"refused-{name}.png")
    assert "has not agreed" in browser.texts(".modal")[0] or "has not agreed" in text
    send = ".modal button[name=action_send]"
    assert not browser.has(send) or browser.evaluate(
        f"document.querySelector({send!r}).disabled"
    ), "sending is not offered"
    assert stack.messages(accountant, move) == []
    assert sandbox.journal(number=number) == []
    assert len(sandbox.journal()) == before


def test_A9_stop_typed_on_the_phone_page(stack, sandbox, accountant, browser, screenshots):
    partner, number = stack.new_customer(accountant)
    stack.opt_in(accountant, partner, number)
    stack.send(accountant, stack.new_invoice(accountant, partner))
    stack.wait_for(lambda: sandbox.journal(number=number, kind="send"))
    browser.set_viewport(*PHONE, mobile=True)
    browser.open(f"{stack.sandbox_url}/phone/{number}")
    browser.wait_for(".document a")
    browser.click("#stop")

    def withdrawn():
        rows = accountant.search_read(
            "ajw.consent.state", [("partner_id", "=", partner), ("address", "=", number)], "status"
        )
        return rows and {row["status"] for row in rows} == {"withdrawn"}

    stack.wait_for(withdrawn, what="the withdrawal is not on record")
    browser.screenshot(screenshots / "stop.png")
    calls = len(sandbox.journal(number=number, kind="send"))
    move = stack.new_invoice(accountant, partner)
    with pytest.raises(Exception, match="withdrawn"):
        stack.send(accountant, move)
    assert stack.messages(accountant, move) == []
    assert len(sandbox.journal(number=number, kind="send")) == calls
