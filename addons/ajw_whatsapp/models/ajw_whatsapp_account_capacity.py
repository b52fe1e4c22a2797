import logging

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..cloud_api.errors import CloudApiError, ConnectionFailed, OutcomeUnknown

_logger = logging.getLogger(__name__)

#: Meta's word for no limit.
UNLIMITED = "TIER_UNLIMITED"


class AjwWhatsappAccount(models.Model):
    """Asking Meta how much it allows."""

    _inherit = "ajw.whatsapp.account"

    daily_limit = fields.Integer(
        related="portfolio_id.daily_limit", related_sudo=True, string="Recipients in 24 hours"
    )
    reached_count = fields.Integer(
        related="portfolio_id.reached_count", related_sudo=True, string="Reached in 24 hours"
    )

    def action_test_connection(self):
        # EXTENDS this model: what the number may send is learnt with the connection
        result = super().action_test_connection()
        self._refresh_limits()
        return result

    def action_refresh_limits(self):
        """Ask Meta for the number's throughput and the portfolio's limit.

        :raises AccessError: the user is no manager
        :raises UserError: Meta did not answer; says what to do
        """
        self._check_manager()
        self._need_ids()
        with self._get_client() as client:
            number = self._call(client.get_number_limits)
        self._note_limits(number, self._ask_owner())
        return self._notify(self.env._("Meta's limits are up to date."))

    @api.model
    def _cron_refresh_limits(self):
        """Ask Meta for the limits of all connected accounts; the body of a scheduled action."""
        accounts = self.search([("state", "=", "connected")])
        self.env["ir.cron"]._commit_progress(remaining=len(accounts))
        for account in accounts:
            account.with_company(account.company_id)._refresh_limits()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _refresh_limits(self):
        """Ask Meta for the limits; where it does not answer, what was known stays.

        :return: whether Meta told
        :rtype: bool
        """
        self.ensure_one()
        try:
            with self._get_client() as client:
                number = client.get_number_limits()
        except (CloudApiError, ConnectionFailed, OutcomeUnknown, UserError) as error:
            # the type only: a message may hold what must not be logged
            _logger.info("WhatsApp account %s: limits not read: %s", self.id, type(error).__name__)
            return False
        self._note_limits(number, self._ask_owner())
        return True

    def _ask_owner(self):
        """Return Meta's ``owner_business_info`` of the account, empty where Meta does not tell."""
        try:
            with self._get_client() as client:
                owner = client.get_owner()
        except (CloudApiError, ConnectionFailed, OutcomeUnknown):
            return {}
        return owner if isinstance(owner, dict) else {}

    def _note_limits(self, number, owner=None):
        """Keep what Meta says of the limits; what it does not say stays as it is.

        :param dict number: fields of the phone number at Meta: ``throughput``,
            ``whatsapp_business_manager_messaging_limit`` or, older, ``messaging_limit_tier``
        :param dict owner: ``id`` and ``name`` of the portfolio, as far as known
        """
        self.ensure_one()
        # sudo: readable to every role, written by what Meta says only
        account_sudo = self.sudo()
        throughput = number.get("throughput")
        level = throughput.get("level") if isinstance(throughput, dict) else None
        known = dict(self._fields["throughput_level"].selection)
        if isinstance(level, str) and level in known and level != account_sudo.throughput_level:
            account_sudo.throughput_level = level
        tier = number.get("whatsapp_business_manager_messaging_limit") or number.get(
            "messaging_limit_tier"
        )
        if isinstance(tier, str) and tier or owner:
            self._note_tier(tier if isinstance(tier, str) else None, owner)

    def _note_tier(self, tier, owner=None):
        """Keep the limit of recipients a day, on the portfolio that it is for.

        :param str tier: Meta's word, or ``None``; one that says no figure changes nothing
        :param dict owner: see :meth:`_note_limits`; without it the portfolio on record, or one
            that stands for the WhatsApp Business account alone
        """
        portfolio = self._find_portfolio(owner or {})
        known = tier == UNLIMITED or portfolio._limit_of_tier(tier)
        if known and tier != portfolio.tier:
            former = portfolio.daily_limit
            portfolio.tier = tier
            if former != portfolio.daily_limit:
                # those that wait for tomorrow may go sooner
                self._recall_deferred(portfolio)

    def _find_portfolio(self, owner):
        # sudo: portfolios come from Meta; no role creates them
        account_sudo = self.sudo()
        portfolios = self.env["ajw.whatsapp.portfolio"].sudo()
        meta_id = str(owner.get("id") or "")
        if not meta_id and account_sudo.portfolio_id:
            return account_sudo.portfolio_id
        meta_id = meta_id or f"waba:{self.waba_id}"
        portfolio = portfolios.search([("meta_id", "=", meta_id)], limit=1)
        if not portfolio:
            name = owner.get("name")
            portfolio = portfolios.create(
                {
                    "meta_id": meta_id,
                    "name": name if isinstance(name, str) and name else self.name,
                }
            )
        if account_sudo.portfolio_id != portfolio:
            account_sudo.portfolio_id = portfolio
            portfolio._forget_counts()
        return portfolio

    @api.model
    def _recall_deferred(self, portfolio):
        self.env["ajw.whatsapp.message"]._recall(
            "daily_limit", [("account_id", "in", portfolio.account_ids.ids)]
        )
