from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command

from ..cloud_api import payload
from .selections import TEMPLATE_CATEGORIES, TEMPLATE_STATUSES


class AjwWhatsappTemplate(models.Model):
    """What goes to Meta of a template, and what comes back."""

    _inherit = "ajw.whatsapp.template"

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
