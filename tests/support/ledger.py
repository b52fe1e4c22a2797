"""What the ledger of a running stack holds, and whether it verifies."""

from __future__ import annotations

import json

VERIFY = """
import json
controller = env["res.company"].browse({company}).ajw_consent_controller_id
run = env["ajw.consent.verification"]._start(controller, "command")
run._run()
found = [(finding.reason, finding.event_uuid) for finding in run.finding_ids]
print("RESULT " + json.dumps([run.state, run.unsealed_count, found]))
env.cr.rollback()
"""


def shell(stack, code, **values):
    """Run a script in an Odoo process of its own; return what it reported."""
    # Braces of Python are left alone: only the names given are filled in.
    for name, value in values.items():
        code = code.replace(f"{{{name}}}", str(value))
    printed = stack.shell(f"exec(compile({code!r}, 'script', 'exec'))\n")
    line = next(line for line in printed.splitlines() if "RESULT " in line)
    return json.loads(line.partition("RESULT ")[2])


def company_of(user):
    return user.read("res.users", user.uid, "company_id")["company_id"][0]


def verified(stack, user):
    """Verify the whole ledger; return the number of events that no seal covers yet."""
    state, unsealed, found = shell(stack, VERIFY, company=company_of(user))
    assert (state, found) == ("intact", [])
    return unsealed


def chain(stack, partner):
    """The events of a contact in the order of their chains: purpose, position, kind."""
    return stack.query(
        "SELECT e.purpose_code, e.sequence, e.kind, e.subject_id FROM ajw_consent_subject s"
        " JOIN ajw_consent_event e ON e.subject_id = s.id WHERE s.partner_id = %s"
        " ORDER BY e.subject_id, e.purpose_code, e.sequence",
        [partner],
    )
