"""Bases for tests of the outbox: an account connected to a Cloud API on loopback."""

import base64
import json
import time

from odoo import fields
from odoo.tests import TransactionCase

from odoo.addons.ajw_consent.tests.common import ConsentCommonMixin

from ..cloud_api import webhook
from .fake_meta import APP_ID, PHONE_NUMBER_ID, SECRET, TOKEN, WABA_ID, FakeMeta

PDF = b"%PDF-1.4 a document for tests"


class WhatsappCommonMixin(ConsentCommonMixin):
    """An account, a template, a customer who opted in, and a Cloud API on loopback (``meta``)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": cls.company.ids,
                "tracking_disable": True,
            }
        )
        cls.env.user.company_ids += cls.company
        cls.meta = FakeMeta()
        cls.addClassCleanup(cls.meta.close)
        cls.account = cls._create_account()
        cls.template = cls._create_template()
        cls.user = cls._create_user("wa_user", "ajw_whatsapp.group_user")
        cls.manager = cls._create_user("wa_manager", "ajw_whatsapp.group_manager")
        cls._opt_in(cls.partner)

    def setUp(self):
        super().setUp()
        self.meta.calls.clear()
        self.meta.templates = []
        # What the class set up may be older by now than a look at Meta holds.
        known = self.env["ajw.whatsapp.template"].search([("category_checked_at", "!=", False)])
        known.category_checked_at = fields.Datetime.now()
        self.meta.tokens = {TOKEN}
        self.meta._scripts.clear()

    @classmethod
    def _create_account(cls, **values):
        account = cls.env["ajw.whatsapp.account"].create(
            {
                "name": "Test account",
                "company_id": cls.company.id,
                "phone_number_id": PHONE_NUMBER_ID,
                "waba_id": WABA_ID,
                "app_id": APP_ID,
                "base_url": cls.meta.base_url,
                "access_token": TOKEN,
                "app_secret": SECRET,
                "verify_token": "verify-for-tests",
                **values,
            }
        )
        account.state = "connected"
        return account

    #: Contacts stand in for documents, which cost more to make.
    stand_in = True

    @classmethod
    def _create_template(cls, **values):
        template = cls.env["ajw.whatsapp.template"].create(
            {
                "account_id": cls.account.id,
                "name": "test_document",
                "language": "en",
                "status": "APPROVED",
                "header_type": "document",
                "body": "Hello {{customer}}, here it is.",
                "model": "sale.order",
                "purpose_id": cls.purpose_invoice.id,
                "meta_template_id": "555",
                "category_checked_at": fields.Datetime.now(),
                "variable_ids": [
                    (0, 0, {"name": "customer", "source": "field", "field_path": "partner_id.name"})
                ],
                **values,
            }
        )
        if cls.stand_in:
            template.flush_recordset()
            # SQL: contacts are none of the documents to choose from
            cls.env.cr.execute(
                "UPDATE ajw_whatsapp_template SET model = 'res.partner' WHERE id = %s", template.ids
            )
            template.invalidate_recordset(["model"])
        return template

    def _message_vals(self, partner=None, **values):
        """Values of a message about a document; contacts stand in for documents here."""
        partner = partner or self.partner
        if "attachment_id" not in values:
            values["attachment_id"] = (
                self.env["ir.attachment"]
                .create(
                    {
                        "name": "document.pdf",
                        "datas": base64.b64encode(PDF),
                        "mimetype": "application/pdf",
                        "res_model": "res.partner",
                        "res_id": partner.id,
                    }
                )
                .id
            )
        return {
            "company_id": self.company.id,
            "account_id": self.account.id,
            "partner_id": partner.id,
            "number": partner.phone_sanitized,
            "res_model": "res.partner",
            "res_id": partner.id,
            "purpose_id": self.purpose_invoice.id,
            "template_id": self.template.id,
            "language": "en",
            "template_components": [
                {
                    "type": "body",
                    "parameters": [{"type": "text", "parameter_name": "customer", "text": "Test"}],
                }
            ],
            "body": "Hello Test, here it is.",
            "filename": "INV-1.pdf",
            **values,
        }

    def _manager_vals(self, partner=None, **values):
        """Values of a row that a manager makes over RPC: without what nobody may read."""
        vals = self._message_vals(partner, **values)
        del vals["template_components"]
        return vals

    def _enqueue(self, partner=None, **values):
        return self.env["ajw.whatsapp.message"]._enqueue([self._message_vals(partner, **values)])

    def _enqueue_many(self, count):
        partners = [self._create_partner(f"P{n}", f"+9198765{n:05}") for n in range(count)]
        for partner in partners:
            self._opt_in(partner)
        return self.env["ajw.whatsapp.message"]._enqueue(
            [self._message_vals(partner) for partner in partners]
        )

    def _patch_account(self, name, function):
        self.patch(self.env.registry["ajw.whatsapp.account"], name, function)

    def _run_outbox(self, account=None):
        """Run the account's scheduled action as the scheduler does."""
        with self.enter_registry_test_mode():
            (account or self.account).cron_id.method_direct_trigger()

    def _run_webhooks(self):
        with self.enter_registry_test_mode():
            self.env.ref("ajw_whatsapp.ir_cron_webhook").method_direct_trigger()

    # What Meta reports

    def _call_of(self, **value):
        """Return the payload of a webhook call with one change of the field ``messages``."""
        return {
            "object": "whatsapp_business_account",
            "entry": [
                {
                    "id": WABA_ID,
                    "changes": [
                        {
                            "field": "messages",
                            "value": {
                                "messaging_product": "whatsapp",
                                "metadata": {"phone_number_id": PHONE_NUMBER_ID},
                                **value,
                            },
                        }
                    ],
                }
            ],
        }

    def _status(self, message, status, at=None, by="callback_ref", **values):
        row = {
            "id": message.wamid or "wamid.elsewhere",
            "status": status,
            "timestamp": str(at or int(time.time())),
            "recipient_id": "919876543210",
            **values,
        }
        if by == "callback_ref":
            row["biz_opaque_callback_data"] = message.callback_ref
        return self._call_of(statuses=[row])

    def _inbound(self, text, wamid="wamid.in1", number="919876543210", **values):
        row = {
            "from": number,
            "id": wamid,
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": text},
            **values,
        }
        return self._call_of(messages=[row])

    def _report(self, payload, account=None):
        """Store a call as the webhook does, and return the event."""
        events = self.env["ajw.whatsapp.webhook.event"]
        events._receive(account or self.account, json.dumps(payload))
        return events.search([], order="id desc", limit=1)

    def _sign(self, body):
        return webhook.sign(body, SECRET)


class WhatsappCommon(WhatsappCommonMixin, TransactionCase):
    """Transaction tests of the outbox."""
