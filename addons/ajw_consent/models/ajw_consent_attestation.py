import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

#: Edition of the wording below; grows with each change of it.
TEXT_VERSION = 1
_SIGNED_FIELDS = (
    "role",
    "provider_name",
    "instruction",
    "instruction_date",
    "text",
    "signed_by",
    "signed_function",
    "signed_on",
)


class AjwConsentAttestation(models.Model):
    """Who answers for the opt-ins of a company, and on whose instruction messages are sent.

    The company is the controller: the opt-ins are its own, and it attests that. Who runs the system
    for it, if somebody does, is its processor and acts on its documented instructions (GDPR art.
    28(3)(a); DPDP Act s. 8(2); POPIA s. 20 and 21). What was attested never changes; when something
    changes, there is a new attestation, and the former ones stay.
    """

    _name = "ajw.consent.attestation"
    _inherit = ["ajw.consent.own.defaults"]
    _description = "Roles in Law"
    _order = "company_id, signed_on desc, id desc"

    _ajw_personal_data = {
        "signed_by": {
            "category": "name",
            "erase": "keep",
            "reason": "who answers for the company, kept as proof as long as the ledger",
        },
        "text": {
            "category": "technical",
            "erase": "none",
            "reason": "the sentence that is attested; names no person",
        },
        "signed_function": {
            "category": "identifier",
            "erase": "keep",
            "reason": "in which function, kept with the name",
        },
        "document": {
            "category": "file",
            "erase": "keep",
            "reason": "the signed paper, kept as proof as long as the ledger",
        },
        "document_name": {
            "category": "file",
            "erase": "keep",
            "reason": "kept with the paper",
        },
        "provider_name": {
            "erase": "none",
            "reason": "name of a business that processes data for the company",
        },
    }

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        default=lambda self: self.env.company.ajw_consent_controller_id,
        domain="[('parent_id', '=', False)]",
        ondelete="restrict",
        help="The company that people give their consent to.",
    )
    role = fields.Selection(
        [
            ("self", "The company runs this system itself"),
            ("provider", "A provider runs it on the company's instruction"),
        ],
        "Who runs this system",
        required=True,
        default="self",
    )
    provider_name = fields.Char(
        "Provider", help="The legal entity that acts on the company's instruction: its processor."
    )
    instruction = fields.Char(
        help="The contract or order by which the company instructs the provider."
    )
    instruction_date = fields.Date("Instruction of")
    text = fields.Text(
        "What is attested",
        compute="_compute_text",
        store=True,
        precompute=True,
        readonly=True,
    )
    text_version = fields.Integer(readonly=True, aggregator=None)
    lang = fields.Char("Language", readonly=True)
    signed_by = fields.Char(
        "Signed by", required=True, help="The person who signs for the company."
    )
    signed_function = fields.Char(
        "In the function of", required=True, help="Managing director, owner, officer, …"
    )
    signed_on = fields.Date("Signed on", required=True, default=fields.Date.context_today)
    document = fields.Binary("Signed paper", attachment=True)
    document_name = fields.Char()
    digest = fields.Char(
        "SHA-256", readonly=True, help="Over everything that was attested, and the signed paper."
    )
    is_current = fields.Boolean(
        "In force", compute="_compute_is_current", search="_search_is_current"
    )

    @api.depends("company_id", "role", "provider_name")
    def _compute_text(self):
        for attestation in self:
            # What was signed stays as it was worded.
            if attestation.digest:
                continue
            attestation.text = attestation._wording()

    def _wording(self):
        """Return what is attested, in the user's language."""
        company = self.company_id.name or ""
        lines = [
            self.env._(
                "%s is the controller: it decides for what and to whom messages are sent.", company
            ),
            self.env._(
                "Every opt-in that %s records was given to it by the person, for the purpose, on "
                "the channel and for the address recorded. None was bought, rented, or taken over "
                "from others.",
                company,
            ),
            self.env._(
                "%s records withdrawals at once, tells people how to withdraw, and asks nobody for "
                "an opt-in over WhatsApp.",
                company,
            ),
            self.env._("Data of people under 18 is not recorded without a guardian's consent."),
        ]
        if self.role == "provider":
            lines.append(
                self.env._(
                    "%(provider)s runs this system for %(company)s as its processor. It acts on "
                    "the documented instructions of %(company)s only, and uses the data for "
                    "nothing else.",
                    provider=self.provider_name or "…",
                    company=company,
                )
            )
        return "\n".join(lines)

    @api.depends("company_id", "signed_on")
    def _compute_display_name(self):
        for attestation in self:
            attestation.display_name = self.env._(
                "%(company)s, %(date)s",
                company=attestation.company_id.name,
                date=attestation.signed_on,
            )

    def _compute_is_current(self):
        current = self._current_ids(self.company_id)
        for attestation in self:
            attestation.is_current = attestation.id in current

    @api.model
    def _search_is_current(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: ids only, and the rules apply to what they select
        companies = self.env["res.company"].sudo().search([("parent_id", "=", False)])
        return [("id", "in" if True in value else "not in", list(self._current_ids(companies)))]

    @api.model
    def _current_ids(self, controllers):
        """Return the ids (set) of the attestations in force: the last one of each controller."""
        # sudo: as above
        rows = self.sudo()._read_group(
            [("company_id", "in", controllers.ids)], ["company_id"], ["id:max"]
        )
        return {last for _company, last in rows}

    @api.constrains("company_id", "role", "provider_name", "instruction", "signed_on")
    def _check_complete(self):
        for attestation in self:
            if attestation.company_id.parent_id:
                raise ValidationError(
                    self.env._(
                        "Branches share the ledger of %s, which attests for all of them.",
                        attestation.company_id.root_id.name,
                    )
                )
            if attestation.role == "provider" and not (
                attestation.provider_name and attestation.instruction
            ):
                raise ValidationError(
                    self.env._(
                        "Enter the provider and the contract or order that it acts on: without a "
                        "documented instruction a provider may not process the data."
                    )
                )
            if attestation.signed_on > fields.Date.context_today(attestation):
                raise ValidationError(self.env._("An attestation is not signed in the future."))

    # -- what stays as it is ---------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer records this."))
        readonly = {"text", "text_version", "lang", "digest"}
        vals_list = [
            {
                **{name: value for name, value in vals.items() if name not in readonly},
                "text_version": TEXT_VERSION,
                "lang": self.env.lang or "en_US",
                "digest": False,
            }
            for vals in vals_list
        ]
        attestations = super().create(vals_list)
        for attestation in attestations:
            digest = attestation._digest()
            # sudo: nobody may write, and this is still the making of it
            # pylint: disable-next=super-method-mismatch
            super(AjwConsentAttestation, attestation.sudo()).write({"digest": digest})
            attestation.company_id._ajw_attestation_given()
        return attestations

    def write(self, vals):  # pylint: disable=method-required-super  # always refused
        raise UserError(self.env._("What was attested never changes. Record a new attestation."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("What was attested stays on record. Record a new attestation."))

    def _digest(self):
        """SHA-256 (hex) of everything that was attested, and of the signed paper."""
        self.ensure_one()
        paper = self.with_context(bin_size=False).document or b""
        document = {name: str(self[name] or "") for name in _SIGNED_FIELDS}
        document |= {
            "company": self.company_id.name,
            "lang": self.lang,
            "paper_sha256": hashlib.sha256(paper).hexdigest() if paper else "",
            "text_version": self.text_version,
        }
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()
