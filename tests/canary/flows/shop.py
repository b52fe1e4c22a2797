"""Events, surveys, points of sale."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from odoo import fields

from tests.canary.flows import flow


@flow("event")
def event(stage, person):
    env = stage.as_clerk()
    begin = fields.Datetime.now() + timedelta(days=5)
    event = env["event.event"].create(
        {"name": f"Open garden {person.key}", "date_begin": begin,
         "date_end": begin + timedelta(hours=3)}
    )  # fmt: skip
    question = env["event.question"].create(
        {"title": "Allergies?", "question_type": "text_box", "event_ids": [(6, 0, event.ids)]}
    )
    registration = env["event.registration"].create(
        {
            "event_id": event.id, "partner_id": person.partner.id, "name": person.name,
            "email": person.email, "phone": person.phone, "company_name": person.words["last"],
            "registration_answer_ids": [
                (0, 0, {"question_id": question.id, "value_text_box": f"{person.name}: nuts"})
            ],
        }
    )  # fmt: skip
    # somebody who registered without a contact
    env["event.registration"].create(
        {"event_id": event.id, "name": person.old_name, "email": person.old_email,
         "phone": person.old_phone}
    )  # fmt: skip
    registration.action_set_done()
    registration.message_post(body=f"{person.name} came")


@flow("survey")
def survey(stage, person):
    env = stage.env
    survey = env["survey.survey"].create(
        {
            "title": f"How was it {person.key}", "access_mode": "public",
            "question_and_page_ids": [
                (0, 0, {"title": "Why?", "question_type": "text_box"}),
                (0, 0, {"title": "Mail?", "question_type": "char_box", "save_as_email": True,
                        "validation_email": True}),
                (0, 0, {"title": "Name?", "question_type": "char_box", "save_as_nickname": True}),
            ],
        }
    )  # fmt: skip
    answer = survey._create_answer(partner=person.partner, email=person.email)
    why, mail, name = survey.question_ids
    answer._save_lines(why, f"{person.name} of {person.street} says so")
    answer._save_lines(mail, person.email)
    answer._save_lines(name, person.name)
    answer._mark_done()
    anonymous = survey._create_answer(email=person.old_email)
    anonymous._save_lines(why, f"{person.name} again, {person.phone}")
    env["survey.invite"].create(
        {"survey_id": survey.id, "partner_ids": [(6, 0, person.partner.ids)],
         "emails": person.old_email, "subject": person.name, "body": f"<p>{person.name}</p>"}
    ).action_invite()  # fmt: skip


@flow("point_of_sale")
def counter(stage, person):
    env = stage.as_clerk()
    config = stage.env["pos.config"].search([("company_id", "=", stage.company.id)], limit=1)
    if not config:
        cash = stage.env["account.journal"].create(
            {"name": "Till", "type": "cash", "code": "TILL", "company_id": stage.company.id}
        )
        method = stage.env["pos.payment.method"].create(
            {"name": "Cash", "journal_id": cash.id, "company_id": stage.company.id}
        )
        config = stage.env["pos.config"].create(
            {"name": "Counter", "payment_method_ids": [(6, 0, method.ids)]}
        )
    config = config.with_env(env)
    stage.product.available_in_pos = True
    session = config.current_session_id
    if not session:
        config.open_ui()
        session = config.current_session_id
        session.set_opening_control(0, "")
    order = env["pos.order"].create(
        {
            "company_id": stage.company.id, "session_id": session.id,
            "partner_id": person.partner.id, "pricelist_id": config.pricelist_id.id,
            "lines": [(0, 0, {
                "name": "1", "product_id": stage.product.id, "price_unit": 100, "qty": 1,
                "discount": 0, "tax_ids": [(6, 0, [])], "price_subtotal": 100,
                "price_subtotal_incl": 100, "customer_note": f"for {person.name}",
                "uuid": str(uuid4()),
            })],
            "amount_total": 100, "amount_tax": 0, "amount_paid": 0, "amount_return": 0,
            "general_customer_note": f"{person.name} comes at noon",
            "internal_note": f"ask {person.name}", "floating_order_name": person.words["last"],
            "email": person.email, "mobile": person.phone, "last_order_preparation_change": "{}",
        }
    )  # fmt: skip
    order.add_payment(
        {"pos_order_id": order.id, "amount": 100,
         "payment_method_id": config.payment_method_ids[:1].id, "name": f"by {person.name}",
         "cardholder_name": person.name}
    )  # fmt: skip
    order.action_pos_order_paid()


@flow("event", "sms")
def reminders(stage, person):
    stage.env["event.mail"].search([]).sudo().execute()
