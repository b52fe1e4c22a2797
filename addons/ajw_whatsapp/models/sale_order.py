from odoo import api, models

REPORT = "sale.action_report_saleorder"


class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["sale.order", "ajw.whatsapp.document.mixin"]

    @api.model
    def _ajw_whatsapp_purpose(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        return self.env.ref("ajw_consent.purpose_order")

    def _ajw_whatsapp_document_obstacle(self):
        # EXTENDS 'ajw.whatsapp.document.mixin'
        self.ensure_one()
        if self.state == "cancel":
            return "cancelled_document", self.env._(
                "%(name)s is cancelled and is not sent.", name=self.display_name
            )
        return super()._ajw_whatsapp_document_obstacle()

    def _ajw_whatsapp_filename(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        self.ensure_one()
        name = self.with_context(lang=self.partner_id.lang)._get_report_base_filename()
        return f"{name.replace('/', '_')}.pdf"

    def _ajw_whatsapp_attachments(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        attachments = {}
        for company, orders in self.grouped("company_id").items():
            Report = self.env["ir.actions.report"].with_company(company)
            content, report_type = Report._pre_render_qweb_pdf(REPORT, res_ids=orders.ids)
            pdfs = Report._get_splitted_report(REPORT, content, report_type)
            # sudo: a salesperson may send an order without being allowed to attach files to it
            created = (
                self.env["ir.attachment"]
                .sudo()
                .create(
                    [
                        {
                            "name": order._ajw_whatsapp_filename(),
                            "raw": pdfs[order.id],
                            "mimetype": "application/pdf",
                            "res_model": order._name,
                            "res_id": order.id,
                        }
                        for order in orders
                    ]
                )
            )
            attachments.update({attachment.res_id: attachment for attachment in created})
        return attachments

    def _ajw_whatsapp_responsible(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        return self.user_id

    def _action_cancel(self):
        # EXTENDS 'sale'
        result = super()._action_cancel()
        self._ajw_whatsapp_cancel_queued()
        return result

    def action_draft(self):
        # EXTENDS 'sale'
        result = super().action_draft()
        self.filtered(lambda order: order.state == "draft")._ajw_whatsapp_cancel_queued()
        return result

    def _ajw_whatsapp_queue(self, templates=None, occasions=None, batch=None):
        # EXTENDS 'ajw.whatsapp.document.mixin': as when a quotation is sent by email
        messages, problems = super()._ajw_whatsapp_queue(templates, occasions, batch)
        drafts = self.filtered(lambda order: order.state == "draft" and order.id not in problems)
        drafts.with_context(tracking_disable=True).write({"state": "sent"})
        return messages, problems
