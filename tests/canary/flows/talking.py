"""Mail, chat, livechat, calls to come, SMS and letters."""

from __future__ import annotations

from datetime import timedelta

from markupsafe import Markup

from odoo import fields
from odoo.tools import mute_logger

from tests.canary.flows import flow


@flow(who="")
def chatter(stage, person):
    env = stage.as_clerk()
    contact = person.partner.with_env(env)
    contact.message_post(body=f"Called {person.old_name}, now {person.name}, at {person.phone}.")
    contact.message_post(
        body=f"Dear {person.name}, your papers.",
        subject=f"Papers for {person.name}",
        partner_ids=contact.ids,
        message_type="comment",
        subtype_xmlid="mail.mt_comment",
        attachments=[(f"{person.words['last']}.txt", f"papers of {person.name}".encode())],
    )
    contact.message_subscribe(contact.ids)
    colleague = person.records["colleague"].with_env(env)
    colleague.message_post(body=f"Ask {person.name} ({person.email}) about the garden.")


@flow()
def mail_comes_in(stage, person):
    colleague = person.records["colleague"]
    colleague.message_post(
        author_id=person.partner.id,
        email_from=person.sender,
        reply_to=person.sender,
        incoming_email_to="office@example.net",
        incoming_email_cc=person.old_email,
        message_type="email",
        subtype_xmlid="mail.mt_comment",
        body=Markup("<p>Hello,</p><p>I am <b>%s</b> %s, %s. Call %s.</p>")
        % (person.words["first"], person.words["last"], person.street, person.phone),
        attachments=[("letter.txt", f"{person.name}, {person.street}".encode())],
    )
    # somebody wrote from an address that nobody knew then
    colleague.message_post(
        email_from=person.old_email, message_type="email", body=f"It is {person.old_name} here."
    )


@flow()
def mails_that_failed(stage, person):
    mails = stage.as_clerk()["mail.mail"].sudo()
    mails.create(
        {
            "email_to": f"{person.sender}, somebody@example.com",
            "subject": f"For {person.name}",
            "body_html": f"<p>Dear {person.name}</p>",
            "headers": repr({"X-Odoo-For": person.email}),
            "state": "exception",
            "failure_reason": f"550 <{person.email}>: no such user",
        }
    )
    mails.create(
        {
            "recipient_ids": [(6, 0, person.partner.ids)],
            "body_html": f"<p>Dear {person.name}</p>",
            "state": "outgoing",
            "scheduled_date": fields.Datetime.now() + timedelta(days=3),
        }
    )


@flow()
def composed_mail(stage, person):
    env = stage.as_clerk()
    env["mail.compose.message"].with_context(
        default_model="res.partner", default_res_ids=person.partner.ids
    ).create(
        {
            "subject": f"Hello {person.name}",
            "body": f"<p>{person.email}</p>",
            "partner_ids": [(6, 0, person.partner.ids)],
            "email_from": env.user.email_formatted,
        }
    )._action_send_mail()
    env["mail.scheduled.message"].create(
        {
            "model": "res.partner",
            "res_id": person.partner.id,
            "author_id": env.user.partner_id.id,
            "subject": person.name,
            "body": f"<p>{person.name}</p>",
            "partner_ids": [(6, 0, person.partner.ids)],
            "scheduled_date": fields.Datetime.now() + timedelta(days=3),
        }
    )


@flow()
def activity(stage, person):
    env = stage.as_clerk()
    contact = person.partner.with_env(env)
    values = {"summary": f"Call {person.name}", "note": f"<p>{person.phone}</p>"}
    contact.activity_schedule("mail.mail_activity_data_call", user_id=env.uid, **values)
    done = contact.activity_schedule("mail.mail_activity_data_todo", user_id=env.uid, **values)
    done.action_feedback(f"{person.name} was not in")
    person.records["colleague"].with_env(env).activity_schedule(
        "mail.mail_activity_data_call", user_id=env.uid, **values
    )


@flow(who="")
def chat(stage, person):
    env = stage.as_clerk()
    channel = env["discuss.channel"]._create_group(
        [person.partner.id, env.user.partner_id.id, person.records["friend"].id],
        name=f"{person.name}, garden",
    )
    post = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
    channel.message_post(body=f"Hello {person.name}", **post)
    channel.sudo().message_post(
        author_id=person.partner.id,
        body=f"{person.words['first']} {person.words['last']} here",
        **post,
    )
    channel.sudo().message_post(
        author_id=person.records["friend"].id, body="The seeds are here.", **post
    )
    said = channel.sudo().message_post(
        author_id=person.records["friend"].id, body=f"Is that you, {person.name}?", **post
    )
    said.sudo()._message_reaction("👍", "add", person.partner, env["mail.guest"])
    member = channel.sudo().channel_member_ids.filtered(
        lambda each: each.partner_id == person.partner
    )
    member.custom_channel_name = f"Garden of {person.words['first']} {person.words['last']}"


@flow()
def guest(stage, person):
    """They join a meeting without signing in, under their name."""
    env = stage.env
    visitor = env["mail.guest"].create({"name": person.name, "email": person.email})
    channel = env["discuss.channel"].create({"name": "Open house", "channel_type": "channel"})
    channel._add_members(guests=visitor)
    channel.message_post(
        author_guest_id=visitor.id,
        author_id=False,
        email_from=False,
        body=f"Good day, {person.name} at {person.email}",
        message_type="comment",
    )


@flow("im_livechat")
def livechat(stage, person):
    env = stage.env
    livechat_channel = env["im_livechat.channel"].create(
        {"name": f"Shop {person.key}", "user_ids": [(6, 0, stage.clerk.ids)]}
    )
    env["mail.presence"].search([("user_id", "=", stage.clerk.id)]).unlink()
    env["mail.presence"].create({"user_id": stage.clerk.id, "status": "online"})
    visitor = env["mail.guest"].create({"name": person.name, "email": person.email})
    info = livechat_channel._get_operator_info(lang="en_US", country_id=False)
    channel = (
        env["discuss.channel"]
        .with_context(guest=visitor)
        .sudo()
        .create(
            {
                **livechat_channel._get_livechat_discuss_channel_vals(**info),
            }
            if hasattr(livechat_channel, "_get_livechat_discuss_channel_vals")
            else {"name": person.name, "channel_type": "livechat"}
        )
    )
    if not channel.channel_member_ids.guest_id:
        channel._add_members(guests=visitor)
    channel.message_post(
        author_guest_id=visitor.id,
        author_id=False,
        email_from=person.email,
        body=f"I am {person.name}, call {person.phone}",
        message_type="comment",
    )
    channel.message_post(
        author_id=stage.clerk.partner_id.id, body=f"Dear {person.name}", message_type="comment"
    )
    channel.livechat_note = f"<p>{person.name} wants seeds</p>"


@flow("portal")
def portal_message(stage, person):
    person.partner.with_env(stage.env).message_post(
        author_id=person.partner.id,
        body=f"Please mind {person.street}",
        message_type="comment",
        subtype_xmlid="mail.mt_comment",
    )


@flow("sms")
def sms(stage, person):
    person.partner.with_env(stage.as_clerk())._message_sms(
        f"Dear {person.name}, call us", partner_ids=person.partner.ids
    )
    stage.env["sms.sms"].create(
        {
            "number": f"+{person.words['phone']}", "body": f"Hello {person.name}",
            "partner_id": person.partner.id, "state": "error", "failure_type": "sms_number_format",
        }
    )  # fmt: skip
    stage.env["sms.sms"].create(
        {"number": f"+{person.words['old_phone']}", "body": f"Hello {person.old_name}"}
    )


@flow("snailmail")
def letter(stage, person):
    report = stage.env["ir.actions.report"].search([("model", "=", "res.partner")], limit=1)
    stage.env["snailmail.letter"].with_context(lang="en_US").create(
        {
            "partner_id": person.partner.id, "model": "res.partner", "res_id": person.partner.id,
            "user_id": stage.clerk.id, "company_id": stage.company.id,
            "report_template": report.id, "state": "pending",
        }
    )  # fmt: skip


@flow("calendar", who="")
def meeting(stage, person):
    env = stage.as_clerk()
    start = fields.Datetime.now() + timedelta(days=2)
    event = env["calendar.event"].create(
        {
            "name": f"Tea with {person.name}",
            "start": start,
            "stop": start + timedelta(hours=1),
            "location": person.street,
            "description": f"<p>{person.email}</p>",
            "partner_ids": [
                (6, 0, [person.partner.id, env.user.partner_id.id, person.records["friend"].id])
            ],
        }
    )
    attendee = event.attendee_ids.filtered(lambda each: each.partner_id == person.partner)
    attendee.sudo().do_accept()
    event.write({"start": start + timedelta(hours=2), "stop": start + timedelta(hours=3)})


@flow("mass_mailing")
def mailing(stage, person):
    env = stage.as_clerk()
    listed = stage.env["mailing.list"].create({"name": f"Garden {person.key}"})
    contact = env["mailing.contact"].create(
        {
            "first_name": person.words["first"],
            "last_name": person.words["last"],
            "email": person.old_email,
            "list_ids": [(6, 0, listed.ids)],
        }
    )
    contact.message_post(body=f"{person.name} called")
    sent = env["mailing.mailing"].create(
        {
            "name": "Spring", "subject": "Spring", "body_html": "<p>Seeds</p>",
            "mailing_model_id": env["ir.model"].sudo()._get_id("mailing.contact"),
            "mailing_domain": repr([("id", "=", contact.id)]),
            "contact_list_ids": [(6, 0, listed.ids)],
        }
    )  # fmt: skip
    with mute_logger("odoo.addons.mail.models.mail_mail"):
        sent.sudo().action_send_mail()
    stage.env["mailing.trace"].create(
        {
            "email": person.email, "model": "res.partner", "res_id": person.partner.id,
            "mass_mailing_id": sent.id, "trace_status": "bounce",
            "failure_reason": f"unknown: {person.email}",
        }
    )  # fmt: skip
    env["mailing.mailing.test"].create({"email_to": person.email, "mass_mailing_id": sent.id})


@flow("mass_mailing_sms")
def mailing_by_sms(stage, person):
    contact = stage.as_clerk()["mailing.contact"].create(
        {"name": person.name, "mobile": person.phone}
    )
    stage.env["mailing.trace"].create(
        {
            "trace_type": "sms", "sms_number": f"+{person.words['phone']}",
            "model": "mailing.contact", "res_id": contact.id, "trace_status": "sent",
        }
    )  # fmt: skip


@flow("mail_group")
def mail_group(stage, person):
    group = stage.env["mail.group"].create(
        {"name": f"Gardeners {person.key}", "access_mode": "public"}
    )
    member = stage.env["mail.group.member"].create(
        {"email": person.email, "mail_group_id": group.id, "partner_id": person.partner.id}
    )
    stage.env["mail.group.message"].create(
        {
            "mail_group_id": group.id, "subject": f"From {person.name}",
            "email_from": person.sender, "author_id": member.partner_id.id,
            "body": f"<p>{person.name}, {person.phone}</p>",
            "moderation_status": "accepted",
        }
    )  # fmt: skip
    stage.env["mail.group.moderation"].create(
        {"email": person.old_email, "status": "ban", "mail_group_id": group.id}
    )


@flow("link_tracker")
def clicked(stage, person):
    link = stage.env["link.tracker"].create(
        {"url": f"https://example.com/?mail={person.email}", "title": f"For {person.name}"}
    )
    stage.env["link.tracker.click"].sudo().create({"link_id": link.id, "ip": "192.0.2.7"})


@flow("rating")
def rating(stage, person):
    stage.env["rating.rating"].create(
        {
            "res_model_id": stage.env["ir.model"]._get_id("res.partner"),
            "res_id": person.partner.id,
            "partner_id": person.partner.id,
            "rated_partner_id": stage.clerk.partner_id.id,
            "rating": 5,
            "consumed": True,
            "feedback": f"{person.name} is content",
        }
    )


@flow("gamification", who="")
def badge(stage, person):
    user = person.records.get("user")
    if user:
        badge = stage.env["gamification.badge"].search([], limit=1)
        stage.env["gamification.badge.user"].create(
            {"badge_id": badge.id, "user_id": user.id, "comment": f"Well done, {person.name}"}
        )


@flow("marketing_card")
def card(stage, person):
    template = stage.env["card.template"].search([], limit=1)
    campaign = stage.env["card.campaign"].create(
        {
            "name": f"Card {person.key}", "card_template_id": template.id,
            "res_model": "res.partner", "preview_record_ref": f"res.partner,{person.partner.id}",
            "post_suggestion": f"Meet {person.name}!",
            "content_header": f"With {person.name}",
        }
    )  # fmt: skip
    stage.env["card.card"].create({"campaign_id": campaign.id, "res_id": person.partner.id})


@flow("ajw_whatsapp")
def whatsapp(stage, person):
    account = stage.env["ajw.whatsapp.account"].search([], limit=1) or stage.env[
        "ajw.whatsapp.account"
    ].create(
        {
            "name": "Canary", "company_id": stage.company.id, "phone_number_id": "1",
            "waba_id": "2", "app_id": "3", "base_url": "http://127.0.0.1:9",
            "access_token": "x", "app_secret": "x", "verify_token": "canary",
        }
    )  # fmt: skip
    stage.env.flush_all()
    # SQL: only the outbox itself writes messages
    stage.env.cr.execute(
        """INSERT INTO ajw_whatsapp_message
               (company_id, account_id, partner_id, direction, state, number, wa_id, wamid, body,
                callback_ref)
           VALUES (%s, %s, %s, 'inbound', 'received', %s, %s, %s, %s, %s)""",
        [stage.company.id, account.id, person.partner.id, f"+{person.words['phone']}",
         person.words["phone"], f"wamid.{person.words['login']}", f"It is {person.name}",
         f"canary-{person.partner.id}"],
    )  # fmt: skip
