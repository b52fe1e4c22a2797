"""Leads, quotations, orders, deliveries, repairs, projects, purchases."""

from __future__ import annotations

import base64

from odoo import fields

from tests.canary.flows import flow


@flow("crm")
def lead(stage, person):
    env = stage.as_clerk()
    env["crm.lead"].create(
        {
            "name": f"{person.name}: a garden",
            "contact_name": person.name,
            "email_from": person.sender,
            "email_cc": person.old_email,
            "phone": person.phone,
            "street": person.street,
            "description": f"<p>{person.name} wrote</p>",
            "type": "lead",
        }
    )
    opportunity = env["crm.lead"].create(
        {"name": "Roof", "partner_id": person.partner.id, "type": "opportunity"}
    )
    opportunity.write({"email_from": person.old_email, "phone": person.old_phone})
    opportunity.message_post(body=f"{person.name} likes it")
    opportunity.action_set_won()
    lost = env["crm.lead"].create({"name": "Cellar", "partner_id": person.partner.id})
    env["crm.lead.lost"].create(
        {"lead_ids": [(6, 0, lost.ids)], "lost_feedback": f"<p>{person.name} has moved</p>"}
    ).action_lost_reason_apply()


@flow("sale_management")
def order(stage, person):
    env = stage.as_clerk()
    order = env["sale.order"].create(
        {
            "partner_id": person.partner.id,
            "client_order_ref": f"Order of {person.name}",
            "note": f"<p>For {person.name}</p>",
            "order_line": [
                (0, 0, {"product_id": stage.product.id, "name": f"Seeds for {person.name}"})
            ],
        }
    )
    order.action_quotation_sent()
    order.write(
        {
            "signed_by": person.name,
            "signature": base64.b64encode(_signature(person.key)),
            "signed_on": fields.Datetime.now(),
        }
    )
    order.action_confirm()
    order.message_post(body=f"{person.name} signed")
    order.message_post(
        body=f"<p>Dear {person.name}</p>", partner_ids=person.partner.ids, message_type="comment",
        subtype_xmlid="mail.mt_comment",
    )  # fmt: skip
    person.records["order"] = order
    # a second one that nobody followed up
    env["sale.order"].create({"partner_id": person.partner.id}).action_cancel()


def _signature(word: str) -> bytes:
    from io import BytesIO  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    picture = BytesIO()
    Image.new("RGB", (80, 20), (sum(word.encode()) % 255, 10, 10)).save(picture, "PNG")
    return picture.getvalue()


@flow("sale_stock")
def delivery(stage, person):
    order = person.records["order"]
    picking = order.picking_ids
    if not picking:
        return
    picking.write({"note": f"<p>Ring at {person.name}</p>", "origin": f"For {person.name}"})
    picking.move_ids.quantity = 1
    picking.with_context(skip_backorder=True, skip_sms=True).button_validate()
    picking.message_post(body=f"{person.name} was there")


@flow("repair")
def repair(stage, person):
    repair = stage.as_clerk()["repair.order"].create(
        {
            "partner_id": person.partner.id,
            "product_id": stage.product.id,
            "internal_notes": f"<p>{person.name} dropped it</p>",
        }
    )
    repair.message_post(body=f"Told {person.name}")


@flow("purchase")
def bought_from(stage, person):
    order = stage.as_clerk()["purchase.order"].create(
        {
            "partner_id": person.partner.id,
            "partner_ref": f"{person.words['last']}/1",
            "note": f"<p>{person.name} delivers</p>",
            "order_line": [
                (0, 0, {"product_id": stage.product.id, "name": f"Seeds of {person.name}",
                        "product_qty": 1, "price_unit": 5})
            ],
        }
    )  # fmt: skip
    order.button_confirm()
    stage.env["product.supplierinfo"].create(
        {"partner_id": person.partner.id, "product_name": f"Seeds {person.name}",
         "product_tmpl_id": stage.product.product_tmpl_id.id}
    )  # fmt: skip


@flow("project")
def task(stage, person):
    env = stage.as_clerk()
    project = env["project.project"].create(
        {
            "name": f"Garden of {person.name}",
            "partner_id": person.partner.id,
            "company_id": stage.company.id,
        }
    )
    task = env["project.task"].create(
        {
            "name": f"Plant at {person.street}",
            "project_id": project.id,
            "partner_id": person.partner.id,
            "email_cc": person.old_email,
            "description": f"<p>{person.name}: {person.phone}</p>",
        }
    )
    task.message_post(body=f"{person.name} agreed")
    # an earlier version stays in the history of the field
    task.description = f"<p>{person.name} called again</p>"
    env["project.update"].create(
        {"project_id": project.id, "name": f"{person.name}", "status": "on_track",
         "description": f"<p>{person.name}</p>"}
    )  # fmt: skip
    project.message_subscribe(person.partner.ids)


@flow("loyalty")
def points(stage, person):
    program = stage.env["loyalty.program"].create(
        {"name": f"Points {person.key}", "program_type": "loyalty"}
    )
    card = stage.env["loyalty.card"].create(
        {"program_id": program.id, "partner_id": person.partner.id, "points": 5}
    )
    stage.env["loyalty.history"].create(
        {"card_id": card.id, "description": f"Gift of {person.name}", "issued": 5}
    )


@flow("fleet")
def driver(stage, person):
    env = stage.as_clerk()
    brand = env["fleet.vehicle.model.brand"].create({"name": f"Brand {person.key}"})
    model = env["fleet.vehicle.model"].create({"name": "Cart", "brand_id": brand.id})
    vehicle = env["fleet.vehicle"].create(
        {
            "model_id": model.id, "driver_id": person.partner.id, "license_plate": "B-CA 1",
            "description": f"<p>Keys at {person.name}</p>",
        }
    )  # fmt: skip
    env["fleet.vehicle.log.services"].create(
        {"vehicle_id": vehicle.id, "purchaser_id": person.partner.id,
         "description": f"Wheel, {person.name}",
         "service_type_id": env["fleet.service.type"].search([], limit=1).id}
    )  # fmt: skip
    vehicle.driver_id = person.records["friend"]
