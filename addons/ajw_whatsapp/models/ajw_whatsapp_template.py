import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command

from ..cloud_api import payload
from .selections import DOCUMENT_MODELS, TEMPLATE_CATEGORIES, TEMPLATE_STATUSES

_NAME = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_NAMED = re.compile(r"[a-z][a-z0-9_]*")


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
#: A look at Meta's category holds this long.
CHECK_MINUTES = 10
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
        help="Before sending, status and category are read again when this is some minutes old.",
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

    def _is_checked(self):
        """Tell whether Meta was asked about the template just now."""
        self.ensure_one()
        oldest = fields.Datetime.now() - timedelta(minutes=CHECK_MINUTES)
        return bool(self.category_checked_at and self.category_checked_at > oldest)

    def _find_problems(self):
        """Return sentences on what Meta would refuse, or what no variable fills in.

        :rtype: list[str]
        """
        self.ensure_one()
        named = self.parameter_format == "NAMED"
        problems = []
        places = [("body", self.env._("Text"), self.body)]
        if self.header_type == "text":
            places.append(("header", self.env._("Header"), self.header_text))
            if not self.header_text:
                problems.append(self.env._("The header is empty."))
        for place, label, text in places:
            names = payload.placeholders(text)
            defined = self.variable_ids.filtered(lambda v, p=place: v.place == p).mapped("name")
            for name in names:
                if name not in defined:
                    problems.append(
                        self.env._(
                            "%(place)s: nothing fills in {{%(name)s}}.", place=label, name=name
                        )
                    )
            for name in defined:
                if name not in names:
                    problems.append(
                        self.env._(
                            "%(place)s: {{%(name)s}} does not occur.", place=label, name=name
                        )
                    )
            if named and not all(_NAMED.fullmatch(name) for name in names):
                problems.append(
                    self.env._("%s: names have lower-case letters, digits and underscores.", label)
                )
            if not named and names != [str(n) for n in range(1, len(names) + 1)]:
                problems.append(self.env._("%s: numbers run 1, 2, 3… in order.", label))
        stripped = (self.body or "").strip()
        if stripped.startswith("{{") or stripped.endswith("}}"):
            problems.append(
                self.env._("Meta refuses a text that begins or ends with a place-holder.")
            )
        if len(self.body or "") > payload.MAX_BODY:
            problems.append(self.env._("The text is longer than %s characters.", payload.MAX_BODY))
        if len(self.footer or "") > payload.MAX_FOOTER:
            problems.append(
                self.env._("The footer is longer than %s characters.", payload.MAX_FOOTER)
            )
        return problems + self._find_button_problems()

    def _find_button_problems(self):
        problems = []
        dynamic = self._dynamic_buttons()
        defined = self.variable_ids.filtered(lambda v: v.place == "button")
        if len(dynamic) > 1:
            problems.append(self.env._("Only one button may have an address with a place-holder."))
        if bool(dynamic) != bool(defined) or len(defined) > 1:
            problems.append(
                self.env._(
                    "A link that ends with {{1}} needs exactly one variable, and no other link any."
                )
            )
        for button in self.button_ids:
            names = payload.placeholders(button.url)
            if button.type == "URL" and not (button.url or "").startswith("https://"):
                if not (button.url or "").startswith("http://"):
                    problems.append(self.env._("The link %s has no address.", button.text))
            if names and (names != ["1"] or not button.url.endswith("{{1}}")):
                problems.append(
                    self.env._(
                        "In a link the place-holder is {{1}} and stands at the end: %s", button.text
                    )
                )
        return problems

    def _dynamic_buttons(self):
        return self.button_ids.filtered(lambda b: b.type == "URL" and payload.placeholders(b.url))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_submit(self):
        """Submit the templates to Meta for review, new or changed.

        :raises UserError: says what is wrong and what to do; what was submitted before stays so
        """
        self.check_access("write")
        for account, templates in self.grouped("account_id").items():
            for template in templates:
                if problems := template._find_problems():
                    raise UserError("\n".join([template.display_name, *problems]))
            with account._get_client() as client:
                for template in templates:
                    template._submit(client)
        return True

    def _submit(self, client):
        self.ensure_one()
        account = self.account_id
        handle = None
        if self.header_type == "document":
            if not account.app_id:
                raise UserError(
                    self.env._(
                        "Meta wants an example document for this template, uploaded through your "
                        "app: enter the App ID on the account."
                    )
                )
            handle = account._call(
                client.upload_sample, account._sample_pdf(), "sample.pdf", "application/pdf"
            )
        definition = self._definition(handle)
        if self.meta_template_id:
            account._call(
                client.edit_template,
                self.meta_template_id,
                {key: definition[key] for key in ("category", "components")},
            )
            answer = {}
        else:
            answer = account._call(client.create_template, definition)
        status = answer.get("status") or "PENDING"
        # sudo: what Meta answered, not what the user says
        self.sudo().write(
            {
                "meta_template_id": str(answer.get("id") or self.meta_template_id or "") or False,
                "status": status if status in dict(TEMPLATE_STATUSES) else "UNKNOWN",
                "rejection_reason": False,
            }
            | (
                {"category": answer["category"]}
                if answer.get("category") in dict(TEMPLATE_CATEGORIES)
                else {}
            )
        )

    def _definition(self, header_handle=None):
        """Return the body that submits this template to Meta."""
        self.ensure_one()
        samples = {(v.place, v.name): v.sample or v.text_value or "-" for v in self.variable_ids}
        buttons = []
        for button in self.button_ids:
            row = {"type": button.type, "text": button.text}
            if button.type == "URL":
                row["url"] = button.url
                if payload.placeholders(button.url):
                    suffix = next(
                        (s for (place, _n), s in samples.items() if place == "button"), ""
                    )
                    row["example"] = payload.fill(button.url, {"1": suffix})
            elif button.type == "PHONE_NUMBER":
                row["phone_number"] = button.phone_number
            buttons.append(row)
        header_text = self.header_text if self.header_type == "text" else None
        return payload.template_definition(
            name=self.name,
            language=self.language,
            category=self.category,
            named=self.parameter_format == "NAMED",
            body=self.body,
            body_samples=[(n, samples["body", n]) for n in payload.placeholders(self.body)],
            header_text=header_text,
            header_samples=[(n, samples["header", n]) for n in payload.placeholders(header_text)],
            header_handle=header_handle,
            footer=self.footer or None,
            buttons=buttons,
        )

    # ------------------------------------------------------------------
    # Following Meta
    # ------------------------------------------------------------------

    def _merge_parts(self, vals):
        """Return the commands that bring buttons and variables to what Meta has.

        Variables that are still there keep what fills them in; new ones wait for it.

        :param dict vals: columns from Meta; ``_buttons`` is taken out of it
        """
        buttons = [
            button
            for button in vals.pop("_buttons")
            if isinstance(button, dict)
            and button.get("type") in dict(self.button_ids._fields["type"].selection)
            and button.get("text")
        ]
        result = {
            "button_ids": [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "sequence": sequence,
                            "type": button["type"],
                            "text": button["text"][:25],
                            "url": button.get("url") or False,
                            "phone_number": button.get("phone_number") or False,
                        }
                    )
                    for sequence, button in enumerate(buttons)
                ),
            ]
        }
        wanted = [("body", name) for name in payload.placeholders(vals["body"])]
        if vals["header_type"] == "text":
            wanted += [("header", name) for name in payload.placeholders(vals["header_text"])]
        if any(payload.placeholders(button.get("url")) for button in buttons):
            wanted.append(("button", "1"))
        kept = {(variable.place, variable.name): variable for variable in self.variable_ids}
        result["variable_ids"] = [
            *(Command.delete(kept[key].id) for key in kept if key not in wanted),
            *(
                Command.create(
                    {"place": place, "name": name, "source": "text", "sequence": sequence}
                )
                for sequence, (place, name) in enumerate(wanted)
                if (place, name) not in kept
            ),
        ]
        return result

    def action_sync(self):
        """Synchronise the templates of these templates' accounts."""
        if not self.account_id:
            raise UserError(self.env._("Choose an account first."))
        return self.account_id.action_sync_templates()


def of_place(values, place):
    """Return name → text of one place, from a dict of (place, name) → text."""
    return {name: text for (of_place, name), text in values.items() if of_place == place}
