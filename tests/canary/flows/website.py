"""Websites: visits, carts, forum, blog, courses, forms."""

from __future__ import annotations

from tests.canary.flows import flow


@flow("website")
def visit(stage, person):
    env = stage.env
    visitor = env["website.visitor"].create(
        {
            "access_token": str(person.partner.id),
            "partner_id": person.partner.id,
            "website_id": env["website"].search([], limit=1).id,
        }
    )
    person.records["visitor"] = visitor
    env["website.track"].create(
        {"visitor_id": visitor.id, "url": f"https://example.net/?email={person.email}"}
    )


@flow("website_sale")
def cart(stage, person):
    env = stage.env
    website = env["website"].search([], limit=1)
    env["sale.order"].create(
        {
            "partner_id": person.partner.id, "website_id": website.id,
            "company_id": stage.company.id,
            "order_line": [(0, 0, {"product_id": stage.product.id})],
        }
    )  # fmt: skip


@flow("website_sale_wishlist")
def wish(stage, person):
    env = stage.env
    env["product.wishlist"].create(
        {
            "partner_id": person.partner.id, "product_id": stage.product.id,
            "website_id": env["website"].search([], limit=1).id,
        }
    )  # fmt: skip


@flow("website_crm")
def contact_form(stage, person):
    lead = stage.env["crm.lead"].sudo().create(
        {
            "name": "From the form", "contact_name": person.old_name,
            "email_from": person.email, "phone": person.phone, "type": "lead",
            "description": f"Name: {person.name}\nStreet: {person.street}",
        }
    )  # fmt: skip
    if "visitor_ids" in lead._fields:
        lead.visitor_ids = person.records["visitor"]


@flow("website_forum", "portal")
def forum(stage, person):
    env = stage.env
    forum = env["forum.forum"].search([], limit=1) or env["forum.forum"].create({"name": "Help"})
    user = person.records["user"]
    user.karma = 500
    question = env["forum.post"].with_user(user).create(
        {"forum_id": forum.id, "name": f"{person.name} asks", "content": f"<p>{person.name}</p>"}
    )  # fmt: skip
    env["forum.post"].create(
        {"forum_id": forum.id, "parent_id": question.id,
         "content": f"<p>Dear {person.name}, water it.</p>"}
    )  # fmt: skip
    question.with_env(env).message_post(body=f"{person.email}", message_type="comment")
    user.partner_id.website_description = f"<p>{person.name}</p>"


@flow("website_blog")
def blog(stage, person):
    env = stage.env
    blog = env["blog.blog"].search([], limit=1) or env["blog.blog"].create({"name": "News"})
    post = env["blog.post"].create(
        {"blog_id": blog.id, "name": f"Visit at {person.name}", "author_id": person.partner.id,
         "content": f"<p>{person.name} has a garden.</p>"}
    )  # fmt: skip
    post.message_post(
        author_id=person.partner.id, body=f"Thanks! {person.name}", message_type="comment",
        subtype_xmlid="mail.mt_comment",
    )  # fmt: skip


@flow("website_slides")
def course(stage, person):
    env = stage.env
    channel = env["slide.channel"].create(
        {"name": f"Seeds {person.key}", "channel_type": "training", "enroll": "public"}
    )
    slide = env["slide.slide"].create(
        {"name": "One", "channel_id": channel.id, "slide_category": "article",
         "is_published": True}
    )  # fmt: skip
    channel._action_add_members(person.partner)
    env["slide.slide.partner"].create(
        {"slide_id": slide.id, "channel_id": channel.id, "partner_id": person.partner.id,
         "completed": True}
    )  # fmt: skip
    channel.message_post(
        author_id=person.partner.id, body=f"{person.name} liked it", message_type="comment",
        subtype_xmlid="mail.mt_comment",
    )  # fmt: skip
    env["slide.channel.invite"].create(
        {"channel_id": channel.id, "partner_ids": [(6, 0, person.partner.ids)],
         "subject": f"For {person.name}", "body": f"<p>{person.name}</p>"}
    ).action_invite()  # fmt: skip


@flow("website_profile", "portal")
def karma(stage, person):
    person.records["user"]._add_karma(5, None, f"Visit of {person.name}")


@flow("hr_recruitment")
def applicant(stage, person):
    env = stage.as_clerk()
    job = env["hr.job"].create({"name": f"Gardener {person.key}"})
    applicant = env["hr.applicant"].create(
        {
            "partner_name": person.name, "email_from": person.email,
            "partner_phone": person.phone, "job_id": job.id,
            "applicant_notes": f"<p>{person.name} has a green thumb</p>",
            "linkedin_profile": f"https://linkedin.example.com/{person.words['login']}",
        }
    )  # fmt: skip
    applicant.message_post(
        body=f"{person.name} called", attachments=[("cv.txt", f"CV of {person.name}".encode())]
    )
    env["ir.attachment"].create(
        {"name": f"CV {person.name}.txt", "raw": f"{person.name} {person.email}".encode(),
         "res_model": "hr.applicant", "res_id": applicant.id}
    )  # fmt: skip
    reason = env["hr.applicant.refuse.reason"].search([], limit=1)
    env["applicant.get.refuse.reason"].create(
        {"applicant_ids": [(6, 0, applicant.ids)], "refuse_reason_id": reason.id,
         "send_mail": False}
    ).action_refuse_reason_apply()  # fmt: skip
