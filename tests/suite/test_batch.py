"""Many invoices at once: from the list to the phones, and through a crash while PDFs are made."""

from __future__ import annotations

import pytest

DESKTOP = (1366, 800)
PHONE = (390, 844)


def mixed_invoices(stack, user, willing=4):
    """Make invoices of customers who agreed and of one who did not, and a draft.

    :return: ``(numbers of those who agreed, number of the one who did not, all invoices)``
    """
    agreed, moves = [], []
    for _customer in range(willing):
        partner, number = stack.new_customer(user)
        stack.opt_in(user, partner, number)
        agreed.append(number)
        moves.append(stack.new_invoice(user, partner))
    stranger, refused = stack.new_customer(user)
    moves.append(stack.new_invoice(user, stranger))
    draft = user.create(
        "account.move",
        {
            "move_type": "out_invoice",
            "partner_id": stranger,
            "invoice_line_ids": [(0, 0, {"name": "Consulting", "price_unit": 10.0})],
        },
    )
    return agreed, refused, [*moves, draft]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_A1_a_batch_reaches_those_who_agreed_and_nobody_else(
    stack, sandbox, accountant, browser, screenshots, size
):
    name = "desktop" if size == DESKTOP else "phone"
    agreed, refused, moves = mixed_invoices(stack, accountant)
    action = accountant.call("account.move", "action_ajw_whatsapp_batch", moves)
    browser.set_viewport(*DESKTOP)
    browser.login(stack.odoo_url, "accountant", "accountant")
    browser.set_viewport(*size, mobile=size == PHONE)
    browser.open(f"{stack.odoo_url}/odoo/{action['res_model']}/{action['res_id']}")
    browser.wait_for(".o_ajw_whatsapp_batch_wizard [data-count=sending]", str(len(agreed)))
    browser.wait_for("[data-count=blocked]", "2")
    browser.screenshot(screenshots / f"batch-{name}.png", full=True)
    assert (
        stack.query("SELECT 1 FROM ajw_whatsapp_message WHERE res_id IN %s", [tuple(moves)]) == []
    )

    browser.click("button[name=action_send]")
    browser.wait_for(".o_ajw_whatsapp_batch")
    for move in moves[: len(agreed)]:
        stack.wait_for_state(accountant, move, "delivered", "read")
    browser.wait_for(".o_ajw_whatsapp_batch_progress[data-under-way='0']")
    browser.wait_for("[data-count=delivered]", str(len(agreed)))
    browser.screenshot(screenshots / f"batch-done-{name}.png", full=True)
    for number in agreed:
        assert len(sandbox.journal(number=number, kind="send")) == 1
    assert sandbox.journal(number=refused) == []
    assert [stack.messages(accountant, move) for move in moves[len(agreed) :]] == [[], []]
    errors = [error for error in browser.console_errors if "favicon" not in error]
    assert errors == []


def test_a_server_killed_while_it_renders_leaves_nothing_behind(stack, sandbox, accountant):
    agreed, _refused, moves = mixed_invoices(stack, accountant, willing=30)
    action = accountant.call("account.move", "action_ajw_whatsapp_batch", moves)
    accountant.call(action["res_model"], "action_send", [action["res_id"]])

    def waiting():
        return stack.query(
            "SELECT count(*) FROM ajw_whatsapp_message WHERE state = 'preparing'"
            " AND render_attempts > 0 AND res_id IN %s",
            [tuple(moves)],
        )[0][0]

    stack.wait_for(waiting, what="nothing was being rendered")
    stack.kill_odoo()
    assert waiting(), "the crash came too late to show anything"
    stack.start_odoo()
    stack.shell("env['ajw.whatsapp.account'].search([])._wake_sender(); env.cr.commit()")
    for move in moves[: len(agreed)]:
        stack.wait_for_state(accountant, move, "delivered", "read")
    for number in agreed:
        assert len(sandbox.journal(number=number, kind="send")) == 1
