"""Invoices with PDF and e-invoice, payments, bank statements, online payment."""

from __future__ import annotations

from odoo import fields

from tests.canary.flows import flow


def _invoice(stage, person, kind="out_invoice"):
    invoice = stage.as_clerk()["account.move"].create(
        {
            "move_type": kind,
            "partner_id": person.partner.id,
            "invoice_date": fields.Date.today(),
            "date": fields.Date.today(),
            "ref": f"{person.words['last']}-{kind}",
            "narration": f"<p>Thank you, {person.name}</p>",
            "invoice_line_ids": [
                (0, 0, {"product_id": stage.product.id, "quantity": 1, "price_unit": 100,
                        "name": f"Seeds for {person.name}"})
            ],
        }
    )  # fmt: skip
    invoice.action_post()
    return invoice


@flow("account")
def invoice(stage, person):
    """Posted, made as PDF and e-invoice, sent by mail."""
    invoice = _invoice(stage, person)
    person.records["invoice"] = invoice
    send = {"sending_methods": {"email"}}
    formats = invoice.partner_id._fields.get("invoice_edi_format")
    if formats and "account_edi_ubl_cii" in stage.env.registry._init_modules:
        send["extra_edis"] = set()
        send["invoice_edi_format"] = "ubl_bis3"
    stage.env["account.move.send"]._generate_and_send_invoices(
        invoice.with_env(stage.env), allow_raising=False, **send
    )
    assert invoice.invoice_pdf_report_id, "the invoice has no PDF"
    invoice.message_post(body=f"{person.name} asked for a copy at {person.email}")


@flow("account")
def paid(stage, person):
    invoice = person.records["invoice"]
    wizard = stage.as_clerk()["account.payment.register"].with_context(
        active_model="account.move", active_ids=invoice.ids
    ).create({"communication": f"{person.name} {invoice.name}"})  # fmt: skip
    wizard._create_payments()


@flow("account")
def credit_note_and_bill(stage, person):
    _invoice(stage, person, "out_refund")
    _invoice(stage, person, "in_invoice")
    # a draft that nobody posted
    stage.as_clerk()["account.move"].create(
        {"move_type": "out_invoice", "partner_id": person.partner.id,
         "narration": f"<p>Draft for {person.name}</p>"}
    )  # fmt: skip


@flow("account")
def bank_statement(stage, person):
    journal = stage.env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", stage.company.id)], limit=1
    )
    stage.as_clerk()["account.bank.statement.line"].create(
        {
            "journal_id": journal.id, "date": fields.Date.today(), "amount": 12,
            "payment_ref": f"from {person.name}", "partner_name": person.name,
            "account_number": person.words["iban"],
            "transaction_details": {"debtor": {"name": person.name, "iban": person.words["iban"]}},
        }
    )  # fmt: skip


@flow("payment_demo")
def paid_online(stage, person):
    env = stage.env
    provider = env.ref("payment.payment_provider_demo")
    provider.company_id = stage.company
    provider.state = "test"
    method = env.ref("payment_demo.payment_method_demo", raise_if_not_found=False) or env[
        "payment.method"
    ].search([], limit=1)
    token = env["payment.token"].create(
        {
            "provider_id": provider.id, "payment_method_id": method.id,
            "partner_id": person.partner.id, "payment_details": f"1234 {person.words['last']}",
            "provider_ref": f"cus-{person.words['login']}", "demo_simulated_state": "done",
        }
    )  # fmt: skip
    transaction = env["payment.transaction"].create(
        {
            "provider_id": provider.id, "payment_method_id": method.id, "token_id": token.id,
            "reference": f"canary-{person.key}-{env['payment.transaction'].search_count([])}",
            "amount": 10, "currency_id": stage.company.currency_id.id,
            "partner_id": person.partner.id, "operation": "offline",
        }
    )  # fmt: skip
    transaction._set_error(f"Card of {person.name} was refused")


@flow("account")
def dunning_and_wizards(stage, person):
    invoice = person.records["invoice"]
    wizard = stage.as_clerk()["account.move.send.wizard"].with_context(
        active_model="account.move", active_ids=invoice.ids
    ).create({"move_id": invoice.id})  # fmt: skip
    assert wizard.body is not None
    reversal = stage.as_clerk()["account.move.reversal"].with_context(
        active_model="account.move", active_ids=invoice.ids
    ).create(
        {"reason": f"{person.name} complained", "journal_id": invoice.journal_id.id}
    )  # fmt: skip
    assert reversal
