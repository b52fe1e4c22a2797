import os
import secrets
from datetime import timedelta
from functools import cache

import pytz

from odoo import api, fields, models

from ..cloud_api import errors
from ..cloud_api.limiter import DEFAULT_RATE, MAX_RATE, PERIOD, Pace
from ..cloud_api.schedule import moment, pick_zone, zones_of_number

#: Messages a second that Meta's words for throughput stand for.
THROUGHPUT_RATES = {"STANDARD": DEFAULT_RATE, "HIGH": MAX_RATE}

#: Meta's error for too many messages to one recipient.
PAIR_CODE = 131056
#: From this share of Meta's limits on we go slower before Meta says so with an error.
HIGH_USAGE = 0.9
#: One answer of Meta's concerns all calls in flight, and slows down once.
SLOW_ONCE_SECONDS = 10
LEAST_FACTOR = 0.05
#: How long further messages to one recipient wait after Meta said that there were too many.
PAIR_PAUSE = timedelta(minutes=1)

#: (database, account id) → the pace of this process's last run.
_PACES = {}


@cache
def _process_token(_pid):
    return secrets.token_hex(8)


class AjwWhatsappAccount(models.Model):
    """What Meta allows a number, and the pace that keeps to it."""

    _inherit = "ajw.whatsapp.account"

    throughput_level = fields.Selection(
        [
            ("STANDARD", "Standard (80 a second)"),
            ("HIGH", "High (1,000 a second)"),
            ("NOT_APPLICABLE", "Not applicable"),
        ],
        string="Meta's throughput",
        readonly=True,
        copy=False,
    )
    messages_per_second = fields.Integer(
        "Messages a second",
        compute="_compute_messages_per_second",
        store=True,
        readonly=False,
        aggregator=None,
        tracking=True,
        help="How many messages leave in a second at most. Follows Meta's throughput: 80, or 1,000 "
        "for a number Meta has upgraded. Enter less to leave room for other software on the same "
        "number; 20 for a number that a phone uses as well.",
    )
    portfolio_id = fields.Many2one(
        "ajw.whatsapp.portfolio",
        "Business portfolio",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
        groups="ajw_whatsapp.group_manager",
        help="Meta limits how many people all numbers of a portfolio write to in 24 hours.",
    )

    _messages_per_second_range = models.Constraint(
        f"CHECK(messages_per_second BETWEEN 1 AND {MAX_RATE})",
        "Meta allows from 1 to 1,000 messages a second.",
    )

    @api.depends("throughput_level")
    def _compute_messages_per_second(self):
        for account in self:
            account.messages_per_second = THROUGHPUT_RATES.get(
                account.throughput_level, DEFAULT_RATE
            )

    # ------------------------------------------------------------------
    # The pace of a run
    # ------------------------------------------------------------------

    @staticmethod
    def _process():
        """Return a word that stands for this process, a fork's being another."""
        return _process_token(os.getpid())

    def _limit_now(self, clock):
        """Return the time that limits count by: the database's, which all nodes share.

        :param float clock: seconds since 1970 as PostgreSQL tells them
        """
        return clock

    def _pace(self):
        """Return what spaces the calls of one run so that this number stays below its rate.

        Only for the account's only sender. What this process sent before is remembered exactly; of
        another's, which is over by now, one second is taken to have been full.

        :rtype: ..cloud_api.limiter.Pace
        """
        self.ensure_one()
        self.env.cr.execute(
            "SELECT tat, holder, slow_factor, slowed_at,"
            " extract(epoch FROM clock_timestamp())::float8"
            " FROM ajw_whatsapp_limit WHERE account_id = %s",
            [self.id],
        )
        tat, holder, factor, slowed_at, clock = self.env.cr.fetchone() or (0, None, 1, None, 0)
        now = self._limit_now(clock)
        rate = self.messages_per_second * self._current_factor(factor, slowed_at, now)
        key = (self.env.cr.dbname, self.id)
        pace = _PACES.get(key)
        if pace is None or holder != self._process():
            pace = _PACES[key] = Pace(rate, delay=PERIOD if now < tat + 2 * PERIOD else 0.0)
        pace.set_rate(rate)
        return pace

    @staticmethod
    def _current_factor(factor, slowed_at, now):
        """Return the share of the rate to use: after a slow-down it grows by a tenth a minute.

        :param float factor: share that was left at ``slowed_at``
        :param datetime slowed_at: naive UTC, or ``None``
        :param float now: seconds since 1970
        """
        if not slowed_at:
            return 1.0
        minutes = (now - slowed_at.replace(tzinfo=pytz.utc).timestamp()) / 60
        return max(LEAST_FACTOR, min(1.0, (factor or 1.0) + minutes / 10))

    def _slow_down(self, error_code, number, retry_after, usage):
        """Take note of Meta's word that this account sends too fast.

        :param int error_code: Meta's code, or ``None`` for an answer without error
        :param str number: the recipient (E.164 with +), or ``None``
        :param float retry_after: seconds Meta asks to wait, 0 or ``None`` if it does not
        :param float usage: highest share of Meta's usage header, 0 to 1, or ``None``
        """
        self.ensure_one()
        if error_code == PAIR_CODE:
            self._pause_pair(number)
            return
        if (
            error_code not in errors.THROTTLE_CODES
            and not retry_after
            and (usage or 0) < HIGH_USAGE
        ):
            return
        self.env.cr.execute(
            "SELECT slow_factor, slowed_at, extract(epoch FROM clock_timestamp())::float8"
            " FROM ajw_whatsapp_limit WHERE account_id = %s",
            [self.id],
        )
        factor, slowed_at, clock = self.env.cr.fetchone() or (1, None, 0)
        now = self._limit_now(clock)
        at = moment(now)
        if retry_after:  # each answer's own: a later one may ask for more
            # SQL: as the claim, which writes this row with every batch
            self.env.cr.execute(
                "UPDATE ajw_whatsapp_limit SET tat = greatest(tat, %s) WHERE account_id = %s",
                [now + retry_after, self.id],
            )
            self.env["ajw.whatsapp.limit"].invalidate_model()
        if slowed_at and at - slowed_at < timedelta(seconds=SLOW_ONCE_SECONDS):
            return
        factor = max(LEAST_FACTOR, self._current_factor(factor, slowed_at, now) / 2)
        # SQL: as above
        self.env.cr.execute(
            "UPDATE ajw_whatsapp_limit SET slow_factor = %s, slowed_at = %s WHERE account_id = %s",
            [factor, at, self.id],
        )
        self.env["ajw.whatsapp.limit"].invalidate_model()
        pace = _PACES.get((self.env.cr.dbname, self.id))
        if pace:
            pace.set_rate(self.messages_per_second * factor)

    def _pause_pair(self, number):
        """Have what is queued for one recipient wait: more would only lengthen Meta's pause."""
        if not number:
            return  # somebody who is known by a user name only: the one message waits by itself
        until = fields.Datetime.now() + PAIR_PAUSE
        self.env["ajw.whatsapp.message"]._engine().search(
            [
                ("account_id", "=", self.id),
                ("number", "=", number),
                ("state", "=", "queued"),
                "|",
                ("retry_at", "=", False),
                ("retry_at", "<", until),
            ]
        ).write({"retry_at": until, "wait_reason": "pair_limit"})

    # ------------------------------------------------------------------
    # The recipient's time of day
    # ------------------------------------------------------------------

    def _recipient_zone(self, number, partner):
        """Return the time zone in which the owner of a number lives, as far as can be told.

        The number's, then the partner's country's, then the company's: the time zone of a contact
        is only the one of whoever created it, and decides no more than among several.

        :param str number: E.164 with +, or ``None``
        :param partner: the contact, may be empty
        :return: IANA name
        :rtype: str
        """
        self.ensure_one()
        home = self.company_id.partner_id
        return self._zone(
            number, partner.country_id.code, partner.tz, home.country_id.code, home.tz
        )

    @api.model
    def _zone(self, number, country, zone, home_country, home_zone):
        """As :meth:`_recipient_zone`, from codes of countries and names of zones, each optional."""
        now = fields.Datetime.now()
        for zones in (
            zones_of_number(number),
            pytz.country_timezones.get(country or "", ()),
            [home_zone] if home_zone else (),
            pytz.country_timezones.get(home_country or "", ()),
        ):
            if found := pick_zone(zones, [zone, home_zone], now):
                return found
        return "UTC"
