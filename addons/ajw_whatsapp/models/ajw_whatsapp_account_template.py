import io

from reportlab.pdfgen.canvas import Canvas

from odoo import fields, models
from odoo.fields import Command

from .selections import TEMPLATE_CATEGORIES, TEMPLATE_STATUSES
from .starter_templates import STARTER_TEMPLATES

_HEADER_TYPES = {"TEXT": "text", "DOCUMENT": "document"}


class AjwWhatsappAccount(models.Model):
    """Templates of an account: created here, reviewed by Meta, followed from there."""

    _inherit = "ajw.whatsapp.account"

    def action_create_starter_templates(self):
        """Create templates for invoices and orders in English and Hindi, where they are missing."""
        self.check_access("write")
        Template = self.env["ajw.whatsapp.template"].with_context(active_test=False)
        for account in self:
            existing = Template.search([("account_id", "=", account.id)])
            taken = {(template.name, template.language) for template in existing}
            base = account.get_base_url().rstrip("/")
            Template.create(
                [
                    account._starter_vals(starter, base)
                    for starter in STARTER_TEMPLATES
                    if (starter["name"], starter["language"]) not in taken
                ]
            )
        return self.action_view_templates()

    def _starter_vals(self, starter, base):
        return {
            "account_id": self.id,
            "name": starter["name"],
            "language": starter["language"],
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "header_type": "document",
            "body": starter["body"],
            "footer": starter["footer"],
            "model": starter["model"],
            "purpose_id": self.env.ref(starter["purpose"]).id,
            "button_ids": [
                Command.create(
                    {"type": "URL", "text": starter["button"], "url": f"{base}/{{{{1}}}}"}
                )
            ],
            "variable_ids": [
                *(
                    Command.create(
                        {
                            "place": "body",
                            "name": name,
                            "source": "field",
                            "field_path": path,
                            "sample": sample,
                            "sequence": sequence,
                        }
                    )
                    for sequence, (name, path, sample) in enumerate(starter["variables"])
                ),
                Command.create(
                    {
                        "place": "button",
                        "name": "1",
                        "source": "portal_link",
                        "sample": starter["link_sample"],
                        "sequence": 100,
                    }
                ),
            ],
        }

    def action_sync_templates(self):
        """Bring the templates to what Meta has now: texts, status, category, quality.

        :raises UserError: says what is wrong and what to do
        """
        self.check_access("write")
        count = sum(account._sync_templates() for account in self)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("%s templates are as Meta has them.", count),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def _sync_templates(self):
        """Follow all pages of the account's templates.

        :return: number of templates at Meta
        """
        self.ensure_one()
        with self._get_client() as client:
            rows = self._call(lambda: list(client.list_templates()))
        # sudo: what Meta says, not what the user says
        Template = self.env["ajw.whatsapp.template"].sudo().with_context(active_test=False)
        known = {
            (template.name, template.language): template
            for template in Template.search([("account_id", "=", self.id)])
        }
        seen = set()
        to_create = []
        for row in rows:
            key = (row.get("name"), row.get("language"))
            if not all(isinstance(part, str) for part in key) or key in seen:
                continue
            seen.add(key)
            template = known.get(key, Template)
            vals = self._template_vals(row)
            vals.update(template._merge_parts(vals))
            if template:
                template.write(vals)
            else:
                to_create.append(vals | {"account_id": self.id, "name": key[0], "language": key[1]})
        Template.create(to_create)
        for key, template in known.items():
            if key not in seen and template.status not in ("DRAFT", "DELETED"):
                template.status = "DELETED"
        return len(seen)

    def _template_vals(self, row):
        """Return the plain columns of a template from Meta's row."""
        components = {
            str(component.get("type")).upper(): component
            for component in row.get("components") or ()
            if isinstance(component, dict)
        }
        header = components.get("HEADER") or {}
        quality = (row.get("quality_score") or {}).get("score")
        status, category = row.get("status"), row.get("category")
        reason = row.get("rejected_reason")
        return {
            "meta_template_id": str(row.get("id") or "") or False,
            "status": status if status in dict(TEMPLATE_STATUSES) else "UNKNOWN",
            # A category this software does not know must not pass for one that may be sent.
            "category": category if category in dict(TEMPLATE_CATEGORIES) else "MARKETING",
            "category_checked_at": fields.Datetime.now(),
            "quality": quality if quality in ("GREEN", "YELLOW", "RED") else "UNKNOWN",
            "rejection_reason": reason if reason not in (None, "NONE") else False,
            "parameter_format": "NAMED" if row.get("parameter_format") == "NAMED" else "POSITIONAL",
            "header_type": _HEADER_TYPES.get(str(header.get("format")).upper(), "none"),
            "header_text": header.get("text") or False,
            "body": (components.get("BODY") or {}).get("text") or "-",
            "footer": (components.get("FOOTER") or {}).get("text") or False,
            "_buttons": (components.get("BUTTONS") or {}).get("buttons") or [],
        }

    def _sample_pdf(self):
        """Return a one-page PDF for Meta's reviewers, without anybody's data."""
        self.ensure_one()
        buffer = io.BytesIO()
        canvas = Canvas(buffer, invariant=True)
        canvas.setTitle("Sample")
        canvas.drawString(72, 770, "Sample document")
        canvas.drawString(72, 750, "The customer's own document stands here.")
        canvas.save()
        return buffer.getvalue()
