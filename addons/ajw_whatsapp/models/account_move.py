from odoo import api, models
from odoo.exceptions import UserError

from .account_move_send import CollectedErrors
from .selections import ACTIVE_STATES, ON_ITS_WAY_STATES

#: An object cannot arrive by RPC: only our own sending keeps what is queued for other ways.
KEEP_QUEUED = object()


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "ajw.whatsapp.document.mixin"]

    @api.model
    def _ajw_whatsapp_purpose(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        return self.env.ref("ajw_consent.purpose_invoice")

    def _ajw_whatsapp_document_obstacle(self):
        # EXTENDS 'ajw.whatsapp.document.mixin'
        self.ensure_one()
        if not self.is_sale_document():
            return "kind", self.env._(
                "Only customer invoices and credit notes can be sent by WhatsApp."
            )
        if self.state == "cancel":
            return "cancelled_document", self.env._(
                "%(name)s is cancelled and is not sent.", name=self.display_name
            )
        if self.state != "posted":
            return "draft", self.env._("Confirm the invoice first: a draft is not sent.")
        return super()._ajw_whatsapp_document_obstacle()

    def _ajw_whatsapp_filename(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        self.ensure_one()
        return self.invoice_pdf_report_id.name or self._get_invoice_report_filename(
            report=self.env["account.move.send"]._get_default_pdf_report_id(self)
        )

    def _ajw_whatsapp_attachments(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # the legal PDF and nothing else: a pro forma is no invoice
        return {move.id: move.invoice_pdf_report_id for move in self if move.invoice_pdf_report_id}

    def _ajw_whatsapp_ready_files(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # an e-invoice that was not sent to its network yet, or is queued for it, goes there first
        send = self.env["account.move.send"]
        return {
            move.id: move.invoice_pdf_report_id
            for move in self
            if move.invoice_pdf_report_id
            and not move.sending_data
            and not move._ajw_whatsapp_networks()
            and not send._get_default_extra_edis(move)
        }

    def _ajw_whatsapp_being_sent(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        queued = self.filtered("sending_data")
        if not queued:
            return queued
        # sudo: the state of a scheduled action is the scheduler's own
        cron = self.env.ref("account.ir_cron_account_move_send", raise_if_not_found=False)
        # where nothing goes on, what is queued stays so, see `write`
        return queued if cron and cron.sudo().active else self.browse()

    def _ajw_whatsapp_send_otherwise(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # sudo: triggers are the scheduler's own
        self.env.ref("account.ir_cron_account_move_send").sudo()._trigger()

    def write(self, vals):
        # EXTENDS 'account': the core forgets what was queued for email once it has sent an invoice
        # in whatever way; the email would never leave
        if (
            self.env.context.get("ajw_whatsapp_keep_queued") is KEEP_QUEUED
            and "sending_data" in vals
            and not vals["sending_data"]
        ):
            vals = {name: value for name, value in vals.items() if name != "sending_data"}
            if not vals:
                return True
        return super().write(vals)

    def _ajw_whatsapp_make_files(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # Through the core: e-invoicing comes first, and the PDF is the legal one. What is queued
        # already must not be queued once more, so WhatsApp is none of the sending methods here.
        errors = CollectedErrors()
        send = self.env["account.move.send"].with_context(ajw_whatsapp_errors=errors)
        kept = self.with_context(ajw_whatsapp_keep_queued=KEEP_QUEUED)
        for networks, moves in kept.grouped(
            lambda move: tuple(move._ajw_whatsapp_networks())
        ).items():
            send._generate_and_send_invoices(
                moves, allow_raising=False, sending_methods=list(networks)
            )
        self.invalidate_recordset(["invoice_pdf_report_id"])
        files = {
            res_id: attachment
            for res_id, attachment in self._ajw_whatsapp_attachments().items()
            if res_id not in errors.by_move
        }
        return files, errors.by_move

    @api.model
    def _ajw_whatsapp_disposable_files(self, attachments):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # The legal PDF stays on record, also when the invoice was taken back meanwhile and its PDF
        # hangs on no field any more.
        return attachments.browse()

    def _ajw_whatsapp_is_current_file(self, attachment):
        # OVERRIDE 'ajw.whatsapp.document.mixin': a corrected invoice has another PDF
        self.ensure_one()
        return attachment == self.invoice_pdf_report_id

    def button_draft(self):
        # EXTENDS 'account'
        result = super().button_draft()
        self._ajw_whatsapp_cancel_queued()
        return result

    def button_cancel(self):
        # EXTENDS 'account'
        result = super().button_cancel()
        self._ajw_whatsapp_cancel_queued()
        return result

    def _ajw_whatsapp_responsible(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        return self.invoice_user_id

    def _ajw_whatsapp_send(self, templates=None, occasions=None):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        # Through the core, so that e-invoicing comes first and the PDF is the legal one; the
        # outbox is filled in `account.move.send._hook_if_success`.
        _texts, problems = self._ajw_whatsapp_texts(templates)
        if len(self) == 1 and problems:
            raise UserError(problems[self.id])
        Message = self.env["ajw.whatsapp.message"]
        counts = self._ajw_whatsapp_sent_before()
        occasions = {
            move.id: (occasions or {}).get(move.id) or self._ajw_whatsapp_occasion(counts[move.id])
            for move in self
        }
        before = Message.search(self._ajw_whatsapp_message_domain(), order="id desc", limit=1).id
        kept = self.with_context(ajw_whatsapp_keep_queued=KEEP_QUEUED)
        for move in kept.filtered(lambda m: m.id not in problems):
            self.env["account.move.send"]._generate_and_send_invoices(
                move,
                sending_methods=[*move._ajw_whatsapp_networks(), "ajw_whatsapp"],
                ajw_whatsapp_template=(templates or {}).get(move.id),
                ajw_whatsapp_occasion=occasions[move.id],
            )
        active = Message.search(
            [
                *self._ajw_whatsapp_message_domain(),
                "|",
                ("id", ">", before or 0),
                ("state", "in", ACTIVE_STATES),
            ]
        ).filtered(
            lambda message: (
                message.id > (before or 0)
                or message.state in ON_ITS_WAY_STATES
                or message.occasion == occasions[message.res_id]
            )
        )
        lost = self.browse(set(self.ids) - set(active.mapped("res_id")) - set(problems))
        waits = self.env["account.move.send"]._ajw_whatsapp_waits_for_commit
        for move in lost.filtered(lambda move: not waits(move)):
            problems[move.id] = self.env._(
                "The invoice was prepared but not queued for WhatsApp. The reason is on the "
                "invoice as an activity."
            )
        return active, problems

    def _ajw_whatsapp_networks(self):
        # OVERRIDE 'ajw.whatsapp.document.mixin'
        self.ensure_one()
        send = self.env["account.move.send"]
        others = send._get_default_sending_methods(self) - {
            "ajw_whatsapp",
            "email",
            "manual",
            "snailmail",
        }
        return sorted(method for method in others if send._is_applicable_to_move(method, self))
