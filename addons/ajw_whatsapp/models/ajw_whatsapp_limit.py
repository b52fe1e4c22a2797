from odoo import api, fields, models


class AjwWhatsappLimit(models.Model):
    """How much of Meta's limits an account has used: one row, shared by all Odoo processes.

    Apart from the account, which people edit: the sender writes here with every batch.
    """

    _name = "ajw.whatsapp.limit"
    _description = "WhatsApp Limit"
    _order = "account_id"
    _rec_name = "account_id"

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, readonly=True, ondelete="cascade"
    )
    messages_per_second = fields.Integer(related="account_id.messages_per_second")
    portfolio_id = fields.Many2one(related="account_id.portfolio_id")
    tat = fields.Float(
        "Booked until",
        readonly=True,
        aggregator=None,
        help="Seconds since 1970: when everything taken out of the queue is sent at an even pace.",
    )
    holder = fields.Char(readonly=True, help="The process that sent last.")
    slow_factor = fields.Float(
        "Share of the rate",
        readonly=True,
        default=1.0,
        aggregator=None,
        help="Below 1 after Meta said that too much is being sent; grows back by a tenth a minute.",
    )
    slowed_at = fields.Datetime("Slowed down", readonly=True)
    day_counted = fields.Boolean(readonly=True)
    day_count = fields.Integer(
        readonly=True, aggregator=None, help="People reached when they were last counted."
    )
    day_base = fields.Integer(
        readonly=True, aggregator=None, help="The portfolio's total when they were last counted."
    )
    day_total = fields.Integer(
        readonly=True,
        default=0,
        aggregator=None,
        help="People this account has newly written to, ever.",
    )

    _account_unique = models.UniqueIndex("(account_id)")

    @api.depends("account_id")
    def _compute_display_name(self):
        for limit in self:
            limit.display_name = limit.account_id.display_name
