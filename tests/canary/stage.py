"""The database on which the people act: who works there, what is sold, how to act as somebody."""

from __future__ import annotations

from typing import Any

from tests.canary.people import Inventor, Person

#: What somebody who works here may do, as far as the apps are there.
CLERK = (
    "base.group_user", "base.group_partner_manager", "base.group_allow_export",
    "account.group_account_manager", "account.group_account_user",
    "sales_team.group_sale_manager", "purchase.group_purchase_manager",
    "stock.group_stock_manager", "project.group_project_manager", "hr.group_hr_manager",
    "hr_recruitment.group_hr_recruitment_manager", "hr_holidays.group_hr_holidays_manager",
    "hr_attendance.group_hr_attendance_manager", "hr_expense.group_hr_expense_manager",
    "hr_timesheet.group_timesheet_manager", "event.group_event_manager",
    "survey.group_survey_manager", "im_livechat.im_livechat_group_manager",
    "mass_mailing.group_mass_mailing_user", "point_of_sale.group_pos_manager",
    "fleet.fleet_group_manager", "lunch.group_lunch_manager", "maintenance.group_equipment_manager",
    "website.group_website_designer", "website_slides.group_website_slides_manager",
    "marketing_card.marketing_card_group_user", "mail_group.group_mail_group_manager",
    "gamification.group_gamification_manager", "calendar.group_calendar_manager",
)  # fmt: skip


class Stage:
    """An environment with two companies, a clerk, two officers, and the people of the play.

    :param env: superuser's
    :param audit_trail: whether the books keep a restrictive audit trail
    """

    def __init__(self, env: Any, inventor: Inventor, *, audit_trail: bool):
        self.env = env
        self.inventor = inventor
        self.company = env.ref("base.main_company")
        self.company.write(
            {"name": "Canary", "country_id": env.ref("base.de").id, "email": "canary@example.net"}
        )
        self.other_company = env["res.company"].create(
            {"name": "Canary Abroad", "country_id": env.ref("base.de").id}
        )
        if "account.move" in env:
            for company in self.company | self.other_company:
                env["account.chart.template"].try_loading("generic_coa", company, False)
                company.restrictive_audit_trail = audit_trail
                journals = env["account.journal"].search(
                    [("company_id", "=", company.id), ("type", "in", ("sale", "purchase"))]
                )
                journals.restrict_mode_hash_table = True
        warehouses = env.get("stock.warehouse")
        if warehouses is not None and not warehouses.search(
            [("company_id", "=", self.other_company.id)], limit=1
        ):
            warehouses.create(
                {"name": "Abroad", "code": "ABR", "company_id": self.other_company.id}
            )
        both = (self.company | self.other_company).ids
        officer = ("base.group_user", "ajw_consent.group_officer")
        self.officers = [self.user(f"canary_officer_{i}", officer, both) for i in (1, 2)]
        self.clerk = self.user("canary_clerk", CLERK, both)
        self.product = env["product.product"].create(
            {"name": "Canary seed", "list_price": 100.0}
            | ({"invoice_policy": "order"} if "sale.order" in env else {})
        )
        self.group = env["res.partner"].create(
            {
                "name": "Canary Group",
                "is_company": True,
                "street": "Seed Street 1",
                "zip": "10115",
                "city": "Berlin",
                "country_id": env.ref("base.de").id,
                "email": "group@example.net",
            }
        )
        env.cr.commit()

    def has(self, *modules: str) -> bool:
        """Whether the apps are in the database."""
        return set(modules) <= self.env.registry._init_modules

    def user(
        self, login: str, groups: tuple[str, ...], company_ids: list[int], **values: Any
    ) -> Any:
        found = [self.env.ref(group, raise_if_not_found=False) for group in groups]
        return self.env["res.users"].with_context(no_reset_password=True).create(
            {
                "name": login.replace("_", " ").title(),
                "login": login,
                "email": f"{login}@example.net",
                "company_id": company_ids[0],
                "company_ids": [(6, 0, company_ids)],
                "group_ids": [(6, 0, [group.id for group in found if group])],
                **values,
            }
        )  # fmt: skip

    def as_clerk(self, company: Any = None) -> Any:
        """The environment of somebody who works here."""
        company = company or self.company
        return self.env(
            user=self.clerk, context={"allowed_company_ids": company.ids, "lang": "en_US"}
        )

    def as_person(self, person: Person) -> Any:
        """The environment of somebody who is signed in in the portal."""
        return self.env(user=person.records["user"], context={"lang": "en_US"})

    # -- people ----------------------------------------------------------------------------------

    def contact(self, person: Person, company: Any = None, **values: Any) -> Any:
        """Enter somebody as they were, then as they are: tracking notes what they were."""
        company = company or self.company
        env = self.as_clerk(company)
        partner = env["res.partner"].create(
            {
                "name": person.old_name,
                "email": person.old_email,
                "phone": person.old_phone,
                "street": person.old_street,
                "zip": "10115",
                "city": "Berlin",
                "country_id": env.ref("base.de").id,
                "company_id": company.id,
                "ref": person.words["ref"],
                "lang": "en_US",
                **values,
            }
        )
        person.records["partner"] = partner.with_env(self.env)
        self.env.cr.commit()
        # who is below a company has its tax number, not one of their own
        tax = {} if partner.parent_id else {"vat": person.words["vat"]}
        partner.write(
            {
                **tax,
                "name": person.name,
                "email": person.email,
                "phone": person.phone,
                "street": person.street,
                "comment": f"<p>{person.name} asks to be called at {person.phone}.</p>",
                "website": f"https://{person.words['mailbox']}.example.com",
            }
        )
        if "barcode" in partner._fields:
            partner.barcode = person.words["barcode"]
        self.env.cr.commit()
        return person.records["partner"]

    def portal(self, person: Person) -> Any:
        """Give somebody access to the portal, by the wizard, under a login of their own."""
        env = self.as_clerk()
        partner = person.partner.with_env(env)
        wizard = self.env["portal.wizard"].create({"partner_ids": [(6, 0, partner.ids)]})
        wizard.user_ids.action_grant_access()
        user = person.partner.with_context(active_test=False).user_ids
        user.login = person.words["login"]
        person.records["user"] = user
        self.env.cr.commit()
        return user
