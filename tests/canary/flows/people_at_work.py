"""Somebody who works here and leaves: account, employee, leave, attendance, skills."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from tests.canary.flows import flow


@flow("hr", who="worker")
def hired(stage, person):
    env = stage.as_clerk()
    employee = env["hr.employee"].create(
        {
            "name": person.old_name,
            "user_id": person.records["user"].id,
            "company_id": stage.company.id,
            "work_email": person.email,
            "work_phone": person.phone,
            "private_email": person.old_email,
            "private_phone": person.old_phone,
            "private_street": person.street,
            "emergency_contact": f"Mother of {person.name}",
            "emergency_phone": person.old_phone,
            "identification_id": person.words["ref"],
            "barcode": person.words["barcode"],
        }
    )
    employee.write({"name": person.name, "job_title": "Gardener"})
    employee.message_post(body=f"{person.name} started")
    person.records["employee"] = employee
    env["hr.department"].create({"name": f"Garden {person.key}", "manager_id": employee.id})


@flow("hr_holidays", who="worker")
def leave(stage, person):
    kind = stage.env["hr.leave.type"].create(
        {
            "name": f"Holiday {person.key}",
            "requires_allocation": False,
            "leave_validation_type": "no_validation",
        }
    )
    stage.as_clerk()["hr.leave"].create(
        {
            "employee_id": person.records["employee"].id, "holiday_status_id": kind.id,
            "request_date_from": date.today() + timedelta(days=7),
            "request_date_to": date.today() + timedelta(days=8),
            "name": f"{person.name} is ill",
        }
    )  # fmt: skip


@flow("hr_attendance", who="worker")
def attendance(stage, person):
    now = datetime.now().replace(microsecond=0)
    stage.as_clerk()["hr.attendance"].create(
        {
            "employee_id": person.records["employee"].id, "check_in": now - timedelta(hours=3),
            "check_out": now - timedelta(hours=1), "in_ip_address": "192.0.2.7",
        }
    )  # fmt: skip


@flow("hr_expense", who="worker")
def expense(stage, person):
    stage.as_clerk()["hr.expense"].create(
        {
            "name": f"Boots of {person.name}", "employee_id": person.records["employee"].id,
            "product_id": stage.product.id, "total_amount_currency": 10,
            "description": f"{person.name} bought them",
        }
    )  # fmt: skip


@flow("hr_timesheet", who="worker")
def timesheet(stage, person):
    env = stage.as_clerk()
    project = env["project.project"].create({"name": "Beds", "allow_timesheets": True})
    env["account.analytic.line"].create(
        {
            "project_id": project.id, "employee_id": person.records["employee"].id,
            "name": f"{person.name} dug", "unit_amount": 2,
        }
    )  # fmt: skip


@flow("hr_skills", who="worker")
def resume(stage, person):
    stage.as_clerk()["hr.resume.line"].create(
        {
            "employee_id": person.records["employee"].id, "name": f"School of {person.name}",
            "date_start": date(2010, 1, 1), "description": f"<p>{person.name}</p>",
        }
    )  # fmt: skip


@flow("lunch", who="worker")
def lunch(stage, person):
    env = stage.env
    supplier = env["lunch.supplier"].create(
        {"partner_id": env["res.partner"].create({"name": f"Cook {person.key}"}).id}
    )
    category = env["lunch.product.category"].create({"name": "Soup"})
    soup = env["lunch.product"].create(
        {"name": "Soup", "supplier_id": supplier.id, "category_id": category.id, "price": 3}
    )
    env["lunch.order"].create(
        {"product_id": soup.id, "user_id": person.records["user"].id,
         "note": f"{person.name}: no salt"}
    )  # fmt: skip
    env["lunch.cashmove"].create(
        {"user_id": person.records["user"].id, "amount": 5, "description": person.name}
    )


@flow("maintenance", who="worker")
def equipment(stage, person):
    env = stage.env
    equipment = env["maintenance.equipment"].create(
        {"name": f"Spade of {person.name}", "owner_user_id": person.records["user"].id,
         "note": f"<p>{person.name}</p>"}
    )  # fmt: skip
    env["maintenance.request"].create(
        {"name": f"{person.name} broke it", "equipment_id": equipment.id,
         "owner_user_id": person.records["user"].id}
    )  # fmt: skip


@flow("project", who="worker")
def own_work(stage, person):
    env = stage.env(user=person.records["user"])
    env["project.task"].create({"name": f"Note of {person.name}", "project_id": False})
    env["project.task.type"].create(
        {"name": f"{person.words['first']} {person.words['last']} later"}
    )
    stage.env["ir.filters"].create(
        {"name": f"Mine, {person.name}", "model_id": "project.task", "domain": "[]",
         "context": "{}", "user_ids": [(6, 0, person.records["user"].ids)]}
    )  # fmt: skip


@flow("sale_management", who="worker")
def sold(stage, person):
    """Documents of customers that they looked after, and that stay."""
    env = stage.env(user=person.records["user"])
    friend = person.records["friend"]
    order = stage.env["sale.order"].create(
        {"partner_id": friend.id, "user_id": env.uid, "company_id": stage.company.id}
    )
    order.with_env(env).sudo().message_post(
        body=f"<p>Call me, {person.name}, {person.phone}</p>", author_id=person.partner.id,
        message_type="comment", subtype_xmlid="mail.mt_comment",
    )  # fmt: skip


@flow(who="worker")
def left(stage, person):
    """The last day: the account is closed."""
    if "employee" in person.records:
        person.records["employee"].action_archive()
    person.records["user"].action_archive()
