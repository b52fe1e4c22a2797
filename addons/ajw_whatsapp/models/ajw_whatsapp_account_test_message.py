from odoo import models

from odoo.addons.ajw_consent.ledger.fold import CLOSED_BY_PERSON

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
        # matter. It only ever goes to whoever asked for it, on the number of the own contact.
        if message.res_model != self._name:
            return super()._template_refusal(message)
        template = message.template_id
        if (
            template.category != "UTILITY"
            or (template.purpose_id and template.purpose_id != message.purpose_id)
            or message.create_uid.partner_id != message.partner_id
        ):
            return "purpose_not_covered"
        if message.number != message.partner_id._ajw_default_address("whatsapp"):
            return "number_changed"
        return self._foreign_number_reason(message.partner_id, message.number)

    def _foreign_number_reason(self, partner, number):
        """Return the reason code why a number may be somebody else's, ``None`` for no reason.

        Nobody can prove to Odoo whose phone it is. So a test goes to a number that no other contact
        of the controller holds, and that nobody said no on: whoever answers STOP to a test that was
        none of theirs gets no second one.

        :param partner: the contact of whoever sends the test
        :param str number: E.164
        """
        # sudo: contacts and answers count that the manager may not see
        controller = self.sudo().company_id.ajw_consent_controller_id
        holders = controller.env["res.partner"].with_context(active_test=False)
        others = holders._ajw_holding_address(controller, "whatsapp", number) - partner
        # The business's own entry is no customer: a sole trader's is often the same number.
        companies = controller.search([("id", "child_of", controller.id)])
        if others - companies.partner_id:
            return "suspended"
        closed = [
            ("company_id", "=", controller.id),
            ("channel", "=", "whatsapp"),
            ("address", "=", number),
            ("status", "in", list(CLOSED_BY_PERSON)),
        ]
        if controller.env["ajw.consent.state"].search_count(closed, limit=1):
            return "withdrawn"
        if controller.env["ajw.consent.gate"]._fetch_blacklisted("whatsapp", {number}):
            return "blacklisted"
        return None
