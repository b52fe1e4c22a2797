"""Bases for tests of invitations."""

import re
from contextlib import nullcontext
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, TransactionCase
from odoo.tools import SQL

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .common import ConsentCommonMixin

PREFIX = "+919876540"


class InvitationCommonMixin(ConsentCommonMixin):
    """A company that invites, customers with number and email address, and no mail server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "desk@ledger-trading.example"
        cls.partner.email = "customer@example.com"
        cls.purposes = cls.purpose_invoice | cls.purpose_order
        cls.Invitation = cls.env["ajw.consent.invitation"]

    def setUp(self):
        super().setUp()
        self.env["mail.mail"].search([("state", "=", "outgoing")]).state = "cancel"
        #: Every mail that would have left, as (recipient, body).
        self.outbox = []
        #: Recipients whose mail fails.
        self.unreachable = set()

        def send_email(server, message, *args, **kwargs):
            recipient = message["To"]
            if any(each in recipient for each in self.unreachable):
                raise OSError(f"no such mailbox: {recipient}")
            body = message.get_body(("html",)).get_content()
            self.outbox.append((recipient, body))
            return message["Message-Id"]

        self.startPatcher(patch.object(IrMail_Server, "send_email", send_email))
        self.startPatcher(patch.object(IrMail_Server, "_disable_send", lambda *args: False))
        self.startPatcher(patch.object(IrMail_Server, "_connect__", lambda *args, **kwargs: None))

    @classmethod
    def _create_customers(cls, count):
        """Customers with a number and an email address each."""
        return cls.env["res.partner"].create(
            [
                {
                    "name": f"Customer {index}",
                    "phone": f"{PREFIX}{500 + index}",
                    "email": f"customer{index}@example.com",
                    "country_id": cls.env.ref("base.in").id,
                }
                for index in range(count)
            ]
        )

    def _wizard(self, partners=None, user=None, **values):
        env = self.env(user=user or self.consent_user)
        return env["ajw.consent.invite"].create(
            {
                "company_id": self.company.id,
                "partner_ids": [(6, 0, (partners or self.partner).ids)],
                "purpose_ids": [(6, 0, self.purposes.ids)],
                **values,
            }
        )

    def _invite(self, partners=None, **values):
        """Invite as a user does, and return the queued rows."""
        action = self._wizard(partners, **values).action_invite()
        return self.env["ajw.consent.invitation.batch"].browse(action["res_id"]).invitation_ids

    def _run_sending(self):
        """Run both scheduled actions as the scheduler does: ours, and Odoo's mail queue."""
        with self.enter_registry_test_mode():
            self.env.ref("ajw_consent.ir_cron_invitation").method_direct_trigger()
            self.env.ref("mail.ir_cron_mail_scheduler_action").method_direct_trigger()
        self.env.invalidate_all()

    def _token_of(self, email):
        """The token in the last mail to an address."""
        bodies = [body for recipient, body in self.outbox if email in recipient]
        return re.search(r"/ajw_consent/invitation/([\w-]+)", bodies[-1])[1]

    def _invite_and_send(self, partner=None, **values):
        """Return a sent invitation and its token."""
        partner = partner or self.partner
        invitation = self._invite(partner, **values)
        self._run_sending()
        return invitation, self._token_of(partner.email_normalized)

    def _answer(self, token, decision="agree", purposes=None, notice=None, **values):
        purposes = self.purpose_invoice if purposes is None else purposes
        return (
            self.env["ajw.consent.invitation"]
            .with_user(self.env.ref("base.public_user"))
            ._answer(
                token,
                decision,
                purpose_ids=purposes.ids,
                notice_digest=(notice or self.notice).digest,
                lang="en_US",
                ip="203.0.113.7",
                **values,
            )
        )

    def _expire(self, invitation):
        invitation.expires_at = fields.Datetime.now() - timedelta(seconds=1)
        invitation.flush_recordset()

    def _counts(self):
        """Row counts of everything an answer could touch."""
        self.env.flush_all()
        tables = (
            "ajw_consent_event",
            "ajw_consent_evidence",
            "ajw_consent_state",
            "ajw_consent_subject",
            "ajw_consent_invitation",
            "res_partner",
            "mail_message",
            "mail_mail",
        )
        counts = {}
        for table in tables:
            self.env.cr.execute(SQL("SELECT count(*) FROM %s", SQL.identifier(table)))
            counts[table] = self.env.cr.fetchone()[0]
        self.env.cr.execute(
            "SELECT md5(string_agg(invitation::text, '|' ORDER BY id)) "
            "FROM ajw_consent_invitation invitation"
        )
        counts["content"] = self.env.cr.fetchone()[0]
        return counts


class InvitationCommon(InvitationCommonMixin, TransactionCase):
    """Transaction tests of invitations."""


class InvitationHttpCommon(InvitationCommonMixin, HttpCase):
    """Tests of the public pages."""

    def enter_registry_test_mode(self):
        # HTTP tests are in that mode from the start.
        return nullcontext()
