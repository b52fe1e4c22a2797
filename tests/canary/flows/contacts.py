"""Contacts, their accounts, devices, filters, imports and logs."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

from odoo import fields

from tests.canary.flows import flow


@flow()
def bank_account(stage, person):
    stage.as_clerk()["res.partner.bank"].create(
        {"acc_number": person.words["iban"], "partner_id": person.partner.id}
    )


@flow()
def address_below(stage, person):
    env = stage.as_clerk()
    env["res.partner"].create(
        {
            "parent_id": person.partner.id,
            "type": "delivery",
            "street": person.old_street,
            "city": "Berlin",
            "phone": person.old_phone,
            "email": person.old_email,
            "company_id": stage.company.id,
        }
    )


@flow()
def category_and_picture(stage, person):
    import io  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    picture = io.BytesIO()
    Image.new("RGB", (300, 300), (len(person.key), 90, 90)).save(picture, "PNG")
    person.partner.image_1920 = base64.b64encode(picture.getvalue())
    person.partner.category_id = stage.env["res.partner.category"].create({"name": "Canaries"})


@flow("portal")
def portal_account(stage, person):
    user = stage.portal(person)
    user.signature = f"<p>{person.name}<br/>{person.phone}</p>"


@flow("portal")
def devices_and_keys(stage, person):
    user = person.records["user"]
    env = stage.env
    env["res.users.log"].with_user(user).sudo().create({})
    env.cr.execute(
        """INSERT INTO res_device_log (session_identifier, platform, browser, ip_address, country,
                                       city, device_type, user_id, first_activity, last_activity,
                                       revoked)
           VALUES (%s, 'linux', 'firefox', '192.0.2.7', 'Germany', 'Berlin', 'computer', %s, now(),
                   now(), false)""",
        ["c" * 42, user.id],
    )
    env["ir.config_parameter"].set_param("portal.allow_api_keys", "True")
    keys = env["res.users.apikeys"].with_user(user)
    keys._generate("rpc", f"Key of {person.name}", fields.Datetime.now() + timedelta(hours=1))
    env["mail.push.device"].create(
        {
            "partner_id": person.partner.id,
            "endpoint": f"https://push.example.com/{person.words['mailbox']}",
            "keys": json.dumps({"p256dh": "x", "auth": person.words["login"]}),
        }
    )
    env["mail.presence"].create({"user_id": user.id, "status": "online"})


@flow()
def filters_and_defaults(stage, person):
    env = stage.as_clerk()
    env["ir.filters"].create(
        {
            "name": f"Orders of {person.name}",
            "model_id": "res.partner",
            "domain": repr([("email", "ilike", person.email)]),
            "context": "{}",
            "user_ids": [(6, 0, env.uid and [env.uid])],
        }
    )
    stage.env["ir.default"].set(
        "res.partner.category", "name", f"knows {person.name}", user_id=env.uid
    )
    env["ir.exports"].create({"name": f"List for {person.email}", "resource": "res.partner"})


@flow("base_import")
def import_left_over(stage, person):
    rows = f"Name,Email,Phone\n{person.name},{person.email},{person.phone}\n"
    wizard = stage.as_clerk()["base_import.import"].create(
        {
            "res_model": "res.partner",
            "file": rows.encode(),
            "file_name": f"{person.words['last']}.csv",
            "file_type": "text/csv",
        }
    )
    options = {"has_headers": True, "separator": ",", "quoting": '"', "encoding": "utf-8"}
    preview = wizard.parse_preview(options)
    assert not preview.get("error"), preview["error"]


@flow("privacy_lookup")
def looked_up(stage, person):
    lookup = stage.env["privacy.lookup.wizard"].create({"name": person.name, "email": person.email})
    lookup.action_lookup()


@flow()
def server_log(stage, person):
    stage.env["ir.logging"].sudo().create(
        {
            "name": "odoo.addons.mail", "type": "server", "dbname": "canary", "level": "WARNING",
            "message": f"Mail to {person.email} of {person.name} came back", "path": "mail",
            "func": "send", "line": "1",
        }
    )  # fmt: skip


@flow()
def files_on_the_contact(stage, person):
    env = stage.as_clerk()
    env["ir.attachment"].create(
        [
            {
                "name": f"Passport {person.name}.txt",
                "raw": f"{person.name}\n{person.street}\n{person.phone}\n{person.key}".encode(),
                "description": f"sent by {person.email}",
                "res_model": "res.partner",
                "res_id": person.partner.id,
            },
            {
                "name": f"Guests with {person.name}.txt",
                "raw": f"Guests: {person.key}".encode(),
                "res_model": "res.partner",
                "res_id": stage.group.id,
            },
        ]
    )


@flow("auth_signup")
def password_forgotten(stage, person):
    person.partner.sudo().signup_prepare()
    person.records["user"].sudo()._action_reset_password()


@flow("auth_totp")
def second_factor(stage, person):
    user = person.records["user"]
    stage.env["auth_totp.device"].with_user(user).sudo()._generate(
        "browser", f"Browser of {person.name}", fields.Datetime.now() + timedelta(days=1)
    )


@flow("auth_passkey")
def passkey(stage, person):
    stage.env["auth.passkey.key"].with_user(person.records["user"]).sudo().create(
        {
            "name": f"Phone of {person.name}",
            "credential_identifier": f"{person.words['login']}-passkey",
            "public_key": "x",
        }
    )


@flow()
def merged_namesake(stage, person):
    """The same person was entered twice; the second contact is merged into the first."""
    env = stage.as_clerk()
    twin = env["res.partner"].create(
        {"name": person.name, "email": person.email, "company_id": stage.company.id}
    )
    twin.message_post(body=f"Same as {person.old_name}?")
    stage.env["base.partner.merge.automatic.wizard"].create({})._merge(
        [person.partner.id, twin.id], person.partner
    )


@flow("ajw_consent")
def consent(stage, person):
    purpose = stage.env["ajw.consent.purpose"].search([], limit=1)
    stage.env["phone.blacklist"].sudo()._add([f"+{person.words['old_phone']}"])
    stage.env["mail.blacklist"].sudo()._add(person.old_email)
    assert purpose
