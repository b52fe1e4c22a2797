import logging

import psycopg2

from odoo import api, fields, models

from odoo.addons.ajw_consent.tools.address import AddressError, normalize_address

_logger = logging.getLogger(__name__)


class SmsSms(models.Model):
    """Text messages ask the gate, in the transaction that sends them."""

    _inherit = "sms.sms"

    _ajw_personal_data = {
        "ajw_gate_reason": {
            "category": "technical",
            "erase": "none",
            "reason": "Code of the gate's answer; names no person.",
        },
    }

    ajw_company_id = fields.Many2one(
        "res.company", "Consent Towards", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    ajw_purpose_id = fields.Many2one(
        "ajw.consent.purpose", "Consent Purpose", readonly=True, ondelete="set null"
    )
    ajw_gate_reason = fields.Char("Consent Answer", readonly=True, copy=False)
    ajw_gate_sentence = fields.Char("Why Not Sent", compute="_compute_ajw_gate_sentence")
    failure_type = fields.Selection(
        selection_add=[("ajw_consent", "No consent")], ondelete={"ajw_consent": "set null"}
    )

    @api.depends("ajw_gate_reason")
    @api.depends_context("lang")
    def _compute_ajw_gate_sentence(self):
        gate = self.env["ajw.consent.gate"]
        for sms in self:
            sms.ajw_gate_sentence = sms.ajw_gate_reason and gate._reason_label(sms.ajw_gate_reason)

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'sms': a scheduled action sends later, and no longer knows who asked for it
        messages = self.env["mail.message"].browse(
            vals["mail_message_id"] for vals in vals_list if vals.get("mail_message_id")
        )
        # sudo: only the company is read
        companies = {message.id: message.sudo().record_company_id for message in messages}
        for vals in vals_list:
            if not vals.get("ajw_company_id"):
                company = companies.get(vals.get("mail_message_id")) or self.env.company
                vals["ajw_company_id"] = company.id
            if not vals.get("ajw_purpose_id"):
                company = self.env["res.company"].browse(vals["ajw_company_id"])
                vals["ajw_purpose_id"] = (
                    self.env.context.get("ajw_consent_purpose_id") or company._ajw_sms_purpose().id
                )
        return super().create(vals_list)

    def send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        # EXTENDS 'sms': all are decided on before the first leaves. A batch that failed to lock
        # after another was sent would otherwise be rolled back with it, and sent twice.
        return super(SmsSms, self._ajw_ask_gate()).send(
            unlink_failed=unlink_failed, unlink_sent=unlink_sent, raise_exception=raise_exception
        )

    def _send(self, unlink_failed=False, unlink_sent=True, raise_exception=False):
        # EXTENDS 'sms': the scheduled action comes by here without passing send()
        allowed = self._ajw_ask_gate()
        if allowed:
            return super(SmsSms, allowed)._send(
                unlink_failed=unlink_failed,
                unlink_sent=unlink_sent,
                raise_exception=raise_exception,
            )
        return None

    # -- the gate --------------------------------------------------------------------------------

    def _ajw_ask_gate(self):
        """Cancel what must not be sent, and return the rest.

        When somebody said no while this transaction ran, nothing is sent now: the messages stay in
        the queue and are decided on again.

        :return: ``sms.sms`` that may be sent
        """
        if not self:
            return self
        try:
            with self.env.cr.savepoint():
                refusals = self._ajw_refusals()
        except psycopg2.errors.SerializationFailure:
            _logger.info("Text messages wait: consent changed at this moment")
            self.env.ref("sms.ir_cron_sms_scheduler_action")._trigger()
            return self.browse()
        by_reason = {}
        for sms_id, reason in refusals.items():
            by_reason.setdefault(reason, []).append(sms_id)
        for reason, ids in by_reason.items():
            self.browse(ids)._ajw_cancel(reason)
        allowed = self.filtered(lambda sms: sms.id not in refusals)
        if outdated := allowed.sudo().filtered("ajw_gate_reason"):
            outdated.ajw_gate_reason = False
        return allowed

    def _ajw_refusals(self):
        """Return id → reason code of those that must not be sent.

        The number of queries grows with the companies and purposes among them, not with their
        number.
        """
        refusals = {}
        # sudo: whoever sends a text message need not see the ledger
        queued = self.sudo().filtered(lambda sms: sms.state == "outgoing" and not sms.to_delete)
        groups = queued.grouped(
            lambda sms: (
                (sms.ajw_company_id or self.env.company).ajw_consent_controller_id,
                sms.ajw_purpose_id,
            )
        )
        for (controller, purpose), group in groups.items():
            purpose = purpose or controller._ajw_sms_purpose()
            answers = self.env["ajw.consent.gate"]._check_addresses(
                controller,
                purpose,
                "sms",
                {sms.id: (sms.partner_id.id, sms._ajw_number()) for sms in group},
                needs_opt_in=controller._ajw_sms_needs_opt_in(purpose),
                lock=True,
            )
            refusals |= {
                sms_id: answer.reason for sms_id, answer in answers.items() if not answer.allowed
            }
        return refusals

    def _ajw_number(self):
        """Return the number as the ledger writes it, or as it stands."""
        try:
            return normalize_address("sms", self.number, self.partner_id.country_id.code)
        except AddressError:
            return self.number or ""

    def _ajw_cancel(self, reason):
        failure_type = self._ajw_failure_type()
        # sudo: as core's own change of state; the sender need not own the notification
        messages = self.sudo()
        messages.write(
            {"state": "canceled", "failure_type": failure_type, "ajw_gate_reason": reason}
        )
        messages.sms_tracker_id._action_update_from_sms_state(
            "canceled",
            failure_type=failure_type,
            failure_reason=self.env["ajw.consent.gate"]._reason_label(reason),
        )
        messages.mail_message_id._notify_message_notification_update()
        _logger.info("%s text messages cancelled by the gate: %s", len(self), reason)

    @api.model
    def _ajw_failure_type(self):
        """Return a failure type that the statistics of mailings, if there are any, can hold too."""
        if "mailing.trace" in self.env:
            known = self.env["mailing.trace"]._fields["failure_type"].get_values(self.env)
            return "ajw_consent" if "ajw_consent" in known else "sms_optout"
        return "ajw_consent"
