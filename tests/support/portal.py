"""A customer of the portal, and the window that they are logged in with."""

from __future__ import annotations

import re

import requests


class PortalCustomer:
    """A new customer with a portal login and a phone, logged in over real HTTP.

    :param stack: the running stack.
    """

    def __init__(self, stack):
        self.url = stack.odoo_url
        self.session = requests.Session()
        login = f"customer-{stack.new_number()[-5:]}@example.com"
        admin = stack.login("admin")
        user = admin.create(
            "res.users",
            {
                "name": "Portal Customer",
                "login": login,
                "password": login,
                "group_ids": [(6, 0, [admin.reference("base.group_portal")])],
            },
            context={"no_reset_password": True},
        )
        self.partner: int = admin.read("res.users", user, "partner_id")["partner_id"][0]
        admin.call("res.partner", "write", [self.partner], {"phone": stack.new_number()})
        self.session.post(
            f"{self.url}/web/login",
            data={**self.form("/web/login", "csrf_token"), "login": login, "password": login},
            timeout=60,
        )

    def form(self, path: str, names: str) -> dict[str, str]:
        """Return the hidden fields of a page.

        :param names: their names, separated by ``|``.
        """
        page = self.session.get(f"{self.url}{path}", timeout=60).text
        return dict(re.findall(rf'name="({names})" value="([^"]*)"', page))

    def consent_form(self, purpose: int) -> dict[str, str]:
        """Return the form of *My consents* with one purpose ticked for WhatsApp.

        :param purpose: id of the purpose.
        """
        form = self.form("/my/consents", "csrf_token|company|notice|lang")
        assert len(form) == 4, form
        return {**form, "choice": f"{purpose}-whatsapp"}

    def answer(self, form: dict[str, str], decision: str) -> int:
        """Send the form; return the status of the answer.

        Can be called by several threads at once: the session only lends its cookies.

        :param form: see :meth:`consent_form`.
        :param decision: give or withdraw.
        """
        return requests.post(
            f"{self.url}/my/consents/answer",
            data={**form, "decision": decision},
            cookies=self.session.cookies,
            allow_redirects=False,
            timeout=60,
        ).status_code
