from datetime import timedelta

import phonenumbers

from odoo import api, fields, models
from odoo.fields import Domain

from ..cloud_api.webhook import NOT_WRITTEN
from ..models.selections import ARRIVED_STATES
from .ajw_whatsapp_batch_reasons import FIXES

#: Meta's customer service window: utility templates are free this long after the person wrote.
WINDOW_HOURS = 24


def country_of(number):
    """Return the ISO code of the country a number belongs to, empty for none.

    :param str number: E.164 with leading +
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    code = phonenumbers.region_code_for_number(parsed)
    return code if code and code.isalpha() else ""


class AjwWhatsappBatchWizard(models.TransientModel):
    """Looking at the selected documents: a fixed number of queries, and nothing is changed."""

    _inherit = "ajw.whatsapp.batch.wizard"

    @api.model
    def _survey(self, res_model, res_ids):
        """Say for each selected document what would become of it.

        :param list[int] res_ids: as selected; what the user may not see is counted, not shown
        :return: values of the wizard's lines, and how many documents stay unseen
        :rtype: tuple[list[dict], int]
        """
        selected = self.env[res_model].browse(res_ids).exists()
        visible = selected._filtered_access("read")
        sendable = visible._filtered_access("write")
        lines = self._survey_sendable(sendable)
        lines |= self._survey_simple(visible - sendable, "no_right")
        everywhere = self.env.user.company_ids.ids
        asleep = (selected - visible).with_context(allowed_company_ids=everywhere)
        lines |= self._survey_simple(asleep._filtered_access("read"), "company_inactive")
        order = [res_id for res_id in selected.ids if res_id in lines]
        return [lines[res_id] for res_id in order], len(selected) - len(lines)

    def _survey_simple(self, documents, code):
        return {
            document.id: {
                **self._line_basics(document),
                "status": "blocked",
                "code": code,
                "fix": FIXES.get(code, "none"),
            }
            for document in documents
        }

    def _line_basics(self, document):
        return {
            "res_model": document._name,
            "res_id": document.id,
            "document_name": document.display_name,
            "company_id": document.company_id.id,
        }

    def _survey_sendable(self, documents):
        if not documents:
            return {}
        plans = documents._ajw_whatsapp_plan()
        empty = self._survey_empty(documents, plans)
        sent_before = documents._ajw_whatsapp_sent_before()
        on_its_way = documents._ajw_whatsapp_on_its_way()
        last_sent = self._last_sent(documents)
        numbers = {plan.recipient.number for plan in plans.values() if plan.recipient}
        written = self._open_windows(documents.company_id, numbers - {""})
        lines = {}
        for document in documents:
            plan = plans[document.id]
            number = plan.recipient.number if plan.recipient else ""
            code, reason = plan.code, plan.problem
            if not code and document.id in empty:
                code, reason = "empty_variable", empty[document.id]
            if (document.id, number) in on_its_way:
                status, code, reason = "on_its_way", "", ""
            elif code:
                status = "blocked"
            else:
                status = "again" if sent_before[document.id] else "ready"
            lines[document.id] = {
                **self._line_basics(document),
                "partner_id": document.partner_id.id,
                "number": number or (plan.recipient and plan.recipient.raw),
                "template_id": plan.template.id,
                "status": status,
                "code": code,
                "reason": reason,
                "fix": FIXES.get(code, "none") if code else "none",
                "sent_before": sent_before[document.id],
                "last_sent_at": last_sent.get(document.id),
                "country_code": country_of(number) if status in ("ready", "again") else "",
                "window_open": (document.company_id.id, number) in written,
            }
        return lines

    def _survey_empty(self, documents, plans):
        """Return ``{res_id: sentence}`` for documents that a template cannot be filled in for."""
        empty = {}
        ready = documents.filtered(lambda document: not plans[document.id].code)
        for template, records in ready.grouped(lambda d: plans[d.id].template).items():
            empty |= records._ajw_whatsapp_find_empty(template)
        return empty

    def _last_sent(self, documents):
        domain = Domain(documents._ajw_whatsapp_message_domain()) & Domain(
            "state", "in", ARRIVED_STATES
        )
        # sudo: whoever sent it
        rows = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group(domain, ["res_id"], ["sent_at:max", "create_date:max"])
        )
        return {res_id: sent_at or created for res_id, sent_at, created in rows}

    def _open_windows(self, companies, numbers):
        """Return which of the numbers wrote to which company in the last 24 hours.

        :return: set of ``(company_id, number)``
        """
        since = fields.Datetime.now() - timedelta(hours=WINDOW_HOURS)
        # sudo: only that someone wrote is asked, not what
        rows = (
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group(
                [
                    ("direction", "=", "inbound"),
                    ("company_id", "in", companies.ids),
                    ("number", "in", list(numbers)),
                    ("inbound_type", "not in", NOT_WRITTEN),
                    ("sent_at", ">=", since),
                ],
                ["company_id", "number"],
            )
        )
        return {(company.id, number) for company, number in rows}
