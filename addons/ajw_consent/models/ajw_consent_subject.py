import uuid

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.bulk import STAMP, copy_rows, next_ids, stamp


class AjwConsentSubject(models.Model):
    """A random identifier that stands for a person towards a controller.

    The table carries no unique or check constraint: partner merge deletes rows that violate one.
    A partner can thus have several subjects; readers treat them as one person, and a withdrawal on
    any of them wins.
    """

    _name = "ajw.consent.subject"
    _inherit = ["ajw.consent.own.defaults"]
    _description = "Consent Subject"
    _order = "id desc"
    _rec_name = "uuid"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "clear", "role": "standin"},
        "uuid": {
            "category": "technical",
            "erase": "none",
            "reason": "random; names nobody once partner_id is empty",
        },
    }

    uuid = fields.Char(
        "Identifier",
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: str(uuid.uuid4()),
    )
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner", "Contact", readonly=True, index="btree_not_null", ondelete="set null"
    )
    revision = fields.Integer(
        required=True,
        default=0,
        readonly=True,
        copy=False,
        help=(
            "Grows with every event and with everything that closes the gate, so that a sender "
            "who decided on older facts is made to decide again."
        ),
    )
    state_ids = fields.One2many("ajw.consent.state", "subject_id", "Answers")

    @api.model
    def _find_or_create(self, controller, partners):
        """Return the subjects of each partner towards a controller, made where missing.

        :param controller: res.company
        :param partners: res.partner
        :return: dict of partner id → subjects (never empty)
        """
        # sudo: the subject is the ledger's own index; the caller checked access to the partner
        subjects = self.sudo()
        # Not by the controller too: PostgreSQL, which does not know yet how many subjects a new one
        # has, would read them all for every batch of an import.
        found = subjects.search([("partner_id", "in", partners.ids)], order="id").filtered(
            lambda subject: subject.company_id == controller
        )
        missing = partners - found.partner_id
        found |= subjects._insert(controller, missing)
        return found.grouped(lambda subject: subject.partner_id.id)

    def _insert(self, controller, partners):
        """Make a subject for each of some contacts, below the ORM: an import makes very many."""
        if not partners:
            return self.browse()
        ids = next_ids(self.env.cr, self._table, len(partners))
        made = stamp(self.env)
        copy_rows(
            self.env.cr,
            self._table,
            ("id", "uuid", "company_id", "partner_id", "revision", *STAMP),
            (
                (subject_id, str(uuid.uuid4()), controller.id, partner_id, 0, *made)
                for subject_id, partner_id in zip(ids, partners.ids, strict=True)
            ),
        )
        return self.browse(ids)

    def _bump(self):
        """Lock the subjects and raise their revision.

        Every append and everything that closes the gate passes here. The gate reads subjects ``FOR
        SHARE``: in a transaction whose snapshot is older than this update, that read fails and the
        decision is taken again on the new facts.
        """
        if not self.ids:
            return
        self.flush_recordset()
        # A subject that this very transaction made was read by nobody yet, and to change it would
        # have PostgreSQL check all its links once more. (Made in a savepoint it has another number
        # and is changed for nothing.)
        read = SQL("NOT (revision = 0 AND xmin = pg_current_xact_id()::xid)")
        # SQL: one ordered lock for all rows, so that two batches cannot wait for each other
        self.env.cr.execute(
            SQL(
                """SELECT id FROM ajw_consent_subject
                    WHERE id IN %s AND %s ORDER BY id FOR NO KEY UPDATE""",
                tuple(self.ids),
                read,
            ),
            # A collision is expected here; Odoo tries again.
            log_exceptions=False,
        )
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_consent_subject SET revision = revision + 1 WHERE id IN %s AND %s",
                tuple(self.ids),
                read,
            )
        )
        self.invalidate_recordset(["revision"])

    @api.model
    def _holding(self, controller, channel, addresses):
        """Return address → subjects of a controller that hold it, by ledger or by contact.

        Contacts that hold an address but were never asked get a subject: their "no" is kept too.

        :param controller: res.company
        :param str channel: channel key
        :param addresses: iterable of normalised addresses
        """
        addresses = list(addresses)
        # sudo: the customer who withdraws is nobody's user
        states = self.env["ajw.consent.state"].sudo()
        known = states.search_fetch(
            [("company_id", "=", controller.id), ("address", "in", addresses)],
            ["address", "subject_id"],
        )
        held = {}
        for state in known:
            held.setdefault(state.address, set()).add(state.subject_id.id)
        partners = self.env["res.partner"].sudo()
        holders = partners._ajw_holding(controller, channel, addresses)
        subjects = self._find_or_create(controller, partners.union(*holders.values()))
        for address, found in holders.items():
            for partner in found:
                held.setdefault(address, set()).update(subjects[partner.id].ids)
        return {address: states.subject_id.browse(sorted(ids)) for address, ids in held.items()}
