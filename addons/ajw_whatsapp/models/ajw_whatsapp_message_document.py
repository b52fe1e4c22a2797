from odoo import fields, models


class AjwWhatsappMessage(models.Model):
    """The side of a message that its document shows."""

    _inherit = "ajw.whatsapp.message"

    mail_message_id = fields.Many2one(
        "mail.message",
        string="Note",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The note in the document's chatter that shows what became of this message.",
    )

    def _ajw_outcome_text(self):
        """Say why a message did not arrive and what to do, without a name or number.

        :return: a sentence for the user, empty while there is nothing to complain about
        :rtype: str
        """
        self.ensure_one()
        if self.state == "refused":
            return self.env["ajw.consent.gate"]._reason_label(self.refusal_reason)
        if self.state in ("failed", "uncertain"):
            return self.error_hint or ""
        return ""
