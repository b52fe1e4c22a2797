from datetime import datetime, timedelta
from typing import NamedTuple

from odoo import models

from ..cloud_api.limiter import PAIR_SECONDS
from .ajw_whatsapp_portfolio import DAY, LEFT, WROTE

#: What was sent to a number in this time decides whether it may get another message now.
PAIR_LOOK_BACK = 3600

#: States of a message that went out, or may have.
WENT_OUT = ["sending", "uncertain", "accepted", "sent", "delivered", "read"]


class LimitState(NamedTuple):
    """What is on record about the account's limits; times are seconds since 1970."""

    clock: float
    tat: float
    factor: float
    slowed_at: datetime | None
    rate: int
    quiet_from: float
    quiet_to: float
    home_tz: str | None
    home_country: str | None
    portfolio: int | None
    daily_limit: int
    accounts: int
    portfolio_total: int
    counted: bool
    day_count: int
    day_base: int


class LimitRow(NamedTuple):
    """What is on record about one message's recipient and purpose."""

    id: int
    number: str
    purpose: int
    quiet: bool
    cap: int
    cap_days: int
    tz: str | None
    country: str | None
    pair_until: float | None
    pair_count: int
    cap_times: list | None
    counts: bool


class AjwWhatsappAccount(models.Model):
    """Reading what limits a batch: two queries, however many messages."""

    _inherit = "ajw.whatsapp.account"

    def _limit_state(self):
        self.env.cr.execute(
            """
            SELECT extract(epoch FROM clock_timestamp())::float8,
                   coalesce(l.tat, 0), coalesce(l.slow_factor, 1), l.slowed_at,
                   a.messages_per_second,
                   c.ajw_whatsapp_quiet_from, c.ajw_whatsapp_quiet_to,
                   home.tz, country.code,
                   p.id, coalesce(p.daily_limit, 0),
                   (SELECT count(*) FROM ajw_whatsapp_account o
                     WHERE o.portfolio_id = p.id AND o.active),
                   (SELECT coalesce(sum(ol.day_total), 0)
                      FROM ajw_whatsapp_limit ol
                      JOIN ajw_whatsapp_account o ON o.id = ol.account_id
                     WHERE o.portfolio_id = p.id),
                   coalesce(l.day_counted, false),
                   coalesce(l.day_count, 0), coalesce(l.day_base, 0)
              FROM ajw_whatsapp_account a
              JOIN res_company c ON c.id = a.company_id
              JOIN res_partner home ON home.id = c.partner_id
              LEFT JOIN res_country country ON country.id = home.country_id
              LEFT JOIN ajw_whatsapp_limit l ON l.account_id = a.id
              LEFT JOIN ajw_whatsapp_portfolio p ON p.id = a.portfolio_id
             WHERE a.id = %s
            """,
            [self.id],
        )
        state = LimitState(*self.env.cr.fetchone())
        return state._replace(clock=self._limit_now(state.clock))

    def _limit_history(self, messages, state, now):
        """Return what counts against each message, by id.

        Asked once for each recipient, however many messages wait for him. A recipient's rows are
        found by his number and nothing else. While PostgreSQL has no statistics of the table, or
        some from before the sender began, reading all that the account sent in that time looks as
        cheap to it. ``OFFSET 0`` keeps it from doing so, and that no index but the number's fits
        what stands within: none by time alone, and the account's needs a direction.

        The pair's state takes all of the look-back, not the latest ``PAIR_BURST`` messages: those
        do not tell whether a burst went before them. The rate itself lets no more than
        ``PAIR_BURST + PAIR_LOOK_BACK / PAIR_SECONDS`` be there.

        :rtype: dict[int, LimitRow]
        """
        self.env.cr.execute(
            f"""
            WITH asked AS MATERIALIZED (
                SELECT q.id, q.number, q.purpose_id, q.company_id, q.partner_id
                  FROM ajw_whatsapp_message q
                 WHERE q.id = ANY(%(ids)s)
            ), people AS MATERIALIZED (
                SELECT n.number, pair.until, pair.count,
                       %(limited)s AND NOT EXISTS (
                           SELECT FROM (
                               SELECT i.account_id
                                 FROM ajw_whatsapp_message i
                                WHERE i.number = n.number
                                  AND {WROTE}
                                  AND i.sent_at BETWEEN %(day)s AND %(now)s
                               OFFSET 0) i
                            WHERE i.account_id = %(account)s
                       ) AND NOT EXISTS (
                           SELECT FROM (
                               SELECT account_id, direction, state, claimed_at, accepted_at
                                 FROM ajw_whatsapp_message
                                WHERE number = n.number
                                  AND claimed_at > %(day)s
                               OFFSET 0) m
                             JOIN ajw_whatsapp_account o ON o.id = m.account_id
                            WHERE o.portfolio_id = %(portfolio)s
                              AND {LEFT}
                              AND NOT EXISTS (
                                  SELECT FROM (
                                      SELECT i.account_id
                                        FROM ajw_whatsapp_message i
                                       WHERE i.number = n.number
                                         AND {WROTE}
                                         AND i.sent_at BETWEEN m.claimed_at - interval '24 hours'
                                                           AND m.claimed_at
                                      OFFSET 0) i
                                   WHERE i.account_id = m.account_id
                              )
                       ) AS counts
                  FROM (SELECT DISTINCT number FROM asked WHERE number IS NOT NULL) n
                  CROSS JOIN LATERAL (
                      -- GCRA's state in closed form; whole seconds count from their end
                      SELECT max(extract(epoch FROM ranked.claimed_at)::float8
                                 + 1 + {PAIR_SECONDS} * ranked.rank) AS until,
                             count(*) AS count
                        FROM (SELECT s.claimed_at,
                                     row_number() OVER (ORDER BY s.claimed_at DESC) AS rank
                                FROM (SELECT account_id, direction, claimed_at
                                        FROM ajw_whatsapp_message
                                       WHERE number = n.number
                                         AND claimed_at > %(pair)s
                                      OFFSET 0) s
                               WHERE s.account_id = %(account)s
                                 AND s.direction = 'outbound') ranked
                  ) pair
            ), capped AS MATERIALIZED (
                SELECT c.number, c.company_id, c.purpose_id,
                       (SELECT array_agg(latest.claimed_at)
                          FROM (SELECT s.claimed_at
                                  FROM (SELECT company_id, purpose_id, direction, state, claimed_at
                                          FROM ajw_whatsapp_message
                                         WHERE number = c.number
                                           AND claimed_at >
                                               %(now)s - u.whatsapp_cap_days * interval '1 day'
                                         ORDER BY claimed_at DESC
                                        OFFSET 0) s
                                 WHERE s.company_id = c.company_id
                                   AND s.purpose_id = c.purpose_id
                                   AND s.direction = 'outbound'
                                   AND s.state = ANY(%(went_out)s)
                                 ORDER BY s.claimed_at DESC
                                 LIMIT u.whatsapp_cap) latest) AS times
                  FROM (SELECT DISTINCT number, company_id, purpose_id FROM asked) c
                  JOIN ajw_consent_purpose u ON u.id = c.purpose_id AND u.whatsapp_cap > 0
            )
            SELECT q.id, q.number, q.purpose_id,
                   coalesce(u.whatsapp_quiet_hours, false),
                   coalesce(u.whatsapp_cap, 0), coalesce(u.whatsapp_cap_days, 1),
                   partner.tz, country.code,
                   people.until, coalesce(people.count, 0), capped.times,
                   coalesce(people.counts, %(limited)s)
              FROM asked q
              LEFT JOIN ajw_consent_purpose u ON u.id = q.purpose_id
              LEFT JOIN res_partner partner ON partner.id = q.partner_id
              LEFT JOIN res_country country ON country.id = partner.country_id
              LEFT JOIN people ON people.number = q.number
              LEFT JOIN capped ON capped.number = q.number
                              AND capped.company_id = q.company_id
                              AND capped.purpose_id = q.purpose_id
            """,  # noqa: S608 - constants of ours
            {
                "account": self.id,
                "limited": bool(state.daily_limit),
                "portfolio": state.portfolio,
                "now": now,
                "day": now - DAY,
                "pair": now - timedelta(seconds=PAIR_LOOK_BACK),
                "went_out": WENT_OUT,
                "ids": messages.ids,
            },
        )
        return {row[0]: LimitRow(*row) for row in self.env.cr.fetchall()}
