import logging
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..cloud_api.errors import CloudApiError, ConnectionFailed, OutcomeUnknown
from .ajw_whatsapp_account import OWN_FIELDS
from .ajw_whatsapp_account_check_number import TOKEN_DAYS

_logger = logging.getLogger(__name__)

OWN_FIELDS.update(
    {
        "quality_rating": False,
        "token_issued_at": False,
        "token_expires_at": False,
        "vitals_checked_at": False,
    }
)
QUALITIES = [("GREEN", "High"), ("YELLOW", "Medium"), ("RED", "Low"), ("UNKNOWN", "Not rated")]
#: Days that category changes are looked back over.
CHANGE_DAYS = 90


class AjwWhatsappAccount(models.Model):
    """What Meta last said about the token and the number: kept for the card, refreshed daily."""

    _inherit = "ajw.whatsapp.account"

    quality_rating = fields.Selection(
        QUALITIES,
        string="Quality",
        readonly=True,
        copy=False,
        help="Meta's rating of the number, from what people block and report.",
    )
    token_issued_at = fields.Datetime(string="Token made on", readonly=True, copy=False)
    token_expires_at = fields.Datetime(
        string="Token expires on", readonly=True, copy=False, help="Empty: it does not expire."
    )
    vitals_checked_at = fields.Datetime(
        string="Asked Meta on",
        readonly=True,
        copy=False,
        help="When Meta last told about the token and the number. It is asked once a day.",
    )
    token_days = fields.Integer(
        string="Token age in days", compute="_compute_token_days", aggregator=None
    )
    category_change_count = fields.Integer(
        string="Category changes, 90 days", compute="_compute_category_change_count"
    )

    def _compute_token_days(self):
        now = fields.Datetime.now()
        for account in self:
            issued = account.token_issued_at
            account.token_days = max((now - issued).days, 0) if issued else 0

    def _compute_category_change_count(self):
        counts = dict(
            self.env["ajw.whatsapp.category.change"]._read_group(
                self._category_change_domain(), ["account_id"], ["__count"]
            )
        )
        for account in self:
            account.category_change_count = counts.get(account, 0)

    def _category_change_domain(self):
        since = fields.Datetime.now() - timedelta(days=CHANGE_DAYS)
        return [("account_id", "in", self.ids), ("changed_at", ">=", since)]

    def action_view_category_changes(self):
        """Open the templates that Meta moved to another category."""
        since = self._category_change_domain()[1:]
        action = self._action_open(
            "ajw.whatsapp.category.change", self.env._("Category changes"), since
        )
        return action | {"view_mode": "list"}

    # ------------------------------------------------------------------
    # Asking Meta
    # ------------------------------------------------------------------

    def _note_limits(self, number, owner=None):
        # EXTENDS this model: Meta tells the number's quality with its limits
        result = super()._note_limits(number, owner)
        rating = number.get("quality_rating")
        if isinstance(rating, str) and rating:
            self._note_quality(rating)
        # sudo: what Meta said, not what the user says
        self.sudo().vitals_checked_at = fields.Datetime.now()
        return result

    def _note_quality(self, rating):
        """Keep Meta's rating of the number; a low one is told.

        :param str rating: Meta's word
        """
        self.ensure_one()
        rating = rating if rating in dict(QUALITIES) else "UNKNOWN"
        if rating == self.quality_rating:
            return
        # sudo: what Meta said, not what the user says
        self.sudo().quality_rating = rating
        if rating == "RED":
            self._alert_managers_once(
                self.env._("The quality of the WhatsApp number %s is low", self.name),
                self.env._(
                    "Many people blocked or reported its messages. Send less, and only what people "
                    "asked for; Meta may limit or stop the number."
                ),
            )

    def _refresh_limits(self):
        # EXTENDS this model: the token is asked about at the same time
        result = super()._refresh_limits()
        if result:
            self._refresh_token()
        return result

    def action_refresh_limits(self):
        # EXTENDS this model: the token is asked about at the same time
        result = super().action_refresh_limits()
        self._refresh_token()
        return result

    def _refresh_token(self):
        """Ask Meta when the token was made and expires; what it does not say stays as it was."""
        self.ensure_one()
        try:
            with self._get_client() as client:
                token = client.get_token_status()
        except (CloudApiError, ConnectionFailed, OutcomeUnknown, UserError) as error:
            # the type only: a message may hold what must not be logged
            _logger.info("WhatsApp account %s: token not read: %s", self.id, type(error).__name__)
            return
        values = {}
        if "issued_at" in token:
            values["token_issued_at"] = _moment(token["issued_at"])
        if "expires_at" in token:
            values["token_expires_at"] = _moment(token["expires_at"])
        # sudo: what Meta said, not what the user says
        self.sudo().write(values)
        expires = self.token_expires_at
        if expires and expires - fields.Datetime.now() < timedelta(days=TOKEN_DAYS):
            self._alert_managers_once(
                self.env._("The access token of %s expires soon", self.name),
                self.env._(
                    "It is valid until %s UTC only; nothing is sent then. Create a permanent token "
                    "for your system user and enter it on the account.",
                    fields.Datetime.to_string(expires),
                ),
            )

    def _store_secret(self, name):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this model: of a new token nothing is known yet
        changed = self.filtered(lambda account: (account[name] or "").strip())
        super()._store_secret(name)
        if name == "access_token":
            # sudo: these fields set themselves
            changed.sudo().write({"token_issued_at": False, "token_expires_at": False})

    @api.depends("token_expires_at", "quality_rating")
    def _compute_health_advice(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this model: what Meta said about the token and the number
        super()._compute_health_advice()
        now = fields.Datetime.now()
        for account in self.filtered(lambda account: account.health == "good"):
            expires = account.token_expires_at
            if expires and expires - now < timedelta(days=TOKEN_DAYS):
                account.health = "attention"
                account.health_advice = self.env._(
                    "The access token expires soon: create a permanent one and enter it."
                )
            elif account.quality_rating == "RED":
                account.health = "attention"
                account.health_advice = self.env._(
                    "Meta rates the number low: send less, and only what people asked for."
                )


def _moment(seconds):
    """Return a naive UTC time of Unix seconds; ``False`` for none, never and nonsense."""
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
        return False
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    except (OverflowError, OSError, ValueError):
        return False
