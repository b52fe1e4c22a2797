"""The sender in a real Odoo with real scheduled actions, against a Meta that takes its time."""

from __future__ import annotations

import time

CUSTOMERS = 30
LONG_QUEUE = 1050
#: Odoo looks for due actions once a minute unless somebody wakes it.
PAUSE_WITHOUT_WAKING = 20

REPEAT = """
    INSERT INTO ajw_whatsapp_message ({names}, occasion, callback_ref)
    SELECT {values}, 'suite-' || round, gen_random_uuid()::text
      FROM generate_series(1, %s) round, ajw_whatsapp_message message
     WHERE message.res_model = 'account.move' AND message.res_id IN %s
"""


def invoices(stack, accountant, count):
    """Make invoices of as many customers who agreed; return them and their partners."""
    made = []
    for _each in range(count):
        partner, number = stack.new_customer(accountant)
        stack.opt_in(accountant, partner, number)
        made.append((stack.new_invoice(accountant, partner), partner))
    return [move for move, _partner in made], [partner for _move, partner in made]


def states(stack, moves):
    return dict(
        stack.query(
            "SELECT state, count(*) FROM ajw_whatsapp_message WHERE res_model = 'account.move'"
            " AND res_id IN %s GROUP BY state",
            [tuple(moves)],
        )
    )


def test_a_queue_longer_than_odoos_turn_goes_on_at_once(stack, sandbox, accountant):
    """Other actions get their turn in between, and the sender does not wait to be looked for."""
    moves, _partners = invoices(stack, accountant, CUSTOMERS)
    for move in moves:
        stack.send(accountant, move)
    stack.wait_for(
        lambda: set(states(stack, moves)) <= {"sent", "delivered", "read"},
        what="the first messages were not sent",
    )
    columns = [
        row[0]
        for row in stack.query(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = 'ajw_whatsapp_message'"
            " AND column_name NOT IN ('id', 'occasion', 'callback_ref')"
        )
    ]
    fresh = {"state": "'queued'", "attempts": "0"}
    fresh |= dict.fromkeys((name for name in columns if name.endswith("_at")), "NULL")
    fresh |= {"wamid": "NULL", "create_date": "create_date", "window_ends_at": "NULL"}
    since = sandbox.journal()[-1]["seq"]
    stack.query(
        REPEAT.format(
            names=", ".join(f'"{name}"' for name in columns),
            values=", ".join(fresh.get(name, f'"{name}"') for name in columns),
        )
        + " RETURNING 1",
        [LONG_QUEUE // CUSTOMERS, tuple(moves)],
    )
    # Another action is always due: this server has one thread for all of them.
    stack.shell(
        f"""
account = env["ajw.whatsapp.account"].browse({stack.facts["account_id"]})
others = env["ir.cron"].search([("id", "!=", account.cron_id.id)], limit=3)
others.write({{"nextcall": "2020-01-01 00:00:00"}})
account._wake_sender()
env.cr.commit()
"""
    )
    total = LONG_QUEUE // CUSTOMERS * CUSTOMERS

    def sent():
        return [e["time"] for e in sandbox.journal(kind="send") if e["seq"] > since]

    stack.wait_for(lambda: len(sent()) >= total, 120, "the queue was not sent")
    times = sorted(sent())
    assert len(times) == total
    gap = max(later - earlier for earlier, later in zip(times, times[1:], strict=False))
    assert gap < PAUSE_WITHOUT_WAKING, gap
    assert times[-1] - times[0] > 10, "shorter than one turn: the test shows nothing"


def test_A9_a_withdrawal_does_not_wait_for_meta(stack, sandbox, accountant):
    """Nothing is locked while a message is on the wire."""
    [move], [partner] = invoices(stack, accountant, 1)
    sandbox.add_fault({"kind": "latency", "on": "send", "ms": 8000})
    stack.send(accountant, move)
    stack.wait_for(lambda: states(stack, [move]).get("sending"), what="nothing was on the wire")
    action = accountant.call("res.partner", "ajw_action_record_consent", [partner])
    purpose = accountant.reference("ajw_consent.purpose_invoice")
    begun = time.monotonic()
    wizard = accountant.create(
        action["res_model"],
        {
            "partner_id": partner,
            "decision": "withdrawn",
            "purpose_ids": [(4, purpose)],
            "method": "spoken",
            "note": "Said so on the telephone.",
        },
        context=action["context"],
    )
    accountant.call(action["res_model"], "action_record", [wizard])
    taken = time.monotonic() - begun
    assert states(stack, [move]) == {"sending": 1}, "it was over before: the test shows nothing"
    assert taken < 5, taken
