from odoo import fields, models

from ..cloud_api import keywords
from .ajw_whatsapp_message import ENGINE_FIELDS

ENGINE_FIELDS.update({"opt_out": False})


class AjwWhatsappMessage(models.Model):
    """Whether a received message said no, which its text alone need not tell.

    A button says it by its hidden payload, and texts are emptied when they are no longer needed.
    """

    _inherit = "ajw.whatsapp.message"

    _ajw_personal_data = {
        "opt_out": {
            "category": "technical",
            "erase": "none",
            "reason": "Says nothing of anybody once the number is erased.",
        },
    }

    opt_out = fields.Selection(
        [("said", "Said, not recorded yet"), ("heard", "Recorded")],
        string="Opt-out",
        readonly=True,
        copy=False,
        help="The person asked to stop. Not recorded yet: for example, the number is not known.",
    )

    def _is_opt_out(self):
        """Tell whether the person said no by this message."""
        self.ensure_one()
        # Messages of before the column existed have only their text.
        return self.direction == "inbound" and bool(
            self.opt_out or self.ended_consent_ids or keywords.is_stop(self.body)
        )
