# pylint: disable=invalid-commit  # what Meta answered is kept whatever comes after
import io
from datetime import timedelta

from reportlab.pdfgen.canvas import Canvas

from odoo import fields, models
from odoo.fields import Command, Domain

from ..cloud_api.errors import (
    STOP_ACCOUNT,
    UNKNOWN_OBJECT,
    CloudApiError,
    ConnectionFailed,
    OutcomeUnknown,
)
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

    # ------------------------------------------------------------------
    # Looking again before sending
    # ------------------------------------------------------------------

    def _refresh_templates(self):
        """Ask Meta what has become of the templates in the queue, unless it was asked just now.

        Meta may move a template to another category at any time, and its report on that may get
        lost. To be called by the sender before it claims, outside of any transaction that matters.
        Messages of a template that Meta did not tell about wait a minute.
        """
        stale = self._in_fresh_transaction(self._stale_templates)
        if not stale:
            return
        client = self._get_client()
        self.env.cr.commit()  # nothing stays open while Meta is being waited for
        rows, error = {}, None
        with client:
            for key, meta_id, name, language in stale:
                try:
                    rows[key] = _look_up(client, meta_id, name, language)
                except CloudApiError as caught:
                    if caught.code == UNKNOWN_OBJECT:
                        rows[key] = None
                    else:
                        error = caught
                        break
                except (ConnectionFailed, OutcomeUnknown):
                    break  # what cannot be reached now is not asked for each template
        unknown = [key for key, *_rest in stale if key not in rows]
        self._in_fresh_transaction(self._write_refreshed, rows, unknown, error)

    def _stale_templates(self):
        """Return (id, Meta's id, name, language) of the templates to ask Meta about."""
        if not self._may_send():
            return []
        templates = self._outbox._read_group(self._ready_domain(), ["template_id"])
        return [
            (template.id, template.meta_template_id, template.name, template.language)
            for [template] in templates
            if self._must_look_up(template)
        ]

    def _must_look_up(self, template):
        """Tell whether Meta has to be asked about a template before it is sent."""
        # Of a draft Meta has another text, or none.
        ours = template.account_id == self and template.status != "DRAFT"
        return ours and not template._is_checked()

    def _write_refreshed(self, rows, unknown, error):
        """Take in what Meta said.

        :param dict rows: template id → Meta's row, ``None`` when there is no such template there
        :param list unknown: ids of the templates that could not be looked up
        :param CloudApiError error: why, when Meta refused
        """
        now = fields.Datetime.now()
        # sudo: what Meta says, not what the user says
        templates = self.env["ajw.whatsapp.template"].sudo()
        for key, row in rows.items():
            template = templates.browse(key).exists()
            vals = {"status": "DELETED"}
            if row is not None:
                status, category = row.get("status"), row.get("category")
                same = (row.get("name"), row.get("language")) == (template.name, template.language)
                vals = {
                    "status": status if same and status in dict(TEMPLATE_STATUSES) else "UNKNOWN",
                    "category": category if category in dict(TEMPLATE_CATEGORIES) else "MARKETING",
                }
            changed = {name: value for name, value in vals.items() if template[name] != value}
            template.write(changed | {"category_checked_at": now})
        if unknown:
            self._outbox.search(self._ready_domain() & Domain("template_id", "in", unknown)).write(
                {"retry_at": now + timedelta(minutes=1)}
            )
        if error and error.error_class == STOP_ACCOUNT:
            said = self.env["ajw.whatsapp.error"]._said(error)
            self._stop(error.code, said, error.subcode)

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


def _look_up(client, meta_id, name, language):
    """Return Meta's row of a template, ``None`` if there is none.

    :param str meta_id: Meta's id; without one the template is looked for by name and language
    """
    if meta_id:
        return client.get_template(meta_id)
    for row in client.list_templates(name):
        if (row.get("name"), row.get("language")) == (name, language):
            return row
    return None
