from odoo import api, fields, models

from .selections import WAITING_STATES


class AjwWhatsappMessage(models.Model):
    """The side of a message that concerns its batch and the making of its PDF."""

    _inherit = "ajw.whatsapp.message"

    batch_id = fields.Many2one(
        "ajw.whatsapp.batch",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        help="The batch this message was queued with.",
    )
    _batch_waiting_index = models.Index(
        "(batch_id) WHERE state IN ('preparing', 'queued') AND batch_id IS NOT NULL"
    )
    render_attempts = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="How often making the PDF was begun.",
    )

    def _refuse(self, reason, answer):
        """Record that the gate, or the template, said no.

        :param str reason: a reason code, see ``ajw.consent.gate``
        :param GateAnswer answer: what the gate answered
        """
        self._set_state(
            "refused",
            refusal_reason=reason,
            consent_event_id=answer.event_id,
            retry_at=False,
        )

    def _cancel_waiting(self):
        """Cancel those that have not left; the sender decides on what it holds this moment.

        :return: the cancelled messages
        """
        waiting = self.filtered(lambda message: message.state in WAITING_STATES)
        locked = waiting.try_lock_for_update().filtered(lambda m: m.state in WAITING_STATES)
        locked._set_state("cancelled", retry_at=False)
        locked._document_outcome()
        return locked

    @api.model
    def _ajw_erasure_begins(self, partner_ids):
        """Take out of the queue what would still go to people who are being erased.

        :param partner_ids: ids of res.partner
        """
        waiting = self._engine().search(
            [("partner_id", "in", list(partner_ids)), ("state", "in", WAITING_STATES)]
        )
        waiting._cancel_waiting()
