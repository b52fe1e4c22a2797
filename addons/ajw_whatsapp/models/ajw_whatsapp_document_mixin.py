from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.plan import SendPlan, pick_language
from .selections import ARRIVED_STATES, SENDABLE_STATUSES

CHANNEL = "whatsapp"
ACTIVITY_TYPE = "ajw_whatsapp.mail_activity_type_not_sent"
#: Outcomes after which a person has to do something.
LOST_STATES = ("refused", "failed")


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """What an invoice and an order share: who gets it, whether they may, what became of it.

    A model that inherits this also has ``partner_id``, ``company_id`` and ``mail.activity.mixin``.
    """

    _name = "ajw.whatsapp.document.mixin"
    _description = "Document Sent by WhatsApp"

    ajw_whatsapp_state = fields.Selection(
        selection=lambda self: self._selection_ajw_whatsapp_state(),
        string="WhatsApp",
        compute="_compute_ajw_whatsapp_state",
        search="_search_ajw_whatsapp_state",
        groups="ajw_whatsapp.group_user",
        help="What became of the last WhatsApp message of this document.",
    )
    ajw_whatsapp_message_count = fields.Integer(
        string="WhatsApp Messages",
        compute="_compute_ajw_whatsapp_state",
        groups="ajw_whatsapp.group_user",
    )

    @api.model
    def _selection_ajw_whatsapp_state(self):
        states = self.env["ajw.whatsapp.message"]._fields["state"]._description_selection(self.env)
        return [state for state in states if state[0] != "received"]

    def _compute_ajw_whatsapp_state(self):
        # sudo: how a document fared is shown to whoever may read the document
        Message = self.env["ajw.whatsapp.message"].sudo()
        latest = {
            res_id: (Message.browse(message_id), count)
            for res_id, message_id, count in Message._read_group(
                self._ajw_whatsapp_message_domain(), ["res_id"], ["id:max", "__count"]
            )
        }
        Message.browse([message.id for message, _count in latest.values()]).fetch(["state"])
        for record in self:
            message, count = latest.get(record.id, (Message, 0))
            record.ajw_whatsapp_state = message.state
            record.ajw_whatsapp_message_count = count

    @api.model
    def _search_ajw_whatsapp_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        states = [state for state in value if state]
        domain = Domain.FALSE
        if states:
            domain |= Domain("id", "in", self._ajw_whatsapp_with_state(states))
        if False in value:
            domain |= Domain("id", "not in", self._ajw_whatsapp_with_state(None))
        return domain

    def _ajw_whatsapp_with_state(self, states):
        """Return the sub-query of documents whose last message is in one of ``states``.

        :param states: message states; ``None`` for any
        """
        domain = Domain([("res_model", "=", self._name), ("direction", "=", "outbound")])
        if states:
            domain &= Domain("state", "in", states)
        # the rules of the document decide who finds it, not those of its messages
        query = self.env["ajw.whatsapp.message"]._search(domain, bypass_access=True)
        message = SQL.identifier(query.table)
        if states:
            # "the last one" cannot be said in a domain
            query.add_where(
                SQL(
                    """NOT EXISTS (
                        SELECT 1 FROM %(table)s newer
                         WHERE newer.res_model = %(message)s.res_model
                           AND newer.res_id = %(message)s.res_id
                           AND newer.direction = 'outbound'
                           AND newer.id > %(message)s.id
                    )""",
                    table=SQL.identifier(self.env["ajw.whatsapp.message"]._table),
                    message=message,
                )
            )
        return query.subselect(SQL.identifier(query.table, "res_id"))

    @api.model
    def _ajw_whatsapp_models(self):
        """Return the names of the models that can be sent by WhatsApp."""
        mixin = self.env.registry["ajw.whatsapp.document.mixin"]
        return sorted(
            name
            for name, model in self.env.registry.items()
            if issubclass(model, mixin) and not model._abstract
        )

    # -- to be said by each document ---------------------------------------------------------------

    @api.model
    def _ajw_whatsapp_purpose(self):
        """Return the purpose (``ajw.consent.purpose``) a customer must have agreed to."""
        raise NotImplementedError

    def _ajw_whatsapp_document_obstacle(self):
        """Say why this document, as it stands, is not to be sent.

        :return: a code and a sentence, or ``("", "")`` when it may be sent
        :rtype: tuple[str, str]
        """
        self.ensure_one()
        return "", ""

    def _ajw_whatsapp_document_problem(self):
        """Say why this document, as it stands, is not to be sent; empty when it may be."""
        return self._ajw_whatsapp_document_obstacle()[1]

    def _ajw_whatsapp_filename(self):
        """Return the name the customer sees on the PDF, with its extension."""
        raise NotImplementedError

    def _ajw_whatsapp_attachments(self):
        """Return the PDF of each document, rendered together.

        :return: ``{record_id: ir.attachment}``; a document that has none is left out
        """
        raise NotImplementedError

    def _ajw_whatsapp_ready_files(self):
        """Return the PDFs that can be sent as they are, without rendering or e-invoicing.

        :return: ``{record_id: ir.attachment}``
        """
        return {}

    def _ajw_whatsapp_being_sent(self):
        """Return the documents that are queued for other ways, which come first."""
        return self.browse()

    def _ajw_whatsapp_send_otherwise(self):
        """Have the other ways that these documents are queued for go on."""

    def _ajw_whatsapp_make_files(self):
        """Render the documents together, after what has to come first. May commit.

        :return: ``{record_id: ir.attachment}``, and ``{record_id: sentence}`` for what failed
        :raises Exception: rendering them together failed; alone some of them may still succeed
        """
        return self._ajw_whatsapp_attachments(), {}

    @api.model
    def _ajw_whatsapp_disposable_files(self, attachments):
        """Return those of some rendered PDFs that nobody needs when they are not sent."""
        return attachments

    def _ajw_whatsapp_is_current_file(self, attachment):
        """Tell whether a file that was queued is still the one to send for this document."""
        self.ensure_one()
        return (attachment.res_model, attachment.res_id) == (self._name, self.id)

    def _ajw_whatsapp_responsible(self):
        """Return the user who is told when the document could not be delivered."""
        self.ensure_one()
        return self.env["res.users"]

    def _ajw_whatsapp_networks(self):
        """Return the e-invoicing networks (sending methods of ``account.move.send``) that this
        customer's documents go through, and which therefore come before WhatsApp."""
        return []

    def _ajw_whatsapp_send(self, templates=None, occasions=None):
        """Queue the documents, on the way that is right for their kind.

        :param dict templates: ``{record_id: ajw.whatsapp.template}`` chosen by the user
        :param dict occasions: see :meth:`_ajw_whatsapp_queue`
        :return: see :meth:`_ajw_whatsapp_queue`
        """
        return self._ajw_whatsapp_queue(templates, occasions)

    # -- planning ----------------------------------------------------------------------------------

    def _ajw_whatsapp_message_domain(self):
        return [
            ("res_model", "=", self._name),
            ("res_id", "in", self.ids),
            ("direction", "=", "outbound"),
        ]

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

    # -- outcome -----------------------------------------------------------------------------------

    def _ajw_whatsapp_outcome(self, messages):
        """Show on the documents what became of their messages.

        Called by the outbox and the webhook after a change of state, also as superuser.

        :param messages: ``ajw.whatsapp.message`` records of documents in ``self``
        """
        ids = set(self.ids)
        for message in messages.filtered(lambda m: m.direction == "outbound"):
            if message.res_id not in ids:
                continue
            record = self.browse(message.res_id).with_prefetch(self._prefetch_ids)
            if message.state in LOST_STATES:
                record._ajw_whatsapp_complain(message._ajw_outcome_text(), message.create_uid)
            elif message.state in ARRIVED_STATES:  # an earlier complaint is pointless now
                record.activity_unlink([ACTIVITY_TYPE])
        messages.mail_message_id._ajw_whatsapp_push()

    def _ajw_whatsapp_complain(self, reason, user=None):
        """Raise an activity that says why the document did not reach the customer.

        :param str reason: for the user; never a name or number, because a finished activity stays
            in the chatter
        :param res.users user: who sent it
        """
        self.ensure_one()
        for candidate in (user, self._ajw_whatsapp_responsible(), self.env.user):
            if candidate and candidate._is_internal() and candidate.active:
                break
        self.activity_unlink([ACTIVITY_TYPE])
        self.with_context(lang=candidate.lang).activity_schedule(
            ACTIVITY_TYPE,
            note=reason,
            user_id=candidate.id,
        )

    # -- actions -----------------------------------------------------------------------------------

    def _ajw_whatsapp_check_user(self, operation):
        """Let only WhatsApp users who may do ``operation`` on the documents go on.

        :raises AccessError: a portal user, for one, may read a document but not send it
        """
        if not self.env.user.has_group("ajw_whatsapp.group_user"):
            raise AccessError(
                self.env._("Only WhatsApp users can do this. Ask your administrator for access.")
            )
        self.check_access(operation)

    def action_ajw_whatsapp_compose(self):
        """Open the composer for one document."""
        self._ajw_whatsapp_check_user("write")
        self.ensure_one()
        if problem := self._ajw_whatsapp_document_problem():
            raise UserError(problem)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send via WhatsApp"),
            "res_model": "ajw.whatsapp.composer",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_res_model": self._name,
                "default_res_id": self.id,
                "default_sent_before": self._ajw_whatsapp_sent_before()[self.id],
            },
        }

    def action_ajw_whatsapp_messages(self):
        """Open the messages of the documents."""
        self._ajw_whatsapp_check_user("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("WhatsApp Messages"),
            "res_model": "ajw.whatsapp.message",
            "view_mode": "list,form",
            "domain": self._ajw_whatsapp_message_domain(),
            "context": {"create": False},
        }
