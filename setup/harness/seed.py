"""Runs in Odoo's shell, with ``ORDER`` set in front: connects the database to the sandbox and gives
it people to write to. Can be run again: it adds what is missing and re-opens nothing.
"""

import json
import time
from contextlib import suppress
from pathlib import Path

import requests
from psycopg2.errors import SerializationFailure

TIMEOUT = 30
APPROVAL_SECONDS = 30
PRODUCTS = (("Consulting, per hour", 120.0), ("Travel, per day", 80.0))


def control(path, body=None):
    """Call the sandbox's control side."""
    response = requests.post(f"{ORDER['sandbox']}/_sandbox{path}", json=body, timeout=TIMEOUT)
    response.raise_for_status()
    return response.json() if response.content else {}


def set_addresses():
    """Tell Odoo its own address, which reports load their style sheets from."""
    parameters = env["ir.config_parameter"]
    parameters.set_param("web.base.url", ORDER["odoo"])
    parameters.set_param("web.base.url.freeze", "True")
    parameters.set_param("report.url", ORDER["odoo"])


def deliver_mail():
    """Let what Odoo mails arrive in the sandbox's mailboxes, and nowhere else."""
    Server = env["ir.mail_server"].with_context(active_test=False)
    values = {
        "name": "Mailboxes of the sandbox",
        "smtp_host": ORDER["sandbox"].partition("://")[2].rpartition(":")[0],
        "smtp_port": ORDER["smtp"],
        "smtp_encryption": "none",
        "active": True,
    }
    server = Server.search([("name", "=", values["name"])], limit=1)
    if server:
        server.write(values)
    else:
        Server.create(values)
    if not env.company.email:
        env.company.email = "office@example.com"


def load_chart():
    """Give the company a chart of accounts; demo data brings one, an empty database does not."""
    if not env.company.chart_template:
        env["account.chart.template"].try_loading("generic_coa", company=env.company)


def make_users():
    """Return users by login, made with the groups of their roles."""
    users = {}
    for person in ORDER["people"]:
        user = env["res.users"].search([("login", "=", person["login"])])
        groups = [env.ref(name).id for name in person["groups"]]
        if not user:
            user = (
                env["res.users"]
                .with_context(no_reset_password=True)
                .create(
                    {
                        "name": person["name"],
                        "login": person["login"],
                        "password": person["password"],
                        "email": f"{person['login']}@example.com",
                        "tz": "Asia/Kolkata",
                        "group_ids": [(4, group) for group in groups],
                    }
                )
            )
        else:
            user.write({"group_ids": [(4, group) for group in groups]})
        if "odoobot_state" in user._fields:
            # Its welcome chat would cover the page on a narrow screen.
            user.odoobot_state = "disabled"
        users[person["login"]] = user
    return users


def connect_account(manager):
    """Return the WhatsApp account, known to the sandbox, its webhook verified, and connected."""
    wanted = ORDER["account"]
    Account = env["ajw.whatsapp.account"].with_user(manager)
    account = Account.search([("phone_number_id", "=", wanted["phone_number_id"])], limit=1)
    if not account:
        account = Account.create(
            {
                "name": wanted["verified_name"],
                "company_id": env.company.id,
                "base_url": ORDER["sandbox"],
                **{key: wanted[key] for key in ("phone_number_id", "waba_id", "app_id")},
            }
        )
    if account.base_url != ORDER["sandbox"]:
        account.base_url = ORDER["sandbox"]
    # After the address, whose change removes them.
    account.write({key: wanted[key] for key in ("access_token", "app_secret", "verify_token")})
    # The webhook is answered by the running server, which sees only what was committed.
    env.cr.commit()
    control("/accounts", {**wanted, "callback_url": account.webhook_url})
    result = control(f"/accounts/{wanted['waba_id']}/verify_callback")
    if not result.get("verified", result.get("ok")):
        raise SystemExit(f"the webhook {account.webhook_url} was not verified: {result}")
    account.action_test_connection()
    account.setup_step = "done"
    return account


def approve_templates(account):
    """Submit the starter templates and wait until the sandbox approved them."""
    account.action_create_starter_templates()
    Template = account.env["ajw.whatsapp.template"]
    templates = Template.search([("account_id", "=", account.id)])
    for template in templates.filtered(lambda template: not template.meta_template_id):
        template.action_submit()
    env.cr.commit()
    until = time.monotonic() + APPROVAL_SECONDS
    while True:
        with suppress(SerializationFailure):
            # The webhook reports the same approvals to the running server: look again.
            account.action_sync_templates()
            env.cr.commit()
        env.cr.rollback()
        waiting = templates.filtered(lambda t: t.status.upper() != "APPROVED")
        if not waiting:
            return
        if time.monotonic() > until:
            states = ", ".join(f"{t.name} ({t.language}): {t.status}" for t in waiting)
            raise SystemExit(f"templates were not approved: {states}")
        time.sleep(0.5)


def published_notice(controller):
    """Return the wording under which the demo's customers agreed."""
    Notice = env["ajw.consent.notice"].with_company(controller)
    notice = Notice._get_published(controller)
    if not notice:
        notice = Notice.search([("company_id", "=", controller.id)], limit=1)
        notice = notice or Notice.create({"company_id": controller.id})
        # The default officer contact is the company's own, which the demo data leaves empty.
        notice.officer_contact = notice.officer_contact or "privacy@example.com"
        notice.action_publish()
    return notice


def make_products():
    """Return the products on the demo's documents."""
    products = env["product.product"]
    for name, price in PRODUCTS:
        product = env["product.product"].search([("name", "=", name)], limit=1)
        products |= product or env["product.product"].create(
            {"name": name, "type": "service", "list_price": price}
        )
    return products


def make_invoice(partner, reference, products, user):
    """Return a posted invoice, the same one when there is one already."""
    Move = env["account.move"].with_user(user)
    move = Move.search([("ref", "=", reference), ("partner_id", "=", partner.id)], limit=1)
    if not move:
        move = Move.create(
            {
                "move_type": "out_invoice",
                "partner_id": partner.id,
                "ref": reference,
                "invoice_line_ids": [
                    (0, 0, {"product_id": product.id, "quantity": 2}) for product in products
                ],
            }
        )
    if move.state == "draft":
        move.action_post()
    return move


def make_order(partner, reference, products, user):
    """Return a confirmed order, the same one when there is one already."""
    Order = env["sale.order"].with_user(user)
    domain = [("client_order_ref", "=", reference), ("partner_id", "=", partner.id)]
    order = Order.search(domain, limit=1)
    if not order:
        order = Order.create(
            {
                "partner_id": partner.id,
                "client_order_ref": reference,
                "order_line": [(0, 0, {"product_id": product.id}) for product in products],
            }
        )
        order.action_confirm()
    return order


def opt_in(partner, number, controller, notice):
    """Record the opt-in of a customer of whom nothing is recorded yet."""
    Event = env["ajw.consent.event"]
    known = env["ajw.consent.subject"].search([("partner_id", "=", partner.id)])
    if known and Event.search_count([("subject_id", "in", known.ids)]):
        return
    purposes = env.ref("ajw_consent.purpose_invoice") | env.ref("ajw_consent.purpose_order")
    Event._record(
        controller,
        partner,
        purposes,
        "whatsapp",
        number,
        "given",
        "in_person",
        notice=notice,
        evidence={"note": "Asked at the counter when the first order was placed."},
    )


def make_customers(users):
    """Return the facts about the demo's customers, by role."""
    controller = env.company.ajw_consent_controller_id
    notice = published_notice(controller)
    products = make_products()
    result = {}
    for customer in ORDER["customers"]:
        partner = env.ref(customer["partner"])
        role, number = customer["role"], customer["number"]
        if partner.ajw_whatsapp_number != number:
            partner.ajw_whatsapp_number = number
        if customer["consent"]:
            opt_in(partner, number, controller, notice)
        invoice = make_invoice(partner, f"Demo {role}", products, users["accountant"])
        order = make_order(partner, f"Demo {role}", products, users["salesperson"])
        result[role] = {
            "name": partner.name,
            "partner_id": partner.id,
            "number": number,
            "invoice": invoice.name,
            "invoice_id": invoice.id,
            "invoice_url": link("account.action_move_out_invoice_type", invoice),
            "order": order.name,
            "order_id": order.id,
            "order_url": link("sale.action_orders", order),
        }
    return result


def link(action, record):
    return f"{ORDER['odoo']}/odoo/action-{action}/{record.id}"


def main():
    set_addresses()
    deliver_mail()
    load_chart()
    env.cr.commit()
    users = make_users()
    env.cr.commit()
    account = connect_account(users["manager"])
    env.cr.commit()
    approve_templates(account)
    customers = make_customers(users)
    env.cr.commit()
    facts = {
        "webhook_url": account.webhook_url,
        "account_id": account.id,
        "phone_number_id": account.phone_number_id,
        "customers": customers,
    }
    Path(ORDER["facts"]).write_text(json.dumps(facts))


main()
