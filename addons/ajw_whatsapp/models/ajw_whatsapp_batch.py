from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import formatLang

from .selections import DOCUMENT_MODELS, WAITING_STATES


class AjwWhatsappBatch(models.Model):
    """Documents of one company that were sent together, and how far they have come."""

    _name = "ajw.whatsapp.batch"
    _description = "WhatsApp Batch"
    _order = "id desc"

    name = fields.Char(required=True, readonly=True, copy=False, default="/")
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    res_model = fields.Selection(
        DOCUMENT_MODELS, string="Documents", required=True, readonly=True, index=True
    )
    create_uid = fields.Many2one("res.users", string="Sent by", readonly=True)
    create_date = fields.Datetime("Started", readonly=True)
    message_ids = fields.One2many("ajw.whatsapp.message", "batch_id", readonly=True)
    left_out = fields.Integer(
        readonly=True, help="Selected documents that were not sent; the reasons were shown before."
    )
    estimated_cost = fields.Float(
        "Estimated Amount", digits=(16, 4), readonly=True, aggregator=None
    )
    estimated_currency_id = fields.Many2one("res.currency", readonly=True)
    estimate_text = fields.Char("Estimated Cost", readonly=True)
    cancel_requested = fields.Boolean(readonly=True, copy=False)

    # ------------------------------------------------------------------
    # Making one
    # ------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        # sudo: numbers are the system's to give
        sequence = self.env["ir.sequence"].sudo()
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = sequence.next_by_code("ajw.whatsapp.batch") or "/"
        return super().create(vals_list)

    @api.model
    def _start(self, documents, templates, occasions, estimate, left_out=0):
        """Queue documents of one company together.

        :param documents: records of one document model and one company
        :param dict templates: ``{record_id: ajw.whatsapp.template}``
        :param dict occasions: ``{record_id: occasion}``, see ``_ajw_whatsapp_queue``
        :param Estimate estimate: what it will cost, see ``tools.cost``
        :param int left_out: documents that were selected and are not among these
        :return: the batch, empty when everything was on its way already, and
            ``{record_id: sentence}`` for what was not queued
        """
        documents._ajw_whatsapp_check_user("write")
        # sudo: users send batches, and none writes the record that says so
        batch = self.sudo().create(
            {
                "company_id": documents.company_id.id,
                "res_model": documents._name,
                **self._estimate_vals(estimate),
            }
        )
        messages, problems = documents._ajw_whatsapp_queue(templates, occasions, batch)
        # sudo: only to see which messages are new; others belong to whoever queued them first
        new = messages.sudo().filtered(lambda message: message.batch_id == batch)
        if not new:
            batch.unlink()
            return self.browse(), problems
        batch.left_out = left_out + len(documents) - len(new)
        return self.browse(batch.id), problems

    @api.model
    def _estimate_vals(self, estimate):
        vals = {"estimate_text": self._estimate_sentence(estimate)}
        if len(estimate.totals) == 1 and not estimate.unrated:
            [(currency, total)] = estimate.totals.items()
            vals["estimated_cost"] = float(total)
            vals["estimated_currency_id"] = (
                self.env["res.currency"]
                .with_context(active_test=False)
                .search([("name", "=", currency)], limit=1)
                .id
            )
        return vals

    @api.model
    def _estimate_sentence(self, estimate):
        """Return the totals per currency as one line of text; empty when there is none."""
        digits = 2 if all(total >= 1 for total in estimate.totals.values()) else 4
        return " + ".join(
            f"{formatLang(self.env, float(total), digits=digits)} {currency}"
            for currency, total in sorted(estimate.totals.items())
        )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def _check_user(self):
        if not self.env.user.has_group("ajw_whatsapp.group_user"):
            raise AccessError(
                self.env._("Only WhatsApp users can do this. Ask your administrator for access.")
            )
        self.check_access("read")

    def action_cancel(self):
        """Take what has not left yet out of the queue; what the sender holds follows at once.

        :raises UserError: nothing is left to cancel
        """
        self._check_user()
        for batch in self:
            mine = batch.create_uid == self.env.user
            if not mine and not self.env.user.has_group("ajw_whatsapp.group_manager"):
                raise AccessError(
                    self.env._("Only who started a batch, or a WhatsApp manager, can cancel it.")
                )
            if not batch.under_way:
                raise UserError(
                    self.env._("Nothing of %s is waiting any more.", batch.display_name)
                )
        # sudo: users have no right to write batches; who may is checked above
        batches = self.sudo()
        batches.cancel_requested = True
        engine = self.env["ajw.whatsapp.message"]._engine()
        engine.search(
            [("batch_id", "in", self.ids), ("state", "in", WAITING_STATES)]
        )._cancel_waiting()
        batches.message_ids.account_id._wake_sender()
        return True

    def _open(self):
        """Return the action that opens these batches."""
        action = {
            "type": "ir.actions.act_window",
            "name": self.env._("WhatsApp Batches"),
            "res_model": self._name,
            "target": "main",
        }
        if len(self) == 1:
            return {**action, "res_id": self.id, "views": [(False, "form")]}
        return {
            **action,
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", self.ids)],
        }

    def _open_messages(self, name, domain):
        self._check_user()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": "ajw.whatsapp.message",
            "view_mode": "list,kanban,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("batch_id", "in", self.ids), *domain],
            "context": {"create": False},
        }

    def action_open_messages(self):
        """Open all messages of the batch."""
        return self._open_messages(self.env._("Messages"), [])

    def action_open_failures(self):
        """Open the messages that a person has to look at."""
        return self._open_messages(
            self.env._("Not Delivered"), [("state", "in", ("failed", "refused", "uncertain"))]
        )

    def action_open_documents(self):
        """Open the documents of the batch."""
        self.ensure_one()
        self._check_user()
        # sudo: the list itself shows only what the user may see
        ids = self.sudo().message_ids.mapped("res_id")
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": self.res_model,
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
            "domain": [("id", "in", ids)],
            "context": {"create": False, "active_test": False},
        }
