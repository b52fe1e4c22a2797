"""Base of the tests that send documents: a company with accounting, an account, templates."""

from odoo import Command, fields
from odoo.tests import TransactionCase, new_test_user

from odoo.addons.ajw_consent.tests.common import ConsentCommonMixin

from ..cloud_api import media_checks


class DocumentCommonMixin(ConsentCommonMixin):
    """An Indian company that invoices and sells, and the people who do it. Nobody opted in yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=cls.company, install_demo=False
        )
        cls.account = cls.env["ajw.whatsapp.account"].create(
            {
                "name": "Ledger Trading",
                "company_id": cls.company.id,
                "phone_number_id": "100000000000001",
                "waba_id": "200000000000001",
                "state": "connected",
            }
        )
        cls.invoice_template = cls._create_template("account.move", cls.purpose_invoice)
        cls.order_template = cls._create_template("sale.order", cls.purpose_order)
        cls.billing = cls._create_user("doc_billing", "account.group_account_invoice")
        cls.seller = cls._create_user("doc_seller", "sales_team.group_sale_salesman")
        cls.portal = new_test_user(
            cls.env,
            "doc_portal",
            groups="base.group_portal",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def setUp(self):
        super().setUp()
        # Under test Odoo makes HTML of what is a PDF otherwise, named and typed as one.
        self.patch(media_checks, "PDF_MARK", b"")

    @classmethod
    def _create_template(cls, model, purpose, language="en", **values):
        return cls.env["ajw.whatsapp.template"].create(
            {
                "account_id": cls.account.id,
                "name": f"{model.replace('.', '_')}_ready",
                "language": language,
                "category": "UTILITY",
                "status": "APPROVED",
                "parameter_format": "NAMED",
                "header_type": "document",
                "body": "Hello {{customer}}, *{{number}}* is ready.",
                "footer": "Reply STOP to receive no more messages",
                "model": model,
                "purpose_id": purpose.id,
                "variable_ids": [
                    Command.create(
                        {
                            "place": "body",
                            "name": "customer",
                            "source": "field",
                            "field_path": "partner_id.name",
                            "sample": "Asha",
                        }
                    ),
                    Command.create(
                        {
                            "place": "body",
                            "name": "number",
                            "source": "field",
                            "field_path": "name",
                            "sample": "INV/1",
                        }
                    ),
                ],
                **values,
            }
        )

    @classmethod
    def _create_invoice(cls, partner=None, post=True, **values):
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "company_id": cls.company.id,
                "partner_id": (partner or cls.partner).id,
                "invoice_date": "2026-11-02",
                "invoice_user_id": cls.billing.id,
                "invoice_line_ids": [
                    Command.create({"name": "Rice", "price_unit": 1250, "tax_ids": []})
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    @classmethod
    def _create_order(cls, partner=None, **values):
        product = cls.env["product.product"].create({"name": "Rice", "list_price": 1250})
        return cls.env["sale.order"].create(
            {
                "company_id": cls.company.id,
                "partner_id": (partner or cls.partner).id,
                "user_id": cls.seller.id,
                "order_line": [Command.create({"product_id": product.id, "tax_ids": []})],
                **values,
            }
        )

    def _compose(self, document, user):
        """Open the composer as a user would, and return it."""
        action = document.with_user(user).action_ajw_whatsapp_compose()
        return (
            self.env["ajw.whatsapp.composer"]
            .with_user(user)
            .with_context(**action["context"])
            .create({})
        )

    def _claim(self):
        """Let the sender claim what is queued, with the templates just looked up at Meta."""
        self.account.access_token = "token"
        self.env.flush_all()
        templates = self.invoice_template.search([("account_id", "=", self.account.id)])
        templates.sudo().category_checked_at = fields.Datetime.now()
        return self.account._claim_batch()

    def _messages(self, document):
        return self.env["ajw.whatsapp.message"].search(
            [("res_model", "=", document._name), ("res_id", "=", document.id)]
        )

    def _set_state(self, messages, state, **values):
        """Let the outbox come to an outcome, and tell the document."""
        engine = messages._engine()
        engine._set_state(state, **values)
        engine._document_outcome()
        messages.invalidate_recordset()

    def _notes(self, document):
        return document.message_ids.filtered(lambda m: m.message_type == "ajw_whatsapp")

    def _complaints(self, document):
        kind = self.env.ref("ajw_whatsapp.mail_activity_type_not_sent")
        return document.activity_ids.filtered(lambda a: a.activity_type_id == kind)

    def assertNothingQueued(self, document):
        """No message, no note that claims one, and nothing that only a sending would have made."""
        self.assertFalse(self._messages(document))
        self.assertFalse(self._notes(document))
        self.assertFalse(
            self.env["ir.attachment"].search(
                [
                    ("res_model", "=", document._name),
                    ("res_id", "=", document.id),
                    ("res_field", "in", [False, "invoice_pdf_report_file"]),
                    ("mimetype", "=", "application/pdf"),
                ]
            ),
            "a document that is not sent must not be rendered",
        )


class DocumentCommon(DocumentCommonMixin, TransactionCase):
    """Transaction tests that send documents."""


class OwnAndForeignOrder(DocumentCommon):
    """A salesman restricted to his own orders, and a colleague's order; both were sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = cls._create_user("doc_colleague", "sales_team.group_sale_salesman")
        cls.manager = cls._create_user("doc_manager", "ajw_whatsapp.group_manager")
        cls._opt_in(cls.partner, cls.purpose_order)
        cls.own = cls._create_order()
        cls.foreign = cls._create_order(user_id=cls.colleague.id)

    def setUp(self):
        super().setUp()
        self._compose(self.own, self.seller).action_send()
        self._compose(self.foreign, self.colleague).action_send()
        self.mine, self.theirs = self._messages(self.own), self._messages(self.foreign)
        self.env.flush_all()
        self.env.invalidate_all()
