from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ledger.fold import CLOSED_BY_PERSON
from ..tools.address import address_variants, canonical_address
from ..tools.keyring import get_keyring
from .ledger_guard import LEDGER_SENTINEL
from .selections import CHANNELS

#: Ways in which people themselves say yes. An import or what Meta reports is none of them.
EXPLICIT_METHODS = frozenset(
    {
        *("paper", "spoken", "in_person", "web_form", "email_link", "qr_code", "portal"),
        *("whatsapp_message", "whatsapp_button"),
    }
)
REASONS = [
    ("stop", "Said STOP from the address"),
    ("withdrawn", "Withdrew"),
    ("refused", "Refused"),
    ("manual", "Put on the list by hand"),
]
#: Up to so many addresses are looked up one by one; for more, the list is read once.
FEW = 500


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
    purpose_code = fields.Char("Purpose", readonly=True, help="Empty: every purpose.")
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

    @api.depends("channel", "purpose_code", "since")
    def _compute_display_name(self):
        channels = dict(self._fields["channel"]._description_selection(self.env))
        for row in self:
            purpose = row.purpose_code or self.env._("all purposes")
            row.display_name = f"{channels.get(row.channel)} · {purpose} · {row.since}"

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
        addresses = {address for address in addresses if address}
        if not addresses:
            return set()
        self.flush_model()
        digests, where = None, SQL("TRUE")
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
        if digests is None:
            digests = self._digests(controller, channel, addresses)
        return {address for address, each in digests.items() if not found.isdisjoint(each)}

    @api.model
    def _suppressed_purposes(self, events):
        """Return the purposes whose addresses are on the list in spite of these events.

        :param events: ``ajw.consent.event`` just recorded, of one subject and channel
        """
        # sudo: see _write_rows
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
        self._write_rows(controller, channel, addresses, codes, reason, since)
        self._bump_holders(controller, channel, addresses)

    @api.model
    def _write_rows(self, controller, channel, addresses, codes, reason, since):
        # sudo: whoever says no is nobody's user
        rows = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        digests = self._digests(controller, channel, set(addresses))
        active = rows.search(
            [
                ("company_id", "=", controller.id),
                ("channel", "=", channel),
                ("purpose_code", "in", codes),
                ("digest", "in", [each for row in digests.values() for each in row]),
                ("lifted_at", "=", False),
            ]
        )
        known = {(row.digest, row.purpose_code or ""): row for row in active}
        to_create = {}
        uid, now = self.env.uid, self.env.cr.now()
        for each in digests.values():
            for code in codes:
                row = next((known[key] for d in each if (key := (d, code)) in known), None)
                if row is None:
                    to_create[each[0], code] = (
                        *(controller.id, channel, code, each[0], reason, since),
                        *(uid, now, uid, now),
                    )
                elif row.since < since:
                    row.write({"since": since, "reason": reason})
        if not to_create:
            return
        # SQL: where somebody else puts the same address on the list just now, PostgreSQL says so
        # with a serialization failure, after which Odoo tries again
        self.env.cr.execute_values(
            """INSERT INTO ajw_consent_suppression
                   (company_id, channel, purpose_code, digest, reason, since,
                    create_uid, create_date, write_uid, write_date)
               VALUES %s ON CONFLICT DO NOTHING""",
            list(to_create.values()),
            page_size=1000,
        )
        rows.invalidate_model(flush=False)

    @api.model
    def _bump_holders(self, controller, channel, addresses):
        """Make a sender that decided before decide again."""
        variants = set().union(*(address_variants(channel, each) for each in addresses))
        # sudo: see _write_rows
        states = self.env["ajw.consent.state"].sudo()
        found = states.search(
            [
                ("company_id", "=", controller.id),
                ("channel", "=", channel),
                ("address", "in", sorted(variants)),
            ]
        )
        found.subject_id._bump()

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
        # sudo: see _write_rows
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
