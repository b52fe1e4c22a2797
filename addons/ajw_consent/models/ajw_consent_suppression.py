from datetime import datetime
from itertools import compress
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..ledger.fold import CLOSED_BY_PERSON
from ..tools.address import canonical_address
from ..tools.keyring import get_keyring
from .ledger_guard import LEDGER_SENTINEL
from .selections import CHANNELS

REASONS = [
    ("stop", "Said STOP from the address"),
    ("withdrawn", "Withdrew"),
    ("refused", "Refused"),
    ("manual", "Put on the list by hand"),
]
#: Up to so many addresses are looked up one by one; for more, the list is read once.
FEW = 500


class Refusal(NamedTuple):
    """One no to be kept.

    :param controller: res.company
    :param str channel: channel key
    :param str address: however it is written
    :param str code: code of the purpose; ``""``: every purpose
    :param str reason: see :data:`REASONS`
    :param datetime since: when the person said no (UTC, whole seconds)
    """

    controller: object
    channel: str
    address: str
    code: str
    reason: str
    since: datetime


class AjwConsentSuppression(models.Model):
    """Addresses that said no, without the addresses: keyed digests that outlive all erasure.

    One row per controller, channel, purpose (or all) and address. The digest is an HMAC with a key
    that is not in the database, so that a stolen copy cannot be tried with all numbers there are.
    Rows are never deleted: a new opt-in by the person lifts them, and says so.
    """

    _name = "ajw.consent.suppression"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Suppressed Address"
    _order = "since desc, id desc"

    _ajw_personal_data = {
        "digest": {
            "category": "technical",
            "erase": "none",
            "reason": (
                "Keyed digest of an address that said no; kept so that no later import writes to "
                "it (GDPR art. 21(3), art. 17(3)(b))"
            ),
        },
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    # A code and no link, as on the event; empty: all purposes, future ones included.
    purpose_code = fields.Char("Code of the Purpose", readonly=True, help="Empty: every purpose.")
    purpose_name = fields.Char(
        "Purpose", compute="_compute_purpose_name", search="_search_purpose_name"
    )
    digest = fields.Char(required=True, readonly=True, groups="ajw_consent.group_officer")
    reason = fields.Selection(REASONS, required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True, help="When the person said no.")
    lifted_at = fields.Datetime("Lifted", readonly=True)
    lifted_event_id = fields.Many2one(
        "ajw.consent.event",
        "Lifted by",
        readonly=True,
        ondelete="restrict",
        help="The opt-in of the person that took the address off the list.",
    )

    _active_unique = models.UniqueIndex(
        "(company_id, channel, digest, purpose_code) WHERE lifted_at IS NULL"
    )
    _digest_index = models.Index("(company_id, channel, digest)")

    @api.depends("purpose_code")
    @api.depends_context("lang")
    def _compute_purpose_name(self):
        # sudo: whoever may see the list may know what a purpose is called
        purposes = self.env["ajw.consent.purpose"].sudo().with_context(active_test=False)
        named = purposes.search([("code", "in", [*filter(None, self.mapped("purpose_code"))])])
        names = {purpose.code: purpose.name for purpose in named}
        for row in self:
            code = row.purpose_code
            row.purpose_name = names.get(code, code) if code else self.env._("Every purpose")

    @api.model
    def _search_purpose_name(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        # sudo: see _compute_purpose_name
        purposes = self.env["ajw.consent.purpose"].sudo().with_context(active_test=False)
        codes = {*purposes.search([("name", operator, value)]).mapped("code")}
        if operator != "in":
            return [("purpose_code", "in", sorted(codes))]
        # As it is shown: what has no purpose has another name.
        if self.env._("Every purpose") in value:
            codes.add("")
        codes |= {*filter(None, value)} - {*purposes.search([]).mapped("code")}
        return [("purpose_code", "in", sorted(codes))]

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS 'base': grouped by what purposes are called
        if field_expr != "purpose_name":
            return super()._field_to_sql(alias, field_expr, query)
        code = self._field_to_sql(alias, "purpose_code", query)
        # sudo: see _compute_purpose_name
        purposes = self.env["ajw.consent.purpose"].sudo()
        purpose = query.make_alias(alias, "purpose_code")
        query.add_join(
            *("LEFT JOIN", purpose, purposes._table),
            SQL("%s = %s", purposes._field_to_sql(purpose, "code", query), code),
        )
        return SQL(
            "CASE WHEN %s = '' THEN %s ELSE COALESCE(%s, %s) END",
            *(code, self.env._("Every purpose")),
            *(purposes._field_to_sql(purpose, "name", query), code),
        )

    @api.depends("channel", "purpose_code", "since")
    @api.depends_context("lang")
    def _compute_display_name(self):
        channels = dict(self._fields["channel"]._description_selection(self.env))
        for row in self:
            row.display_name = f"{channels.get(row.channel)} · {row.purpose_name} · {row.since}"

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._(
            "The suppression list follows from what people said. Use “Suppress an address”; only "
            "a new opt-in by the person takes one off the list."
        )

    # ------------------------------------------------------------------
    # Digests
    # ------------------------------------------------------------------

    @api.model
    def _keyring(self):
        """Return the keys.

        :raises UserError: they are missing or not those of this database
        """
        if problem := self.env["ajw.consent.keyring"]._check():
            raise UserError(problem)
        return get_keyring()

    @api.model
    def _context(self, controller, channel):
        # The controller is part of it: two controllers' lists cannot be compared.
        return f"suppression:{controller.id}:{channel}"

    @api.model
    def _digests(self, controller, channel, addresses):
        """Return address → its digests under every key, the newest first."""
        keyring, context = self._keyring(), self._context(controller, channel)
        addresses = [address for address in addresses if address]
        texts = (canonical_address(channel, address) for address in addresses)
        return dict(zip(addresses, keyring.digests_of(context, texts), strict=True))

    # ------------------------------------------------------------------
    # Asking
    # ------------------------------------------------------------------

    @api.model
    def _suppressed(self, controller, purpose, channel, addresses):
        """Return those of some addresses that must not be contacted for a purpose.

        The number of queries does not grow with the addresses.

        :param controller: res.company
        :param purpose: ``ajw.consent.purpose``, one record
        :param str channel: channel key
        :param addresses: iterable of normalised addresses
        :rtype: set[str]
        :raises UserError: the keys of the ledger cannot be used
        """
        addresses = {*filter(None, addresses)}
        if not addresses:
            return set()
        self.flush_model()
        where = SQL("TRUE")
        if len(addresses) <= FEW:
            digests = self._digests(controller, channel, addresses)
            where = SQL("row.digest = ANY(%s)", [each for row in digests.values() for each in row])
        # SQL: whoever asks; an opt-in to one purpose is an exception from a no to all of them
        found = {
            row[0]
            for row in self.env.execute_query(
                SQL(
                    """SELECT DISTINCT row.digest FROM ajw_consent_suppression row
                        WHERE row.company_id = %s AND row.channel = %s AND row.lifted_at IS NULL
                          AND row.purpose_code IN ('', %s) AND %s
                          AND (row.purpose_code <> '' OR NOT EXISTS (
                              SELECT 1 FROM ajw_consent_suppression lifted
                               WHERE lifted.company_id = row.company_id
                                 AND lifted.channel = row.channel AND lifted.digest = row.digest
                                 AND lifted.purpose_code = %s AND lifted.lifted_at IS NOT NULL
                                 AND lifted.since >= row.since))""",
                    controller.id,
                    channel,
                    purpose.code,
                    where,
                    purpose.code,
                )
            )
        }
        if not found:
            return set()
        texts = (canonical_address(channel, address) for address in addresses)
        context = self._context(controller, channel)
        return set(compress(addresses, self._keyring().are_among(context, texts, found)))

    @api.model
    def _suppressed_purposes(self, events):
        """Return the purposes whose addresses are on the list in spite of these events.

        :param events: ``ajw.consent.event`` just recorded, of one subject and channel
        """
        # sudo: see _keep
        states = self.env["ajw.consent.state"].sudo().search([("event_id", "in", events.ids)])
        return states.filtered(
            lambda state: self._suppressed(
                state.company_id, state.purpose_id, state.channel, [state.address]
            )
        ).purpose_id

    # ------------------------------------------------------------------
    # Writing
    # ------------------------------------------------------------------

    @api.model
    def _suppress(self, controller, channel, addresses, purposes=None, reason="manual", since=None):
        """Put addresses on the list. Doing it again only moves the date forward.

        :param controller: res.company
        :param str channel: channel key
        :param addresses: iterable of addresses, however they are written
        :param purposes: ``ajw.consent.purpose``; every purpose if not given
        :param str reason: see :data:`REASONS`
        :param datetime since: when the person said no (UTC), now if not given
        :raises UserError: the keys of the ledger cannot be used
        """
        since = (since or fields.Datetime.now()).replace(microsecond=0)
        codes = [""] if purposes is None else purposes.mapped("code")
        self._keep(
            Refusal(controller, channel, address, code, reason, since)
            for address in addresses
            for code in codes
        )

    @api.model
    def _suppress_addresses(self, controller, channel, addresses, purposes, reason, since):
        """As :meth:`_suppress`, for a no that must be recorded whatever the keys are.

        Without keys the gate is closed for everybody; what is in the ledger follows once they are
        back (:meth:`_cron_catch_up`), a no from an address that nobody holds is lost and said so.
        """
        if problem := self.env["ajw.consent.keyring"]._check():
            self._warn_without_keys(problem)
            return
        self._suppress(controller, channel, addresses, purposes, reason, since)
        # sudo: see _keep
        self._mark(
            self.env["ajw.consent.state"]
            .sudo()
            .search(
                [
                    ("company_id", "=", controller.id),
                    ("channel", "=", channel),
                    ("address", "in", list(addresses)),
                    ("status", "in", list(CLOSED_BY_PERSON)),
                    ("is_suppressed", "=", False),
                    *([("purpose_id", "in", purposes.ids)] if purposes is not None else []),
                ]
            )
        )

    @api.model
    def _mark(self, states):
        states.with_context(ajw_ledger=LEDGER_SENTINEL).write({"is_suppressed": True})
