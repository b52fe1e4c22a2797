from collections import defaultdict

from odoo import models

from ..tools.plan import SendPlan, pick_language
from .selections import SENDABLE_STATUSES

CHANNEL = "whatsapp"


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """Who gets a document, in which template, and whether that is allowed."""

    _inherit = "ajw.whatsapp.document.mixin"

    def _ajw_whatsapp_templates(self, accounts):
        """Return the templates this kind of document may be sent with, by account.

        Marketing templates are left out even if Meta approved them: a consent for invoices does
        not cover advertising, and Meta may move a template to that category by itself.
        """
        templates = self.env["ajw.whatsapp.template"].search(
            [
                ("account_id", "in", accounts.ids),
                ("model", "=", self._name),
                ("purpose_id", "=", self._ajw_whatsapp_purpose().id),
                ("status", "in", SENDABLE_STATUSES),
                ("category", "=", "UTILITY"),
            ]
        )
        return templates.grouped("account_id")

    def _ajw_whatsapp_plan(self, templates=None):
        """Say for each document whether and how it can be sent now. Changes nothing.

        :param dict templates: ``{record_id: ajw.whatsapp.template}`` chosen by the user; where
            there is none, the approved one closest to the customer's language is taken
        :return: ``{record_id: SendPlan}``
        :rtype: dict[int, odoo.addons.ajw_whatsapp.tools.plan.SendPlan]
        """
        if not self:
            return {}
        purpose = self._ajw_whatsapp_purpose()
        Account = self.env["ajw.whatsapp.account"]
        accounts = {company: Account._get_default(company) for company in self.company_id}
        by_account = self._ajw_whatsapp_templates(Account.concat(*accounts.values()))
        recipients = self.partner_id._ajw_whatsapp_recipients()

        plans = {}
        to_ask = defaultdict(list)
        for record in self:
            account = accounts.get(record.company_id, Account)
            offered = by_account.get(account, self.env["ajw.whatsapp.template"])
            plan = SendPlan(
                partner=record.partner_id,
                recipient=recipients.get(record.partner_id.id),
                purpose=purpose,
                account=account,
                templates=offered,
                template=record._ajw_whatsapp_choose_template(offered, templates),
                answer=None,
                refusal="",
                problem="",
            )
            code, problem = record._ajw_whatsapp_obstacle(plan)
            plan = plan._replace(problem=problem, code=code)
            plans[record.id] = plan
            if plan.recipient and plan.recipient.number:
                to_ask[record.company_id.ajw_consent_controller_id].append(record)

        for controller, records in to_ask.items():
            self._ajw_whatsapp_ask_gate(controller, records, plans)
        return plans

    def _ajw_whatsapp_choose_template(self, offered, chosen):
        self.ensure_one()
        if chosen and self.id in chosen:
            # what the browser names is taken only if it is one of those on offer
            return chosen[self.id] & offered
        language = pick_language(offered.mapped("language"), self.partner_id.lang)
        return offered.filtered(lambda template: template.language == language)[:1]

    def _ajw_whatsapp_obstacle(self, plan):
        """Say what, apart from consent, stands in the way.

        :return: a code and a sentence, or ``("", "")`` when nothing does
        :rtype: tuple[str, str]
        """
        self.ensure_one()
        code, problem = self._ajw_whatsapp_document_obstacle()
        if code:
            return code, problem
        if not plan.account:
            return "no_account", self.env._(
                "%(company)s has no connected WhatsApp account. Ask a WhatsApp manager to connect "
                "one under WhatsApp / Configuration / Accounts.",
                company=self.company_id.display_name,
            )
        if plan.account.state == "stopped":
            return "account_stopped", self.env._(
                "The WhatsApp account %(account)s is stopped: %(reason)s",
                account=plan.account.display_name,
                reason=plan.account.stopped_reason or self.env._("no reason given"),
            )
        # sudo: whoever sends may know whether the sender is at work
        if not plan.account.sudo().cron_id.active:
            return "sender_off", self.env._(
                "The scheduled action that sends for the WhatsApp account %(account)s is switched "
                "off. Ask an administrator to switch it on under Settings / Technical / Scheduled "
                "Actions.",
                account=plan.account.display_name,
            )
        if not plan.partner:
            return "no_partner", self.env._("The document has no customer.")
        if problem := plan.partner._ajw_whatsapp_number_problem(plan.recipient):
            return f"number_{plan.recipient.error}", problem
        if not plan.templates:
            return "no_template", self.env._(
                "No approved template for this document. A WhatsApp manager can create one and "
                "have it approved by Meta under WhatsApp / Configuration / Templates."
            )
        if not plan.template:
            return "other_template", self.env._(
                "This template cannot be used for this document: choose one of the approved ones."
            )
        return "", ""

    def _ajw_whatsapp_ask_gate(self, controller, records, plans):
        gate = self.env["ajw.consent.gate"]
        answers = gate._check(
            controller,
            self._ajw_whatsapp_purpose(),
            CHANNEL,
            [(r.partner_id.id, plans[r.id].recipient.number) for r in records],
        )
        for record in records:
            plan = plans[record.id]
            answer = answers[record.partner_id.id, plan.recipient.number]
            refusal = "" if answer.allowed else answer.reason
            problem = plan.problem or (gate._reason_label(answer.reason) if refusal else "")
            plans[record.id] = plan._replace(
                answer=answer, refusal=refusal, problem=problem, code=plan.code or refusal
            )
