from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import formatLang

from ..tools.cost import Rate
from .selections import TEMPLATE_CATEGORIES


class AjwWhatsappRate(models.Model):
    """A price of Meta's rate card: what one delivered message costs in a market from a day on.

    Meta publishes a card for each currency; an old line is kept, a new one is added beside it.
    """

    _name = "ajw.whatsapp.rate"
    _description = "WhatsApp Rate"
    _order = "market, category, valid_from desc, id desc"
    _rec_name = "market"

    market = fields.Char(
        required=True,
        help="As Meta's rate card names it: a country, or a region such as North America.",
    )
    country_ids = fields.Many2many(
        "res.country",
        string="Countries",
        required=True,
        help="The countries of the market. The recipient's number decides, not the address.",
    )
    category = fields.Selection(TEMPLATE_CATEGORIES, required=True, default="UTILITY")
    currency_id = fields.Many2one("res.currency", required=True, ondelete="restrict")
    price = fields.Float(
        "Price per Message",
        digits=(16, 6),
        required=True,
        aggregator=None,
        help="For each delivered message, without tax.",
    )
    valid_from = fields.Date(required=True, default=fields.Date.context_today)
    source = fields.Char(required=True, help="Where the price was read, and when.")
    is_estimate = fields.Boolean(
        "Estimate",
        help="Not read from Meta's own rate card. Compare it with the card of your account.",
    )
    active = fields.Boolean(default=True)

    _price_not_negative = models.Constraint("CHECK(price >= 0)", "A price cannot be negative.")
    _market_unique = models.UniqueIndex(
        "(market, category, currency_id, valid_from) WHERE active",
        "There is a rate for this market, category, currency and day already.",
    )

    @api.depends("market", "category", "currency_id", "price")
    def _compute_display_name(self):
        labels = dict(self._fields["category"]._description_selection(self.env))
        for rate in self:
            amount = formatLang(self.env, rate.price, digits=4)
            rate.display_name = (
                f"{rate.market or ''}, {labels.get(rate.category, '')}: "
                f"{amount} {rate.currency_id.name or ''}"
            )

    @api.constrains("country_ids")
    def _check_countries(self):
        for rate in self:
            if not rate.country_ids:
                raise ValidationError(
                    self.env._("Name the countries that the market %s consists of.", rate.market)
                )

    @api.model
    def _card(self):
        """Return the whole rate card for :func:`..tools.cost.estimate`.

        :rtype: list[odoo.addons.ajw_whatsapp.tools.cost.Rate]
        """
        return [
            Rate(
                countries=frozenset(rate.country_ids.mapped("code")),
                category=rate.category,
                currency=rate.currency_id.name,
                price=Decimal(str(rate.price)),
                valid_from=rate.valid_from,
            )
            for rate in self.search([])
        ]
