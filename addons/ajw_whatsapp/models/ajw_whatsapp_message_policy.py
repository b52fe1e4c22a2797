from odoo import fields, models

from .ajw_whatsapp_message import ENGINE_FIELDS

ENGINE_FIELDS.update({"settled_policy": False})


class AjwWhatsappMessage(models.Model):
    """Messages of unknown outcome that the account's policy settled."""

    _inherit = "ajw.whatsapp.message"

    settled_policy = fields.Selection(
        [("again", "Sent again"), ("failed", "Marked as failed")],
        string="Settled by policy",
        readonly=True,
        copy=False,
        help="What the account's policy made of this message when no report came.",
    )

    def _was_sent_again(self):
        """Tell whether the policy sent this message again once already."""
        self.ensure_one()
        return self.attempt_of_id.settled_policy == "again"

    def _settle_as_policy(self, choice):
        """Close uncertain messages as the account's policy says; a late report corrects it.

        :param str choice: key of ``settled_policy``
        """
        hints = {
            "again": self.env._("It was sent again, as the WhatsApp account says."),
            "failed": self.env._(
                "It may have arrived. The WhatsApp account says to use another channel then."
            ),
        }
        self._set_state(
            "failed",
            failed_at=fields.Datetime.now(),
            settled_as="not_arrived",
            settled_by_id=self.env.ref("base.user_root").id,
            settled_at=fields.Datetime.now(),
            settled_policy=choice,
            error_code=0,
            error_message=self.env._("It was never learnt whether this message arrived."),
            error_hint=hints[choice],
        )
        if choice == "again":
            for message in self:
                message._new_attempt(attempts=0)
