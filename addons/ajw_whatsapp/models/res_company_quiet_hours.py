from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ResCompany(models.Model):
    """The hours in which nobody's phone should ring."""

    _inherit = "res.company"

    ajw_whatsapp_quiet_from = fields.Float(
        "Quiet From",
        default=21.0,
        help="From this hour on, messages of purposes that keep quiet hours wait. The recipient's "
        "time: of the number's country, else of the contact's, else of the company's.",
    )
    ajw_whatsapp_quiet_to = fields.Float(
        "Quiet To",
        default=8.0,
        help="At this hour they go out. The same hour as the beginning: no quiet hours.",
    )

    def write(self, vals):
        # EXTENDS 'base': who waits for the end of hours that were changed may go sooner
        former = {company: company._ajw_whatsapp_quiet_hours() for company in self}
        result = super().write(vals)
        changed = self.filtered(
            lambda company: company._ajw_whatsapp_quiet_hours() != former[company]
        )
        if changed:
            self.env["ajw.whatsapp.message"]._recall(
                "quiet_hours", [("company_id", "in", changed.ids)]
            )
        return result

    def _ajw_whatsapp_quiet_hours(self):
        """Return the hours at which quiet begins and ends."""
        self.ensure_one()
        return self.ajw_whatsapp_quiet_from, self.ajw_whatsapp_quiet_to

    @api.constrains("ajw_whatsapp_quiet_from", "ajw_whatsapp_quiet_to")
    def _check_ajw_whatsapp_quiet_hours(self):
        for company in self:
            hours = (company.ajw_whatsapp_quiet_from, company.ajw_whatsapp_quiet_to)
            if not all(0 <= hour < 24 for hour in hours):
                raise ValidationError(
                    self.env._("Quiet hours begin and end between 00:00 and 23:59.")
                )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    ajw_whatsapp_quiet_from = fields.Float(
        related="company_id.ajw_whatsapp_quiet_from", readonly=False
    )
    ajw_whatsapp_quiet_to = fields.Float(related="company_id.ajw_whatsapp_quiet_to", readonly=False)
