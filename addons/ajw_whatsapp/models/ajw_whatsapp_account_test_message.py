from odoo import models

from .selections import SENDABLE_STATUSES


class AjwWhatsappAccount(models.Model):
    """A test message is about the account itself, and goes to the manager who sends it."""

    _inherit = "ajw.whatsapp.account"

    def action_test_message(self):
        """Open the test message to oneself."""
        self._check_manager()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Test message to yourself"),
            "res_model": "ajw.whatsapp.test.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_account_id": self.id},
        }

    def _testable_templates(self):
        """Return the templates that a test message may use.

        Those for invoices come first, as they show most of what customers will see.
        """
        self.ensure_one()
        ready = self.template_ids.filtered(
            lambda t: t.status in SENDABLE_STATUSES and t.category == "UTILITY" and t.active
        )
        return ready.sorted(lambda t: (t.model != "account.move", t.language != "en", t.id))

    def _template_refusal(self, message):
        # EXTENDS this model: a test message is of no document, so its template's document does not
        # matter. It only ever goes to whoever asked for it.
        if message.res_model != self._name:
            return super()._template_refusal(message)
        template = message.template_id
        if (
            template.category != "UTILITY"
            or (template.purpose_id and template.purpose_id != message.purpose_id)
            or message.create_uid.partner_id != message.partner_id
        ):
            return "purpose_not_covered"
        return None
