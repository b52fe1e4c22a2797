from odoo import models

from .selections import TEMPLATE_CATEGORIES, TEMPLATE_STATUSES


class AjwWhatsappWebhookEvent(models.Model):
    """News of templates and of the account.

    They say how things are from now on. A call that is worked through once more says how they were.
    """

    _inherit = "ajw.whatsapp.webhook.event"

    def _process_template(self, update):
        """Take in news of a template, unless newer ones were taken in already."""
        if self.replayed:
            return None
        templates = (
            self.env["ajw.whatsapp.template"]
            .with_context(active_test=False)
            .search(
                [
                    ("meta_template_id", "=", update.meta_template_id),
                    ("company_id", "=", self.company_id.id),
                    ("account_id.waba_id", "=", self.account_id.waba_id),
                ]
            )
        )
        if not templates:
            return "unknown_template"
        at = update.at or self.received_at
        templates = templates.filtered(lambda t: not t.reported_at or t.reported_at <= at)
        vals = {"reported_at": at}
        if update.status:
            known = update.status in dict(TEMPLATE_STATUSES)
            vals["status"] = update.status if known else "UNKNOWN"
            vals["rejection_reason"] = update.reason if update.status == "REJECTED" else False
        if update.category:
            known = update.category in dict(TEMPLATE_CATEGORIES)
            # A category this software does not know must not pass for one that may be sent.
            vals["category"] = update.category if known else "MARKETING"
        if update.quality:
            vals["quality"] = (
                update.quality if update.quality in ("GREEN", "YELLOW", "RED") else "UNKNOWN"
            )
        templates.write(vals)
        if update.components:
            templates._note_components(update.components)
        return None

    def _process_meta_change(self, change):
        """News of the account or the business: the account knows what to make of them."""
        if self.replayed:
            return None
        handled = self.account_id._note_meta_change(change.field, change.value, change.at)
        return None if handled else change.field
