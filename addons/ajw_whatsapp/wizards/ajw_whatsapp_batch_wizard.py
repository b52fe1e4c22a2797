from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.selections import DOCUMENT_MODELS
from ..tools.cost import Delivery, estimate
from .ajw_whatsapp_batch_line import STATUSES
from .ajw_whatsapp_batch_reasons import FIXES

#: What was selected is kept with the wizard; a browser sends no more than this anyway.
MAX_DOCUMENTS = 20_000
#: The largest id a table can hold.
MAX_ID = 2**31 - 1


class AjwWhatsappBatchWizard(models.TransientModel):
    """Shows what would become of the selected documents, and queues those that may be sent.

    What is shown was true when it was looked up; confirming plans everything anew, and the gate is
    asked once more when each message is sent.
    """

    _name = "ajw.whatsapp.batch.wizard"
    _description = "Send Documents via WhatsApp"

    res_model = fields.Selection(DOCUMENT_MODELS, required=True, readonly=True)
    selected_ids = fields.Json(
        "Selection", readonly=True, help="The documents as they were selected."
    )
    line_ids = fields.One2many("ajw.whatsapp.batch.wizard.line", "wizard_id", readonly=True)
    reason_ids = fields.One2many("ajw.whatsapp.batch.wizard.reason", "wizard_id", readonly=True)
    show = fields.Selection([("all", "All"), *STATUSES], default="all", required=True)
    shown_line_ids = fields.Many2many(
        "ajw.whatsapp.batch.wizard.line", string="Documents", compute="_compute_shown_line_ids"
    )
    total_count = fields.Integer("Selected", readonly=True)
    ready_count = fields.Integer("Will be sent", readonly=True)
    again_count = fields.Integer("Sent before", readonly=True)
    on_its_way_count = fields.Integer("On their way", readonly=True)
    blocked_count = fields.Integer("Not possible now", readonly=True)
    unseen_count = fields.Integer(
        readonly=True, help="Documents of others: neither shown nor sent."
    )
    send_again = fields.Boolean("Send again what was sent")
    sending_count = fields.Integer(compute="_compute_sending_count")
    estimate_text = fields.Char("Estimated Cost", compute="_compute_estimate")
    estimate_note = fields.Text(compute="_compute_estimate")
    several_companies = fields.Boolean(readonly=True)

    # ------------------------------------------------------------------
    # What is shown
    # ------------------------------------------------------------------

    @api.depends("total_count")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = self.env._("Send via WhatsApp (%s selected)", wizard.total_count)

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        for wizard in wizards:
            wizard._fill()
        return wizards

    def _fill(self):
        """Look the selected documents up anew."""
        self.ensure_one()
        self.env[self.res_model]._ajw_whatsapp_check_user("read")
        res_ids = self._selection()
        self.line_ids.unlink()
        self.reason_ids.unlink()
        rows, unseen = self._survey(self.res_model, res_ids)
        statuses = Counter(row["status"] for row in rows)
        codes = Counter(row["code"] for row in rows if row["status"] == "blocked")
        self.env["ajw.whatsapp.batch.wizard.line"].create(
            [{"wizard_id": self.id, **row} for row in rows]
        )
        self.env["ajw.whatsapp.batch.wizard.reason"].create(
            [
                {
                    "wizard_id": self.id,
                    "code": code,
                    "count": count,
                    "fix": FIXES.get(code, "none"),
                }
                for code, count in codes.most_common()
            ]
        )
        self.write(
            {
                "total_count": len(rows) + unseen,
                "unseen_count": unseen,
                "several_companies": len({row["company_id"] for row in rows}) > 1,
                **{f"{status}_count": statuses[status] for status, _label in STATUSES},
            }
        )

    def _selection(self):
        """Return the ids of the selected documents, each once.

        :rtype: list[int]
        :raises UserError: what a program wrote there is no list of ids, or too long
        """
        selected = self.selected_ids or []
        if not isinstance(selected, list) or not all(
            isinstance(res_id, int) and not isinstance(res_id, bool) and 0 < res_id <= MAX_ID
            for res_id in selected
        ):
            raise UserError(
                self.env._("The selection is no list of documents. Select them in their list.")
            )
        if len(selected) > MAX_DOCUMENTS:
            raise UserError(self.env._("Select no more than %s documents at once.", MAX_DOCUMENTS))
        return list(dict.fromkeys(selected))

    @api.depends("show", "line_ids")
    def _compute_shown_line_ids(self):
        for wizard in self:
            lines = wizard.line_ids
            if wizard.show != "all":
                lines = lines.filtered(lambda line, show=wizard.show: line.status == show)
            wizard.shown_line_ids = lines

    @api.depends("ready_count", "again_count", "send_again")
    def _compute_sending_count(self):
        for wizard in self:
            again = wizard.again_count if wizard.send_again else 0
            wizard.sending_count = wizard.ready_count + again

    def _lines_to_send(self):
        wanted = ("ready", "again") if self.send_again else ("ready",)
        return self.line_ids.filtered(lambda line: line.status in wanted)

    @api.model
    def _estimate(self, lines, currency=""):
        """Return what sending the lines costs by the rate card.

        :rtype: odoo.addons.ajw_whatsapp.tools.cost.Estimate
        """
        deliveries = [
            Delivery(line.country_code or "", line.template_id.category, line.window_open)
            for line in lines
        ]
        card = self.env["ajw.whatsapp.rate"]._card()
        return estimate(deliveries, card, fields.Date.context_today(self), currency)

    @api.depends("line_ids", "send_again")
    def _compute_estimate(self):
        for wizard in self:
            lines = wizard._lines_to_send()
            result = wizard._estimate(lines, self.env.company.currency_id.name)
            wizard.estimate_text = self.env["ajw.whatsapp.batch"]._estimate_sentence(result)
            wizard.estimate_note = "\n".join(wizard._estimate_notes(result))

    def _estimate_notes(self, result):
        """Say what the estimate rests on and what it leaves out."""
        notes = []
        if result.as_of:
            notes.append(
                self.env._(
                    "For %(count)s messages, if all are delivered, by the rate card valid from "
                    "%(date)s; an estimate without tax and volume discounts.",
                    count=result.priced,
                    date=fields.Date.to_string(result.as_of),
                )
            )
        if result.free:
            notes.append(
                self.env._(
                    "%(count)s are free: these customers wrote in the last 24 hours.",
                    count=result.free,
                )
            )
        if result.unrated:
            countries = self.env["res.country"].search([("code", "in", list(result.unrated))])
            names = {country.code: country.name for country in countries}
            for code, count in sorted(result.unrated.items()):
                notes.append(
                    self.env._(
                        "%(count)s without a rate for %(country)s: a WhatsApp manager can enter "
                        "Meta's rate card under WhatsApp / Configuration / Rate Card.",
                        count=count,
                        country=names.get(code) or code or self.env._("an unknown country"),
                    )
                )
        return notes

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def _open_lines(self, name, domain=()):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "ajw.whatsapp.batch.wizard.line",
            "view_mode": "list",
            "views": [(False, "list")],
            "domain": [("wizard_id", "=", self.id), *domain],
            "context": {"create": False},
        }

    def action_open_lines(self):
        """List all selected documents, with filters."""
        return self._open_lines(self.env._("Selected Documents"))

    def action_refresh(self):
        """Look the selected documents up anew."""
        self._fill()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_send(self):
        """Queue what may be sent, one batch for each company.

        :raises UserError: there is nothing to send
        """
        self.ensure_one()
        lines = self._lines_to_send()
        if not lines:
            raise UserError(
                self.env._("None of the selected documents can be sent. The reasons are listed.")
            )
        Batch = self.env["ajw.whatsapp.batch"]
        batches = Batch
        Document = self.env[self.res_model]
        if any(line.res_model != self.res_model for line in self.line_ids):
            raise UserError(
                self.env._("The list does not fit the selected documents any more. Refresh it.")
            )
        selected = Document.browse(dict.fromkeys(lines.mapped("res_id"))).exists()
        selected._ajw_whatsapp_check_user("write")
        skipped = Counter(line.company_id.id for line in self.line_ids - lines)
        # The documents say whose they are: a line may have been written by anybody.
        for company, documents in selected.grouped("company_id").items():
            same = lines.filtered(lambda line, ids=set(documents.ids): line.res_id in ids)
            batch, _problems = Batch._start(
                documents,
                {line.res_id: line.template_id for line in same},
                {line.res_id: documents._ajw_whatsapp_occasion(line.sent_before) for line in same},
                self._estimate(same, company.currency_id.name),
                left_out=skipped[company.id],
            )
            batches += batch
        if not batches:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "info",
                    "message": self.env._(
                        "Nothing was queued: these documents were sent or queued meanwhile, or "
                        "cannot be sent any more. Refresh to see them as they are now."
                    ),
                },
            }
        return batches._open()
