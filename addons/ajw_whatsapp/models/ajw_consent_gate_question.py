from odoo import api, models


class AjwConsentGate(models.AbstractModel):
    """The reasons that only messages inside a conversation know."""

    _inherit = "ajw.consent.gate"

    @api.model
    def _reason_label(self, code):
        # EXTENDS 'ajw_consent'
        return {
            "window_closed": self.env._(
                "The conversation ended before the message could be sent: more than 24 hours have "
                "passed since the person wrote."
            ),
            "erased": self.env._("The number was erased before the message could be sent."),
            "nothing_to_ask": self.env._("The person has answered meanwhile."),
        }.get(code) or super()._reason_label(code)
