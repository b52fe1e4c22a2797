from odoo import api, fields, models
from odoo.exceptions import UserError


class AjwConsentPurpose(models.Model):
    """What a person is contacted for."""

    _name = "ajw.consent.purpose"
    _description = "Consent Purpose"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        copy=False,
        help=(
            "Short name that the ledger records. It cannot change once consent was recorded for it."
        ),
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    description = fields.Text(
        translate=True, help="What the person agrees to, in a sentence the person understands."
    )
    legal_basis = fields.Selection(
        [
            ("consent", "Consent"),
            ("contract", "Contract"),
            ("legal_obligation", "Legal obligation"),
            ("legitimate_interest", "Legitimate interest"),
        ],
        required=True,
        default="consent",
        help="Basis in law of the processing itself (GDPR art. 6, POPIA s. 11, DPDP s. 6-7). "
        "WhatsApp needs an opt-in whatever the basis is.",
    )
    is_marketing = fields.Boolean(
        "Marketing",
        help="Messages of this purpose promote something. A withdrawal of marketing closes it.",
    )
    double_opt_in = fields.Boolean(
        "Needs confirmation", help="An opt-in counts only after the person confirmed it."
    )
    validity_months = fields.Integer(
        "Valid for (months)", help="How long an opt-in lasts. 0: until it is withdrawn."
    )

    _code_unique = models.Constraint("UNIQUE (code)", "A purpose with this code exists already.")
    _validity_positive = models.Constraint(
        "CHECK (validity_months >= 0)", "The validity cannot be negative."
    )

    def write(self, vals):
        if (
            "code" in vals
            and self.filtered(lambda purpose: purpose.code != vals["code"])._is_used()
        ):
            raise UserError(
                self.env._("The code of a purpose cannot change once consent was recorded for it.")
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self._is_used():
            raise UserError(
                self.env._(
                    "Consent was recorded for this purpose. Archive it instead of deleting it."
                )
            )

    def _is_used(self):
        """Whether the ledger has an event for one of these purposes, of any company."""
        # sudo: events of companies the user does not see count too
        events = self.env["ajw.consent.event"].sudo()
        return bool(self) and bool(
            events.search_count([("purpose_code", "in", self.mapped("code"))], limit=1)
        )

    @api.model
    def _code_choices(self):
        """Return ``(code, name)`` of the purposes in use, for forms of whoever sends something."""
        # sudo: who sends need not see the settings of consent
        return [(purpose.code, purpose.name) for purpose in self.sudo().search([])]

    @api.model
    def _of_code(self, code):
        """Return the purpose in use of a code with sudo, or an empty record.

        :param str code: may be empty
        """
        # sudo: see _code_choices
        purposes = self.sudo()
        return purposes.search([("code", "=", code)], limit=1) if code else purposes.browse()
