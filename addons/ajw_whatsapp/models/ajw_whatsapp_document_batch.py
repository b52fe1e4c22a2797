from odoo import models
from odoo.exceptions import UserError


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """Sending many documents at once."""

    _inherit = "ajw.whatsapp.document.mixin"

    def action_ajw_whatsapp_batch(self):
        """Open the wizard that says what would become of each of these documents."""
        self._ajw_whatsapp_check_user("read")
        if not self:
            raise UserError(self.env._("Select the documents to send first."))
        wizard = self.env["ajw.whatsapp.batch.wizard"].create(
            {"res_model": self._name, "selected_ids": self.ids}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send via WhatsApp"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "current",
        }

    def _ajw_whatsapp_find_empty(self, template):
        """Say for which documents a template cannot be filled in; changes nothing.

        :return: ``{record_id: sentence}``
        """
        try:
            return template._find_empty(self)
        except UserError as error:
            return dict.fromkeys(self.ids, str(error))

    def _ajw_whatsapp_open(self, res_model, res_ids, name=""):
        """Return the action that opens records: one as a form, several as a list."""
        action = {"type": "ir.actions.act_window", "res_model": res_model, "name": name}
        if len(res_ids) == 1:
            return {**action, "res_id": res_ids[0], "views": [(False, "form")]}
        return {
            **action,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", res_ids)],
            "context": {"create": False},
        }

    def _ajw_whatsapp_open_fix(self, fix):
        """Open what mends a reason against sending these documents.

        :param str fix: contact, document, account or template
        :raises UserError: there is nothing to open
        """
        if fix == "document":
            return self._ajw_whatsapp_open(self._name, self.ids, self.env._("Documents"))
        if fix == "contact":
            if not self.partner_id:
                raise UserError(self.env._("The document has no customer."))
            return self._ajw_whatsapp_open(
                "res.partner", self.partner_id.ids, self.env._("Contacts")
            )
        if fix == "account":
            accounts = self.env["ajw.whatsapp.account"].search(
                [("company_id", "in", self.company_id.ids)]
            )
            action = self._ajw_whatsapp_open(
                accounts._name, accounts.ids, self.env._("WhatsApp Accounts")
            )
            if not accounts:  # so that one can be made right here
                action["context"] = {"default_company_id": self.company_id[:1].id}
            return action
        if fix == "template":
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Templates"),
                "res_model": "ajw.whatsapp.template",
                "views": [(False, "list"), (False, "form")],
                "domain": [("company_id", "in", self.company_id.ids), ("model", "=", self._name)],
            }
        raise UserError(self.env._("There is nothing to open for this."))
