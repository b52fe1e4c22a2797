from odoo import api, fields, models
from odoo.fields import Domain

from .selections import QUEUE_STATES

#: Where a batch's messages are counted.
COUNTED = {
    "preparing_count": ("preparing",),
    "queued_count": ("queued", "sending"),
    "sent_count": ("accepted", "sent"),
    "delivered_count": ("delivered", "read"),
    "failed_count": ("failed", "refused", "uncertain"),
    "cancelled_count": ("cancelled",),
}


class AjwWhatsappBatch(models.Model):
    """How far a batch has come: counted from its messages, so that it is never out of date."""

    _inherit = "ajw.whatsapp.batch"

    message_count = fields.Integer("Messages", compute="_compute_counts")
    preparing_count = fields.Integer("PDF Being Made", compute="_compute_counts")
    queued_count = fields.Integer("Queued", compute="_compute_counts")
    sent_count = fields.Integer("Sent", compute="_compute_counts")
    delivered_count = fields.Integer("Delivered", compute="_compute_counts")
    failed_count = fields.Integer(
        "Not Delivered",
        compute="_compute_counts",
        help="Failed, refused by the customer's consent, or of unknown outcome.",
    )
    cancelled_count = fields.Integer("Cancelled", compute="_compute_counts")
    billable_count = fields.Integer(
        "Billed",
        compute="_compute_billable_count",
        help="Messages that Meta reported as charged so far.",
    )
    progress = fields.Float(
        compute="_compute_counts", aggregator=None, help="Per cent that left the queue."
    )
    under_way = fields.Boolean(compute="_compute_counts", search="_search_under_way")
    state = fields.Selection(
        [
            ("running", "Under way"),
            ("done", "Done"),
            ("failures", "Done, with failures"),
            ("cancelled", "Cancelled"),
        ],
        compute="_compute_counts",
    )

    @api.depends("message_ids.state", "cancel_requested")
    def _compute_counts(self):
        # sudo: how many there are names nobody
        rows = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group([("batch_id", "in", self.ids)], ["batch_id", "state"], ["__count"])
        )
        by_batch = {}
        for batch, state, count in rows:
            by_batch.setdefault(batch.id, {})[state] = count
        for batch in self:
            counts = by_batch.get(batch.id, {})
            total = sum(counts.values())
            for name, states in COUNTED.items():
                batch[name] = sum(counts.get(state, 0) for state in states)
            waiting = sum(counts.get(state, 0) for state in QUEUE_STATES)
            batch.message_count = total
            batch.progress = 100.0 * (total - waiting) / total if total else 100.0
            batch.under_way = bool(waiting)
            if waiting:
                batch.state = "running"
            elif batch.cancel_requested and batch.cancelled_count:
                batch.state = "cancelled"
            else:
                batch.state = "failures" if batch.failed_count else "done"

    @api.depends("message_ids.pricing_billable")
    def _compute_billable_count(self):
        # sudo: as above
        counts = dict(
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group(
                [("batch_id", "in", self.ids), ("pricing_billable", "=", True)],
                ["batch_id"],
                ["__count"],
            )
        )
        for batch in self:
            batch.billable_count = counts.get(batch, 0)

    @api.model
    def _search_under_way(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: as above
        waiting = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._search([("batch_id", "!=", False), ("state", "in", QUEUE_STATES)])
        )
        domain = Domain("id", "in", waiting.subselect("batch_id"))
        return domain if True in value else ~domain
