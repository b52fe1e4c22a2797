"""Uninstalling: refused while proof would be lost, and clean once it is stored elsewhere."""

from __future__ import annotations

import pytest

from tests.support.copied import Copy

OPT_IN = """
company = env.company.ajw_consent_controller_id
notice = env["ajw.consent.notice"].create(
    {"company_id": company.id, "lang": "en_US", "legal_entity": company.name,
     "officer_contact": "privacy@example.com"})
notice.action_publish()
partner = env["res.partner"].create(
    {"name": "Asha Rao", "phone": "+919876543210", "country_id": env.ref("base.in").id})
env["ajw.consent.event"]._record(
    company, partner, env.ref("ajw_consent.purpose_invoice"), "whatsapp", "+919876543210",
    "given", "in_person", notice=notice)
env.cr.commit()
"""
EXPORT = """
officer = env["res.users"].with_context(no_reset_password=True).create(
    {"name": "Officer", "login": "uninstall_officer",
     "group_ids": [(6, 0, env.ref("ajw_consent.group_officer").ids)],
     "company_id": env.company.id,
     "company_ids": [(6, 0, env["res.company"].search([]).ids)]})
exports = env(user=officer.id)["ajw.consent.proof.export"]
companies = env["ajw.consent.event"].search([]).company_id
export = exports.create({"company_ids": [(6, 0, companies.ids)]})
export.action_export()
export.action_confirm_stored()
env.cr.commit()
"""


def left_over(copy: Copy) -> dict[str, list]:
    """What of ours is still in the database."""
    checks = {
        "tables": "SELECT relname FROM pg_class WHERE relname LIKE 'ajw\\_%'",
        "functions": "SELECT proname FROM pg_proc WHERE proname LIKE 'ajw\\_%'",
        "columns": "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE column_name LIKE 'ajw\\_%'",
        "models": "SELECT model FROM ir_model WHERE model LIKE 'ajw.%'",
        "names": "SELECT module, name FROM ir_model_data "
        "WHERE module IN ('ajw_consent', 'ajw_whatsapp', 'ajw_privacy')",
        "actions": "SELECT code FROM ir_act_server WHERE code LIKE '%ajw%'",
        "crons": "SELECT cron_name FROM ir_cron WHERE cron_name ILIKE '%whatsapp%' "
        "OR cron_name LIKE 'Privacy:%' OR cron_name LIKE 'Consent:%'",
    }
    return {name: rows for name, statement in checks.items() if (rows := copy.query(statement))}


def test_A2_uninstalling_waits_for_the_proof_and_leaves_nothing_behind(copy):
    copy.shell(OPT_IN)
    # Directly, and as what one of its dependencies takes along.
    for module in ("ajw_consent", "phone_validation"):
        refused = copy.uninstall(module)
        assert "Not exported yet" in refused.stdout, refused.stdout[-3000:]
        assert copy.installed() == {"ajw_consent", "ajw_whatsapp", "ajw_privacy"}
    assert copy.query("SELECT count(*) FROM ajw_consent_event")[0][0] > 0

    copy.shell(EXPORT)
    done = copy.uninstall("ajw_consent")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Traceback" not in done.stdout, done.stdout[-3000:]
    assert copy.installed() == set()
    assert left_over(copy) == {}

    # Core works without us, and we can come back.
    copy.shell("""
partner = env["res.partner"].create({"name": "After"})
order = env["sale.order"].create({"partner_id": partner.id})
order.write({"note": "x"})
partner.unlink() if not order else None
env["res.users"].search([]).mapped("all_group_ids")
env["ir.ui.menu"].load_menus(False)
""")
    again = copy.odoo(
        "-d", copy.name, "-i", "ajw_whatsapp,ajw_privacy", "--stop-after-init", "--no-http"
    )
    assert again.returncode == 0, again.stdout[-3000:]
    assert copy.installed() == {"ajw_consent", "ajw_whatsapp", "ajw_privacy"}
    triggers = copy.query("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'ajw_consent_event_no%'")
    assert len(triggers) == 2


def test_an_empty_ledger_goes_freely(copy):
    if copy.query("SELECT count(*) FROM ajw_consent_event")[0][0]:
        pytest.fail("the test database has events")
    done = copy.uninstall("ajw_whatsapp")
    assert done.returncode == 0, done.stdout[-3000:]
    assert copy.installed() == {"ajw_consent", "ajw_privacy"}
    done = copy.uninstall("ajw_consent")
    assert done.returncode == 0, done.stdout[-3000:]
    assert copy.installed() == set()
