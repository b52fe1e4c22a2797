"""A list of consents that is imported while Odoo is killed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from tests.support.ledger import verified

#: Enough for the scheduled action: a smaller file is imported at once.
ROWS = 2500
#: Rows that are committed together.
BATCH = 1000
#: Contacts that are made in one call.
CHUNK = 500


def contacts(stack, user, prefix):
    """Make as many contacts as the list has rows; return number → id."""
    numbers = [f"{prefix}{row:05}" for row in range(ROWS)]
    found = {}
    for start in range(0, ROWS, CHUNK):
        some = numbers[start : start + CHUNK]
        values = [{"name": f"Listed {number}", "ajw_whatsapp_number": number} for number in some]
        ids = user.call("res.partner", "create", values, context={"tracking_disable": True})
        found |= zip(some, ids, strict=True)
    return found


def recorded(stack, partners):
    """Count what is in the ledger of some contacts: events, their evidence, answers, persons."""
    return stack.query(
        "SELECT count(DISTINCT e.id), count(DISTINCT v.id), count(DISTINCT a.id),"
        " count(DISTINCT s.partner_id) FROM ajw_consent_subject s"
        " JOIN ajw_consent_event e ON e.subject_id = s.id"
        " LEFT JOIN ajw_consent_evidence v ON v.event_id = e.id"
        " LEFT JOIN ajw_consent_state a ON a.event_id = e.id WHERE s.partner_id IN %s",
        [tuple(partners)],
    )[0]


def last_event(stack):
    """The last number given to an event, also by a transaction that is still open."""
    return stack.query("SELECT last_value FROM ajw_consent_event_id_seq")[0][0]


@pytest.mark.parametrize("only_complete", [False, True], ids=["good-rows", "all-or-nothing"])
def test_A9_an_import_that_is_killed_leaves_nothing_half_done(stack, accountant, only_complete):
    officer = stack.login("officer", "officer")
    partners = contacts(stack, accountant, "+9187000" if only_complete else "+9188000")
    ids = list(partners.values())
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    lines = ["Number,Purposes,Date", *(f"{number},invoice,{now}" for number in partners)]
    notice = officer.search_read("ajw.consent.notice", [("state", "=", "published")], "id")[0]
    run = officer.create(
        "ajw.consent.import",
        {
            "file": base64.b64encode("\n".join(lines).encode()).decode(),
            "file_name": "list.csv",
            "notice_id": notice["id"],
            "proof": "Forms of this year, in the archive",
            "only_complete": only_complete,
        },
    )

    def told(*states):
        names = ("state", "position", "recorded_count", "good_count", "remark")
        values = officer.read("ajw.consent.import", run, *names)
        return values if not states or values["state"] in states else None

    officer.call("ajw.consent.import", "action_check", [run])
    checked = stack.wait_for(lambda: told("checked", "draft"), 120, what="it was not checked")
    assert (checked["state"], checked["good_count"]) == ("checked", ROWS), checked
    before = last_event(stack)
    officer.call("ajw.consent.import", "action_import", [run])
    # In the midst of the second batch.
    stack.wait_for(lambda: last_event(stack) > before + BATCH, 120, what="nothing was recorded")
    stack.kill_odoo()

    state, position, count = stack.query(
        "SELECT state, position, recorded_count FROM ajw_consent_import WHERE id = %s", [run]
    )[0]
    after = recorded(stack, ids)
    stack.start_odoo()  # whatever was found: others need it
    assert state == "queued", "the crash came too late to show anything"
    kept = position // BATCH * BATCH
    assert (position, count) == (kept, kept), "whole batches, and they are counted"
    assert after == (kept,) * 4, "nothing half-done"
    if only_complete:
        assert kept == 0, "nothing unless every row is good"
    else:
        assert 0 < kept < ROWS

    verified(stack, accountant)
    done = stack.wait_for(lambda: told("done", "draft"), 240, what="it did not go on by itself")
    assert (done["state"], done["recorded_count"], done["remark"]) == ("done", ROWS, False)
    assert recorded(stack, ids) == (ROWS,) * 4, "each consent once"
    verified(stack, accountant)
    # From the list, not only in the books: each may be written to.
    for partner in (ids[0], ids[kept], ids[-1]):
        move = stack.new_invoice(accountant, partner)
        stack.send(accountant, move)
        stack.wait_for_state(accountant, move, "delivered", "read")
