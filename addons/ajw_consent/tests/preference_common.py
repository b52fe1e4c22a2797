"""Bases for tests of the pages on which people answer for themselves."""

import re
from datetime import timedelta

from odoo import fields
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import SQL

from .invitation_common import InvitationCommonMixin, InvitationHttpCommon

PORTAL = "/my/consents"


class PreferenceCommonMixin(InvitationCommonMixin):
    """A customer with a number, an email address and a portal account."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = new_test_user(
            cls.env,
            "preference_customer",
            "base.group_portal",
            company_id=cls.company.id,
            company_ids=[(6, 0, cls.company.ids)],
        )
        cls.partner = cls.customer.partner_id
        cls.partner.write(
            {
                "name": "Test Customer",
                "email": "customer@example.com",
                "phone": cls.number,
                "country_id": cls.env.ref("base.in").id,
            }
        )
        cls.Confirmation = cls.env["ajw.consent.confirmation"]
        cls.Link = cls.env["ajw.consent.preference.link"]

    def _run_confirmations(self):
        """Run both scheduled actions: ours, and Odoo's mail queue."""
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_confirmation").method_direct_trigger()
            self.env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
        self.env.invalidate_all()

    def _link_in(self, path, email="customer@example.com"):
        """The token in the last mail to an address whose link leads to a path."""
        bodies = [body for recipient, body in self.outbox if email in recipient]
        tokens = [found[1] for body in bodies if (found := re.search(rf"{path}/([\w-]+)", body))]
        return tokens[-1]

    def _hand_over(self, partner=None, way="email"):
        """Return a preference link as a user makes it, and its token."""
        partner = partner or self.partner
        wizard = self.env["ajw.consent.preference.send"].with_user(self.consent_user)
        wizard = wizard.create(
            {"partner_id": partner.id, "company_id": self.company.id, "way": way}
        )
        action = wizard.action_hand_over()
        link = self.Link.search([("partner_id", "=", partner.id)], limit=1)
        if way == "qr_code":
            return link, action
        with self.enter_registry_test_mode():
            self.env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
        self.env.invalidate_all()
        return link, self._link_in("/ajw_consent/preferences", partner.email_normalized)

    def _key(self, purpose, channel="whatsapp"):
        return f"{purpose.id}-{channel}"

    def _kinds(self, partner=None):
        """What the ledger holds of a person, oldest first."""
        events = self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", (partner or self.partner).id)], order="id"
        )
        return [(event.purpose_code, event.kind, event.method) for event in events]

    def _preference_counts(self):
        """Row counts and contents of everything that an answer could touch."""
        self.env.cr.precommit.run()  # what contacts note about earlier changes of themselves
        counts = self._counts()
        for table in ("ajw_consent_confirmation", "ajw_consent_preference_link"):
            self.env.cr.execute(
                SQL(
                    "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM %s t",
                    SQL.identifier(table),
                )
            )
            counts[table] = self.env.cr.fetchone()
        return counts

    def _past(self, row):
        row.expires_at = fields.Datetime.now() - timedelta(seconds=1)
        row.flush_recordset()


class PreferenceCommon(PreferenceCommonMixin, TransactionCase):
    """Transaction tests."""


class PreferenceHttpCommon(PreferenceCommonMixin, InvitationHttpCommon):
    """Tests of the pages."""

    def _fields(self, text, action=None):
        """The hidden fields of the first form of a page, or of the one with an action in it."""
        forms = re.findall(r"<form.*?</form>", text, re.S)
        form = next(form for form in forms if action is None or action in form)
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))

    def _portal_post(self, decision, *choices, **values):
        """Answer in the portal, as the page does; returns the page that follows."""
        self.env.flush_all()
        page = self.url_open(PORTAL).text
        form = re.search(r"<form[^>]*answer.*?</form>", page, re.S)
        hidden = dict(
            re.findall(r'name="(csrf_token|company|notice|lang)" value="([^"]*)"', form[0])
        )
        data = [(name, each) for name, each in {**hidden, **values}.items() if each is not None]
        data += [("choice", choice) for choice in choices]
        response = self.url_open(f"{PORTAL}/answer", data=[*data, ("decision", decision)])
        self.env.invalidate_all()
        return response

    def _link_post(self, path, decision, *choices, **values):
        """Answer on a public page, as the page does."""
        self.env.flush_all()
        page = self.url_open(path).text
        hidden = dict(re.findall(r'name="(csrf_token|notice|lang)" value="([^"]*)"', page))
        data = [(name, each) for name, each in {**hidden, **values}.items() if each is not None]
        data += [("choice", choice) for choice in choices]
        response = self.url_open(path, data=[*data, ("decision", decision)])
        self.env.invalidate_all()
        return response

    @staticmethod
    def _problem(response):
        return re.findall(r'data-problem="(\w+)"', response.text)
