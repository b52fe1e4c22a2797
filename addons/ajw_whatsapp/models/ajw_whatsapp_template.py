import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..cloud_api import payload
from .selections import DOCUMENT_MODELS, TEMPLATE_CATEGORIES, TEMPLATE_STATUSES

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")


#: What Meta says about a template, and the value a new one starts with.
META_FIELDS = {
    "status": "DRAFT",
    "quality": False,
    "rejection_reason": False,
    "meta_template_id": False,
    "category_checked_at": False,
}
#: What Meta knows a template by.
IDENTITY_FIELDS = ("name", "language", "account_id")
#: A look at Meta's category holds this long: each run of a sender begins with one that is no older,
#: and a longer run takes another every minute. So what goes out rests on Meta's word of that minute
#: even where its report of a change is lost. The cost is one GET a minute for each template in the
#: queue while anything is being sent: 60 an hour, of some thousand calls an hour that Meta allows
#: for an account. Before each micro-batch it would be several a second.
CHECK_MINUTES = 1
#: What is claimed while a run is at it, before it looks again, is not held back for these.
CHECK_GRACE_SECONDS = 30
#: What Meta reviews: changed here, it has to be submitted again.
REVIEWED_FIELDS = {"header_type", "header_text", "body", "footer", "button_ids", "parameter_format"}


class AjwWhatsappTemplate(models.Model):
    """A text that Meta has approved for messages the business starts."""

    _name = "ajw.whatsapp.template"
    _description = "WhatsApp Template"
    _inherit = ["mail.thread"]
    _order = "account_id, name, language"
    _check_company_auto = True

    _ajw_personal_data = {
        "body": {"erase": "none", "reason": "Wording with placeholders; names nobody."},
    }

    account_id = fields.Many2one(
        "ajw.whatsapp.account",
        required=True,
        index=True,
        ondelete="cascade",
        string="WhatsApp account",
    )
    company_id = fields.Many2one(related="account_id.company_id", store=True, index=True)
    active = fields.Boolean(default=True)
    name = fields.Char(required=True, help="Lower-case letters, digits and underscores.")
    language = fields.Char(
        required=True, default="en", help="The language code as Meta writes it: en, en_US, hi…"
    )
    category = fields.Selection(
        TEMPLATE_CATEGORIES,
        required=True,
        default="UTILITY",
        tracking=True,
        help="Meta's category. Meta may change it; a template that became Marketing is not sent.",
    )
    status = fields.Selection(
        TEMPLATE_STATUSES, required=True, default="DRAFT", readonly=True, copy=False, tracking=True
    )
    rejection_reason = fields.Char(readonly=True, copy=False)
    quality = fields.Selection(
        [("GREEN", "High"), ("YELLOW", "Medium"), ("RED", "Low"), ("UNKNOWN", "Not rated")],
        readonly=True,
        copy=False,
    )
    parameter_format = fields.Selection(
        [("NAMED", "Names"), ("POSITIONAL", "Numbers")],
        string="Place-holders",
        required=True,
        default="NAMED",
        help="How place-holders are written in Header and Text: {{customer}} or {{1}}.",
    )
    header_type = fields.Selection(
        [("none", "None"), ("text", "Text"), ("document", "Document")],
        string="Header",
        required=True,
        default="none",
    )
    header_text = fields.Char()
    body = fields.Text(string="Text", required=True)
    footer = fields.Char()
    button_ids = fields.One2many(
        "ajw.whatsapp.template.button", "template_id", string="Buttons", copy=True
    )
    variable_ids = fields.One2many(
        "ajw.whatsapp.template.variable", "template_id", string="Variables", copy=True
    )
    model = fields.Selection(DOCUMENT_MODELS, string="Document")
    purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        ondelete="restrict",
        tracking=True,
        help="What the recipient must have agreed to.",
    )
    meta_template_id = fields.Char(
        string="Meta's template ID", readonly=True, copy=False, index=True
    )
    category_checked_at = fields.Datetime(
        string="Last looked up at Meta",
        readonly=True,
        copy=False,
        help="Status and category are read again at the beginning of each run of the sender, and "
        "every minute of it.",
    )
    problems = fields.Text(
        compute="_compute_problems", help="What keeps the template from being submitted or sent."
    )
    preview = fields.Text(compute="_compute_preview", help="The text with the examples filled in.")

    _identity_unique = models.UniqueIndex(
        "(account_id, name, language)",
        "This account already has a template of this name and language.",
    )

    # ------------------------------------------------------------------
    # Computed, constraints
    # ------------------------------------------------------------------

    @api.depends("name", "language")
    def _compute_display_name(self):
        for template in self:
            template.display_name = f"{template.name or ''} ({template.language or ''})"

    @api.depends(
        "header_type",
        "header_text",
        "body",
        "footer",
        "parameter_format",
        "model",
        "button_ids.type",
        "button_ids.url",
        "variable_ids.place",
        "variable_ids.name",
        "variable_ids.source",
        "variable_ids.field_path",
    )
    def _compute_problems(self):
        for template in self:
            template.problems = "\n".join(template._find_problems()) or False

    @api.depends("header_text", "body", "footer", "button_ids.text", "variable_ids.sample")
    def _compute_preview(self):
        for template in self:
            samples = {
                (variable.place, variable.name): variable.sample or f"[{variable.name}]"
                for variable in template.variable_ids
            }
            parts = [
                payload.fill(template.header_text, of_place(samples, "header"))
                if template.header_type == "text"
                else "",
                payload.fill(template.body, of_place(samples, "body")),
                template.footer or "",
                *(f"[ {button.text} ]" for button in template.button_ids),
            ]
            template.preview = "\n\n".join(part for part in parts if part)

    @api.constrains("name", "language")
    def _check_identity(self):
        for template in self:
            if not _NAME.fullmatch(template.name or ""):
                raise ValidationError(
                    self.env._(
                        "A template's name has lower-case letters, digits and underscores only."
                    )
                )
            if not _LANGUAGE.fullmatch(template.language or ""):
                raise ValidationError(
                    self.env._("The language is a code as Meta writes it, like en, en_US or hi.")
                )

    # ------------------------------------------------------------------
    # CRUD: what Meta decided cannot be overruled here
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            if any(vals.keys() & META_FIELDS.keys() for vals in vals_list):
                raise AccessError(self.env._("Status and quality of a template come from Meta."))
            # Said explicitly, so that the context does not say otherwise.
            vals_list = [META_FIELDS | vals for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        self._check_identity_kept(vals)
        if not self.env.su:
            submitted = self.filtered("meta_template_id")
            if vals.keys() & META_FIELDS.keys() or (submitted and "category" in vals):
                raise AccessError(
                    self.env._(
                        "Status, quality and category of a submitted template come from Meta. "
                        "Synchronise the templates."
                    )
                )
            if vals.keys() & REVIEWED_FIELDS:
                submitted._require_review()
        return super().write(vals)

    def _check_identity_kept(self, vals):
        """Keep a submitted template the one that Meta knows.

        :raises UserError: it would become another one
        """
        for template in self.filtered("meta_template_id"):
            for name in IDENTITY_FIELDS:
                stored = template._fields[name].convert_to_write(template[name], template)
                if name in vals and vals[name] != stored:
                    raise UserError(
                        self.env._(
                            "Meta knows the template %(template)s by its name, language and "
                            "account, so they cannot change any more. Duplicate the template and "
                            "submit the copy.",
                            template=template.display_name,
                        )
                    )

    def _require_review(self):
        """Send submitted templates back to draft, because what Meta reviewed was changed."""
        if not self.env.su:
            # sudo: only a review by Meta makes an edited text one that may be sent
            self.filtered("meta_template_id").sudo().status = "DRAFT"

    def _is_checked(self, grace=0):
        """Tell whether Meta was asked about the template just now.

        :param int grace: seconds more that a look may be old
        """
        self.ensure_one()
        oldest = fields.Datetime.now() - timedelta(minutes=CHECK_MINUTES, seconds=grace)
        return bool(self.category_checked_at and self.category_checked_at > oldest)


def of_place(values, place):
    """Return name → text of one place, from a dict of (place, name) → text."""
    return {name: text for (of_place, name), text in values.items() if of_place == place}
