from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .ledger_guard import LEDGER_SENTINEL
from .selections import CHANNELS, GIVEN_BY, KINDS, METHODS


class AjwConsentEvent(models.Model):
    """One line of the ledger: append-only, chained by hashes, without any personal value.

    Guarded twice: here by the sentinel, and in PostgreSQL by triggers (:meth:`init`). No field may
    get a default, a stored compute or a foreign key but subject, notice and company: each would
    make Odoo update rows that never change.
    """

    _name = "ajw.consent.event"
    _description = "Consent Event"
    _order = "id desc"
    _rec_name = "uuid"
    _log_access = False

    _ajw_personal_data = {
        name: {
            "category": "technical",
            "erase": "none",
            "reason": (
                "salted commitment; says nothing once the salt in ajw.consent.evidence is erased"
            ),
        }
        for name in (
            "address_commitment",
            "name_commitment",
            "ip_commitment",
            "actor_commitment",
            "evidence_commitment",
        )
    } | {
        "address_ref": {
            "category": "technical",
            "erase": "none",
            "reason": "random token; the address it stands for is in ajw.consent.evidence",
        }
    }

    uuid = fields.Char("Identifier", required=True, readonly=True)
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_id = fields.Many2one(
        "ajw.consent.subject", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_uuid = fields.Char(
        "Subject Identifier",
        required=True,
        readonly=True,
        help="The subject's identifier at the time, as it was hashed.",
    )
    purpose_code = fields.Char("Purpose", required=True, readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    sequence = fields.Integer(required=True, readonly=True, help="Position in its chain, from 1.")
    kind = fields.Selection(KINDS, "Event", required=True, readonly=True)
    method = fields.Selection(METHODS, required=True, readonly=True)
    # Empty in events of hash version 1: nothing may write to those.
    given_by = fields.Selection(
        GIVEN_BY,
        readonly=True,
        help="Whether the person answered, or the guardian of a minor; the guardian's name is in "
        "the evidence.",
    )
    occurred_at = fields.Datetime("Happened", required=True, readonly=True)
    recorded_at = fields.Datetime("Recorded", required=True, readonly=True)
    needs_confirmation = fields.Boolean(readonly=True)
    expires_at = fields.Datetime("Expires", readonly=True)
    notice_id = fields.Many2one("ajw.consent.notice", readonly=True, ondelete="restrict")
    notice_digest = fields.Char(readonly=True, help="SHA-256 of the wording the person saw.")
    address_ref = fields.Char(readonly=True)
    address_commitment = fields.Char(readonly=True)
    name_commitment = fields.Char(readonly=True)
    ip_commitment = fields.Char("IP commitment", readonly=True)
    actor_commitment = fields.Char(readonly=True)
    evidence_commitment = fields.Char(readonly=True)
    hash_version = fields.Integer(required=True, readonly=True)
    prev_hash = fields.Char("Hash of the one before", required=True, readonly=True)
    hash = fields.Char(required=True, readonly=True)

    purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        "Purpose Record",
        compute="_compute_purpose_id",
        search="_search_purpose_id",
    )
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")

    _chain_position = models.UniqueIndex("(subject_id, purpose_code, channel, sequence)")
    _uuid_unique = models.UniqueIndex("(uuid)")

    def _auto_init(self):
        self._check_foreign_fields()
        return super()._auto_init()

    @api.model
    def _check_foreign_fields(self):
        """Refuse fields that would make Odoo write to events that are recorded already.

        Asked when an addon that adds one is installed: afterwards it would be too late to say so.

        :raises ValidationError: naming the field
        """
        for field in self._fields.values():
            foreign = "ajw_consent" not in (field._modules or ())
            if field.store and (
                (field.compute or field.related or field.default)
                or (foreign and (field.required or field.type == "many2one"))
            ):
                raise ValidationError(
                    self.env._(
                        "The consent ledger never changes, so it takes no field that is computed, "
                        "required, has a default value or links elsewhere: %s. Keep it in a model "
                        "of your own that points to the event.",
                        field.name,
                    )
                )

    def init(self):
        """Install the triggers that refuse every change of the ledger, whoever asks."""
        # SQL: the guard must hold below the ORM
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION ajw_consent_event_refuse() RETURNS trigger AS $$
            BEGIN
                RAISE EXCEPTION 'The consent ledger is append-only: % refused', TG_OP
                    USING ERRCODE = 'restrict_violation';
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ajw_consent_event_no_change ON ajw_consent_event;
            CREATE TRIGGER ajw_consent_event_no_change BEFORE UPDATE OR DELETE ON ajw_consent_event
                FOR EACH ROW EXECUTE FUNCTION ajw_consent_event_refuse();
            DROP TRIGGER IF EXISTS ajw_consent_event_no_truncate ON ajw_consent_event;
            CREATE TRIGGER ajw_consent_event_no_truncate BEFORE TRUNCATE ON ajw_consent_event
                FOR EACH STATEMENT EXECUTE FUNCTION ajw_consent_event_refuse();
            """
        )

    @api.depends("purpose_code")
    def _compute_purpose_id(self):
        purposes = self.env["ajw.consent.purpose"].with_context(active_test=False)
        by_code = {
            purpose.code: purpose
            for purpose in purposes.search([("code", "in", self.mapped("purpose_code"))])
        }
        for event in self:
            event.purpose_id = by_code.get(event.purpose_code, False)

    @api.model
    def _search_purpose_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        purposes = self.env["ajw.consent.purpose"].with_context(active_test=False)
        named = purposes.browse(filter(None, value)).exists()
        domain = Domain("purpose_code", "in", named.mapped("code"))
        if False in value:
            domain |= Domain("purpose_code", "not in", purposes.search([]).mapped("code"))
        return domain

    def _field_to_sql(self, alias, field_expr, query=None):
        # EXTENDS 'base': grouped by purposes, not by their codes
        if field_expr != "purpose_id":
            return super()._field_to_sql(alias, field_expr, query)
        purposes = self.env["ajw.consent.purpose"]
        purpose = query.make_alias(alias, "purpose_code")
        query.add_join(
            *("LEFT JOIN", purpose, purposes._table),
            SQL(
                "%s = %s",
                purposes._field_to_sql(purpose, "code", query),
                self._field_to_sql(alias, "purpose_code", query),
            ),
        )
        return SQL.identifier(purpose, "id")

    @api.depends("kind", "purpose_code", "occurred_at")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for event in self:
            purpose = event.purpose_id.name or event.purpose_code
            event.display_name = f"{kinds.get(event.kind)} · {purpose} · {event.occurred_at}"

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("ajw_ledger") is not LEDGER_SENTINEL:
            raise UserError(
                self.env._("The ledger is written by recording an answer, never directly.")
            )
        return super().create(vals_list)

    def write(self, vals):  # pylint: disable=method-required-super  # always refused
        raise UserError(self.env._("The ledger is append-only. Record a new answer instead."))

    # Refused even when the add-on goes: what removes the tables does not ask here.
    def unlink(self):  # pylint: disable=method-required-super
        # pylint: disable-next=no-raise-unlink
        raise UserError(self.env._("The ledger is append-only: nothing can be deleted from it."))
