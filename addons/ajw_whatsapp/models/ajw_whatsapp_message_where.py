from odoo import api, fields, models

from .error_texts import CONTACT, DOCUMENT, TEMPLATE


class AjwWhatsappMessage(models.Model):
    """From an error to the place where it is put right."""

    _inherit = "ajw.whatsapp.message"

    error_where = fields.Char(
        compute="_compute_error_where",
        help="Where the error is put right: an address, or the kind of record to open.",
    )

    @api.depends("error_code", "direction")
    def _compute_error_where(self):
        texts = self.env["ajw.whatsapp.error"]
        for message in self:
            code = message.error_code
            message.error_where = texts._advice(code)["where"] if code else False

    def action_open_where(self):
        """Open the place where the error of this message is put right.

        :return: an action; ``False`` when there is nothing to be done
        """
        self.ensure_one()
        self.check_access("read")
        where = self.error_where
        if where and where.startswith("https://"):
            return {"type": "ir.actions.act_url", "url": where, "target": "new"}
        if where == DOCUMENT:
            return self.action_open_document()
        record = {CONTACT: self.partner_id, TEMPLATE: self.template_id}.get(where, self.account_id)
        if not where or not record:
            return False
        record.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }
