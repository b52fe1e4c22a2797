"""The demo's people: who logs in, who gets messages, and what a visitor may try."""

from __future__ import annotations

BUSINESS_NAME = "YourCompany"
BUSINESS_NUMBER = "+91 99999 00000"

# Fixed passwords are fine here: the servers listen on loopback only.
USERS: list[dict] = [
    {
        "login": "accountant",
        "password": "accountant",
        "name": "Demo Accountant",
        "title": "bills customers and sends invoices",
        "groups": ["account.group_account_invoice", "base.group_partner_manager"],
    },
    {
        "login": "salesperson",
        "password": "salesperson",
        "name": "Demo Salesperson",
        "title": "sends quotations and orders",
        "groups": ["sales_team.group_sale_salesman_all_leads"],
    },
    {
        "login": "manager",
        "password": "manager",
        "name": "Demo Manager",
        "title": "sets up WhatsApp accounts and templates",
        "groups": [
            "account.group_account_manager",
            "sales_team.group_sale_manager",
            "ajw_whatsapp.group_manager",
        ],
    },
    {
        "login": "officer",
        "password": "officer",
        "name": "Demo Officer",
        "title": "data protection officer: the consent ledger and retention",
        "groups": ["ajw_consent.group_officer"],
    },
    {
        "login": "admin",
        "password": "admin",
        "name": "",
        "title": "administrator",
        "groups": [],
    },
]

# Customers of Odoo's demo data. ``consent`` tells whether an opt-in is recorded for them.
CUSTOMERS: list[dict] = [
    {"role": "opted_in", "partner": "base.res_partner_12", "consent": True},
    {"role": "never_asked", "partner": "base.res_partner_2", "consent": False},
    {"role": "stopper", "partner": "base.res_partner_4", "consent": True},
]
NUMBERS = {
    "opted_in": "+919999900001",
    "never_asked": "+919999900002",
    "stopper": "+919999900003",
}
for _customer in CUSTOMERS:
    _customer["number"] = NUMBERS[_customer["role"]]


def guide(values: dict[str, str], facts: dict) -> list[str]:
    """Return what a visitor may try, a sentence a step.

    :param values: how to reach everything.
    :param facts: what the seeding reported: customers by role, with name and documents.
    """
    people = facts["customers"]
    yes, never, stopper = (people[role] for role in ("opted_in", "never_asked", "stopper"))
    return [
        f"Log in as accountant and open invoice {yes['invoice']} of {yes['name']}:"
        f" {yes['invoice_url']}",
        "Click Send via WhatsApp, look at the preview, and send.",
        f"Open {yes['name']}'s phone and the PDF in it: {values['SANDBOX_PHONES']}/{yes['number']}"
        " - the ticks on the invoice turn blue.",
        f"Do the same with {never['invoice']} of {never['name']}, who never opted in:"
        f" {never['invoice_url']} - nothing is sent, and Meta is not even called.",
        f"Type STOP on {stopper['name']}'s phone: {values['SANDBOX_PHONES']}/{stopper['number']}"
        f" - then try to send {stopper['invoice']}: {stopper['invoice_url']}",
        f"As salesperson, send order {yes['order']}: {yes['order_url']}",
        "As accountant, tick several invoices in their list and choose Actions > Send via WhatsApp:"
        " it says who will get them, who will not and why, and what it costs.",
        f"On the contact of {never['name']} choose Actions > Invite to opt in, open the mail at"
        f" {values['SANDBOX_MAIL']}, follow its link and tick Invoices - then send.",
        "As manager, open WhatsApp: the overview, the message desk, and Self-test on the card.",
        "As officer, look at the consent events these left behind, and record somebody's request"
        " for a copy of their data under Privacy Desk > Requests.",
    ]
