from odoo import api, fields, models

#: Purposes that keep quiet hours unless somebody decides otherwise.
QUIET_CODES = ("reminder",)


class AjwConsentPurpose(models.Model):
    """When, and how often, messages of a purpose are sent over WhatsApp."""

    _inherit = "ajw.consent.purpose"

    whatsapp_quiet_hours = fields.Boolean(
        "Keep Quiet Hours",
        compute="_compute_whatsapp_quiet_hours",
        store=True,
        readonly=False,
        help="Messages of this purpose wait in the quiet hours of the company, by the recipient's "
        "time of day, and go out when these are over.",
    )
    whatsapp_cap = fields.Integer(
        "At Most (messages)",
        help="How many messages of this purpose a number gets from a company within the days "
        "beside. Further ones wait. 0: any number.",
    )
    whatsapp_cap_days = fields.Integer(
        "Within (days)", default=1, help="Any days in a row: the count never starts anew."
    )

    _whatsapp_cap_positive = models.Constraint(
        "CHECK(whatsapp_cap >= 0)", "The number of messages cannot be negative. 0 stands for any."
    )
    _whatsapp_cap_days_range = models.Constraint(
        "CHECK(whatsapp_cap_days BETWEEN 1 AND 366)", "Messages are capped over 1 to 366 days."
    )

    def write(self, vals):
        # EXTENDS 'ajw_consent': who waits for a limit that was changed may go sooner
        former = {purpose: purpose._whatsapp_limits() for purpose in self}
        result = super().write(vals)
        messages = self.env["ajw.whatsapp.message"]
        for purpose, limits in former.items():
            for reason, limit in purpose._whatsapp_limits().items():
                if limit != limits[reason]:
                    messages._recall(reason, [("purpose_id", "=", purpose.id)])
        return result

    def _whatsapp_limits(self):
        """Return reason to wait → what decides how long.

        :rtype: dict
        """
        self.ensure_one()
        return {
            "quiet_hours": self.whatsapp_quiet_hours,
            "frequency_cap": (self.whatsapp_cap, self.whatsapp_cap_days),
        }

    @api.depends("is_marketing", "code")
    def _compute_whatsapp_quiet_hours(self):
        for purpose in self:
            purpose.whatsapp_quiet_hours = purpose.is_marketing or purpose.code in QUIET_CODES
