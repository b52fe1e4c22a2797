"""A newcomer's set-up, from an empty account to a message on the own phone, against the sandbox."""

from __future__ import annotations

import pytest

from harness.seeding import new_account

DESKTOP = (1366, 800)
PHONE = (390, 844)
MODEL = "ajw.whatsapp.account"
PIN = "314159"


class Newcomer:
    """A WhatsApp manager who connects another number, step by step."""

    def __init__(self, stack, sandbox):
        self.stack, self.sandbox = stack, sandbox
        self.user = stack.login("manager")
        self.meta = {**new_account(), "registered": False, "subscribed": False}
        self.id = self.user.create(MODEL, {"name": "Second number", "base_url": stack.sandbox_url})

    def write(self, *names):
        self.user.call(MODEL, "write", [self.id], {name: self.meta[name] for name in names})

    def press(self, button, *arguments):
        return self.user.call(MODEL, button, [self.id], *arguments)

    def found(self, *keys):
        """Check the step and return what was found: key → ok, bad or unknown."""
        self.press("action_setup_check")
        (row,) = self.user.search_read(MODEL, [("id", "=", self.id)], "self_test")
        results = {check["key"]: check["result"] for check in row["self_test"]}
        return tuple(results[key] for key in keys)

    def announce(self):
        """What happens on Meta's pages: the app with its number, the callback typed in."""
        (row,) = self.user.search_read(MODEL, [("id", "=", self.id)], "webhook_url")
        self.sandbox.register({**self.meta, "callback_url": row["webhook_url"]})


@pytest.fixture
def newcomer(stack, sandbox):
    return Newcomer(stack, sandbox)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_way_of_a_newcomer(stack, newcomer, browser, screenshots, size):
    name = "desktop" if size == DESKTOP else "phone"
    browser.set_viewport(*DESKTOP)
    browser.login(stack.odoo_url, "manager", "manager")
    browser.set_viewport(*size, mobile=size == PHONE)

    def look(step, title):
        browser.open(f"{stack.odoo_url}/odoo/action-ajw_whatsapp.ajw_whatsapp_account_action_setup")
        browser.open(
            f"{stack.odoo_url}/odoo/action-ajw_whatsapp.ajw_whatsapp_account_action_setup"
            f"/{newcomer.id}"
        )
        browser.wait_for(".o_ajw_whatsapp_setup h2", title)
        browser.screenshot(screenshots / f"setup-{step}-{name}.png", full=True)

    newcomer.announce()
    newcomer.press("action_setup_next")
    with pytest.raises(Exception, match="App ID"):
        newcomer.press("action_setup_next")
    newcomer.write("app_id", "app_secret")
    newcomer.press("action_setup_next")
    newcomer.write("phone_number_id", "waba_id")
    newcomer.press("action_setup_next")
    newcomer.user.call(MODEL, "write", [newcomer.id], {"access_token": "mistyped"})
    assert newcomer.found("token") == ("bad",)
    newcomer.write("access_token")
    assert newcomer.found("token", "number") == ("ok", "ok")
    newcomer.press("action_setup_next")

    assert newcomer.found("registered") == ("bad",)
    look("register", "Register the number")
    wrong = newcomer.press("action_register_number", "12")
    assert not wrong["ok"] and "six digits" in wrong["text"]
    assert newcomer.press("action_register_number", PIN)["ok"]
    assert newcomer.found("registered") == ("ok",)
    kept = stack.shell(
        f"import json; account = env['ajw.whatsapp.account'].browse({newcomer.id});"
        "print(json.dumps([account.read(), account.message_ids.mapped('body')], default=str))"
    )
    assert PIN not in kept, "the PIN is kept nowhere"
    newcomer.press("action_setup_next")

    # Connecting subscribed the app; somebody takes it back on Meta's pages.
    newcomer.meta["registered"] = True
    newcomer.announce()
    assert newcomer.found("subscribed") == ("bad",)
    newcomer.press("action_subscribe_app")
    newcomer.meta["verify_token"] = newcomer.press("action_generate_verify_token")
    del newcomer.meta["subscribed"], newcomer.meta["registered"]
    newcomer.announce()
    assert newcomer.sandbox.verify_callback(newcomer.meta["waba_id"])["ok"]
    assert newcomer.found("subscribed", "callback")[0] == "ok"
    look("webhook", "Reports from Meta")
    newcomer.press("action_setup_next")
    newcomer.press("action_setup_next")
    newcomer.press("action_create_starter_templates")
    Template = "ajw.whatsapp.template"
    templates = newcomer.user.search_read(Template, [("account_id", "=", newcomer.id)], "name")
    newcomer.user.call(Template, "action_submit", [row["id"] for row in templates])

    def approved():
        newcomer.press("action_sync_templates")
        return newcomer.user.search_read(
            Template, [("account_id", "=", newcomer.id), ("status", "=", "APPROVED")], "name"
        )

    stack.wait_for(approved, what="no template was approved")
    newcomer.press("action_setup_next")
    action = newcomer.press("action_test_message")
    number = stack.new_number()
    wizard = newcomer.user.create(
        action["res_model"], {"number": number}, context=action["context"]
    )
    with pytest.raises(Exception, match="agree"):
        newcomer.user.call(action["res_model"], "action_send", [wizard])
    assert newcomer.sandbox.journal(number=number) == [], "A1: not even a test goes out unasked"
    newcomer.user.call(action["res_model"], "write", [wizard], {"agreed": True})
    newcomer.user.call(action["res_model"], "action_send", [wizard])
    stack.wait_for(
        lambda: newcomer.user.search_read(
            action["res_model"],
            [("id", "=", wizard), ("message_state", "in", ("delivered", "read"))],
            "message_state",
        ),
        what="the test message did not arrive",
    )
    assert len(newcomer.sandbox.journal(number=number, kind="send")) == 1
    newcomer.press("action_self_test")
    newcomer.press("action_setup_next")
    browser.open(f"{stack.odoo_url}/odoo/action-ajw_whatsapp.ajw_whatsapp_account_action_overview")
    browser.wait_for(".o_ajw_whatsapp_overview .o_kanban_record", "Second number")
    browser.screenshot(screenshots / f"overview-{name}.png", full=True)
    errors = [error for error in browser.console_errors if "favicon" not in error]
    assert errors == []
