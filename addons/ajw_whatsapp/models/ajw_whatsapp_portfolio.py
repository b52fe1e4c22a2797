import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..cloud_api.webhook import NOT_WRITTEN

#: Meta counts the recipients of this long.
DAY = timedelta(hours=24)

_TIER = re.compile(r"TIER_([0-9]+)(K|M)?", re.IGNORECASE)
_TIMES = {None: 1, "K": 1_000, "M": 1_000_000}


class AjwWhatsappPortfolio(models.Model):
    """A business portfolio at Meta: its numbers share one limit of recipients a day.

    Source: Meta, "Messaging limits": unique people written to outside an open conversation within
    24 hours, per portfolio since 7 October 2025.
    """

    _name = "ajw.whatsapp.portfolio"
    _description = "WhatsApp Business Portfolio"
    _order = "name, id"

    _ajw_personal_data = {
        "name": {"category": "name", "erase": "none", "reason": "The business's own name."},
    }

    name = fields.Char(required=True, readonly=True)
    meta_id = fields.Char(
        "Portfolio ID",
        required=True,
        readonly=True,
        help="Meta's id of the business portfolio, or of the WhatsApp Business account where Meta "
        "does not tell the portfolio.",
    )
    account_ids = fields.One2many("ajw.whatsapp.account", "portfolio_id", "Accounts")
    tier = fields.Char(
        "Meta's tier",
        readonly=True,
        help="The messaging limit as Meta names it. Meta raises it by itself with good quality and "
        "volume, or after the business is verified.",
    )
    daily_limit = fields.Integer(
        "Recipients in 24 hours",
        compute="_compute_daily_limit",
        store=True,
        readonly=False,
        aggregator=None,
        help="How many different people may be written to within 24 hours, over all numbers of the "
        "portfolio; replies in an open conversation do not count. Follows Meta's tier. Enter a "
        "lower figure to keep some in reserve. 0: no limit.",
    )
    reached_count = fields.Integer(
        "Reached in 24 hours",
        compute="_compute_reached_count",
        help="Different people written to outside an open conversation in the last 24 hours.",
    )
    claims = fields.Integer(
        readonly=True,
        default=0,
        aggregator=None,
        help="Grows when a sender uses up one of the last places, so that two cannot use the same.",
    )

    _meta_id_unique = models.UniqueIndex("(meta_id)", "This portfolio is on record already.")
    _daily_limit_positive = models.Constraint(
        "CHECK(daily_limit >= 0)", "The limit cannot be negative. 0 stands for no limit."
    )

    @api.depends("tier")
    def _compute_daily_limit(self):
        for portfolio in self:
            portfolio.daily_limit = self._limit_of_tier(portfolio.tier)

    def _compute_reached_count(self):
        for portfolio in self:
            portfolio.reached_count = portfolio._count_reached(fields.Datetime.now())[0]

    @api.model
    def _limit_of_tier(self, tier):
        """Return how many people a tier allows in 24 hours.

        :param str tier: Meta's word, such as ``TIER_250``, ``TIER_2K`` or ``TIER_UNLIMITED``
        :return: 0 for no limit, and for a word that says none
        :rtype: int
        """
        match = _TIER.fullmatch(tier or "")
        return int(match[1]) * _TIMES[match[2] and match[2].upper()] if match else 0

    def write(self, vals):
        if not self.env.su:
            self._check_managed(vals)
        former = {portfolio: portfolio.daily_limit for portfolio in self}
        result = super().write(vals)
        if "daily_limit" in vals or "tier" in vals:
            self._forget_counts()
        for portfolio in self.sudo():  # sudo: the queues of all its accounts
            if "daily_limit" in vals and portfolio._allows_more_than(former[portfolio]):
                # who waits for tomorrow may go sooner
                portfolio.account_ids._recall_deferred(portfolio)
        return result

    def _allows_more_than(self, former):
        """Tell whether more people may be written to than under a former limit."""
        self.ensure_one()
        return bool(former) and (not self.daily_limit or self.daily_limit > former)

    def _check_managed(self, vals):
        """Refuse what is Meta's word, and what another company's messages would bear.

        :raises AccessError: something else than the limit, or an account of a company that is not
            one of the user's
        """
        if vals.keys() - {"daily_limit"}:
            raise AccessError(
                self.env._("What Meta says of a portfolio cannot be changed, only its limit.")
            )
        # sudo: the accounts of the others are what is looked for
        if self.sudo().account_ids.company_id - self.env.companies:
            raise AccessError(
                self.env._(
                    "Other companies use this portfolio too. Its limit can be changed by a manager "
                    "of all of them, with all of them selected."
                )
            )

    def _forget_counts(self):
        """Have the senders count anew: what they counted under no limit is not complete."""
        # sudo: the counts are the senders' own
        self.env["ajw.whatsapp.limit"].sudo().search(
            [("account_id", "in", self.account_ids.ids)]
        ).write({"day_counted": False})
        # the sender's claim now waits for this change, and not this change for the sender's
        self.env["ajw.whatsapp.limit"].flush_model()

    def _count_reached(self, now, account=None, wanted=0):
        """Count whom the portfolio's numbers have written to within 24 hours.

        :param datetime now: naive UTC
        :param account: whose messages are to be put off when the limit is reached
        :param int wanted: how many people there is to be a time for
        :return: how many; and when the places come free that no message of the account waits for
            yet, earliest first, at most ``wanted``
        :rtype: tuple[int, list[datetime]]
        """
        self.ensure_one()
        self.env["ajw.whatsapp.message"].flush_model()
        # SQL: one pass over the day's messages, grouped, of which only a slice comes back
        self.env.cr.execute(
            f"""
            WITH reached AS (
                SELECT m.number, max(m.claimed_at) AS last
                  FROM ajw_whatsapp_message m
                  JOIN ajw_whatsapp_account a ON a.id = m.account_id
                 WHERE a.portfolio_id = %(portfolio)s
                   AND m.claimed_at > %(since)s
                   AND {COUNTS}
                 GROUP BY m.number
            ), waiting AS (
                SELECT count(DISTINCT number)::int AS places
                  FROM ajw_whatsapp_message
                 WHERE account_id = %(account)s
                   AND state = 'queued'
                   AND wait_reason = 'daily_limit'
                   AND retry_at > %(now)s
            )
            SELECT count(*),
                   (array_agg(last ORDER BY last))[max(places) + 1 : max(places) + %(wanted)s]
              FROM reached CROSS JOIN waiting
            """,  # noqa: S608 - a constant of ours
            {
                "portfolio": self.id,
                "since": now - DAY,
                "now": now,
                "account": account and account.id or 0,
                "wanted": wanted,
            },
        )
        count, last = self.env.cr.fetchone()
        return count, [at + DAY for at in last or ()]


#: A message ``m`` that went out, or may have.
LEFT = """
    m.direction = 'outbound'
    AND (m.state IN ('sending', 'uncertain', 'accepted', 'sent', 'delivered', 'read')
         OR m.accepted_at IS NOT NULL)
"""

#: A message ``i`` by which somebody wrote to us, and so opened a conversation.
WROTE = f"""
    i.direction = 'inbound'
    AND coalesce(i.inbound_type, '') NOT IN {NOT_WRITTEN}
"""

#: A message ``m`` that uses up a place of the day: it went out, or may have, and not as a reply.
#: Meta's 24 hours begin when the person wrote, however late the report of it came in.
COUNTS = f"""
    {LEFT}
    AND NOT EXISTS (
        SELECT FROM ajw_whatsapp_message i
         WHERE i.number = m.number
           AND i.account_id = m.account_id
           AND {WROTE}
           AND i.sent_at BETWEEN m.claimed_at - interval '24 hours' AND m.claimed_at
    )
"""
