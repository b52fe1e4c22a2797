from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import clean_context

from ..models.selections import ARRIVED_STATES, ON_ITS_WAY_STATES


class AjwWhatsappComposer(models.TransientModel):
    """Shows what would be sent to whom and on which proof, and queues it.

    Everything shown is computed from the document. The browser chooses one thing, the template,
    and that only among those on offer; confirming computes all of it once more.
    """

    _name = "ajw.whatsapp.composer"
    _description = "Send via WhatsApp"

    _ajw_personal_data = {
        "res_id": {
            "category": "technical",
            "erase": "none",
            "reason": "points to the document, and the row lives for hours",
        }
    }

    res_model = fields.Selection(
        selection=lambda self: self._selection_res_model(), required=True, readonly=True
    )
    res_id = fields.Many2oneReference(model_field="res_model", required=True, readonly=True)
    template_id = fields.Many2one(
        "ajw.whatsapp.template",
        compute="_compute_template_id",
        store=True,
        readonly=False,
        domain="[('id', 'in', available_template_ids)]",
        ondelete="cascade",
    )
    available_template_ids = fields.Many2many("ajw.whatsapp.template", compute="_compute_plan")
    language = fields.Char(compute="_compute_language")
    document_name = fields.Char("Document", compute="_compute_plan")
    company_id = fields.Many2one("res.company", compute="_compute_plan")
    account_id = fields.Many2one("ajw.whatsapp.account", string="From", compute="_compute_plan")
    partner_id = fields.Many2one("res.partner", string="To", compute="_compute_plan")
    number = fields.Char(compute="_compute_plan")
    number_source = fields.Char(compute="_compute_plan")
    purpose_id = fields.Many2one("ajw.consent.purpose", compute="_compute_plan")
    problem = fields.Text(
        compute="_compute_plan", help="Why the document cannot be sent as things stand."
    )
    consent_status = fields.Selection(
        [("unknown", "Not asked"), ("allowed", "Agreed"), ("refused", "Not agreed")],
        compute="_compute_plan",
    )
    consent_reason = fields.Char(compute="_compute_plan")
    consent_event_id = fields.Many2one("ajw.consent.event", string="Proof", compute="_compute_plan")
    consent_occurred_at = fields.Datetime(related="consent_event_id.occurred_at")
    consent_kind = fields.Selection(related="consent_event_id.kind")
    consent_method = fields.Selection(related="consent_event_id.method")
    consent_notice_id = fields.Many2one(related="consent_event_id.notice_id")
    previous_message_ids = fields.Many2many("ajw.whatsapp.message", compute="_compute_previous")
    previous_count = fields.Integer(compute="_compute_previous")
    on_its_way = fields.Boolean(compute="_compute_previous")
    sent_before = fields.Integer(
        readonly=True,
        default=-1,
        help="How often the document had been sent when this was opened: pressing twice, in two "
        "windows even, sends once.",
    )
    last_sent_at = fields.Datetime("Sent last", compute="_compute_previous")
    networks = fields.Char(compute="_compute_networks")
    preview = fields.Json(compute="_compute_plan")

    @api.model
    def _selection_res_model(self):
        return [(model, self.env["ir.model"]._get(model).name) for model in self._document_models()]

    @api.model
    def _document_models(self):
        """Return the names of the models that can be sent by WhatsApp."""
        return self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models()

    @api.model_create_multi
    def create(self, vals_list):
        composers = super().create(vals_list)
        for composer in composers:
            # Never more than there are: a number made up would be an occasion made up.
            count = composer._document()._ajw_whatsapp_sent_before()[composer.res_id]
            seen = composer.sent_before
            composer.sent_before = min(seen, count) if seen >= 0 else count
        return composers

    def _document(self, operation="read"):
        """Return the document, if the user is a WhatsApp user who may do ``operation`` on it.

        :raises AccessError: the user may not
        :raises UserError: there is no such document
        """
        self.ensure_one()
        if self.res_model not in self._document_models():
            raise UserError(self.env._("This kind of record cannot be sent by WhatsApp."))
        # the dialog's default_* are about the composer, not about what is created from here
        # pylint: disable-next=context-overridden
        Document = self.env[self.res_model].with_context(clean_context(self.env.context))
        document = Document.browse(self.res_id).exists()
        if not document:
            raise UserError(self.env._("The document no longer exists."))
        document._ajw_whatsapp_check_user(operation)
        return document

    def _plan(self):
        """Return the document's plan with the chosen template."""
        document = self._document()
        templates = {document.id: self.template_id} if self.template_id else None
        return document._ajw_whatsapp_plan(templates)[document.id]

    @api.depends("res_model", "res_id")
    def _compute_template_id(self):
        for composer in self:
            document = composer._document()
            composer.template_id = document._ajw_whatsapp_plan()[document.id].template

    @api.depends("res_model", "res_id", "template_id")
    def _compute_plan(self):
        sources = {
            "ajw_whatsapp_number": self.env._("WhatsApp number of the contact"),
            "phone": self.env._("Phone number of the contact"),
        }
        for composer in self:
            document = composer._document()
            plan = composer._plan()
            composer.document_name = document.display_name
            composer.company_id = document.company_id
            composer.available_template_ids = plan.templates
            composer.account_id = plan.account
            composer.partner_id = plan.partner
            composer.number = plan.recipient and (plan.recipient.number or plan.recipient.raw)
            composer.number_source = plan.recipient and sources.get(plan.recipient.source)
            composer.purpose_id = plan.purpose
            composer.preview, problem = composer._preview(document, plan)
            composer.problem = plan.problem or problem
            composer.consent_status = (
                "unknown" if not plan.answer else "allowed" if plan.answer.allowed else "refused"
            )
            composer.consent_reason = (
                self.env["ajw.consent.gate"]._reason_label(plan.answer.reason)
                if plan.answer
                else False
            )
            composer.consent_event_id = plan.answer and plan.answer.event_id

    @api.depends("template_id")
    def _compute_language(self):
        names = {}
        for lang in self.env["res.lang"].with_context(active_test=False).search([]):
            names.setdefault(lang.iso_code, lang.name)
            names[lang.code] = lang.name
        for composer in self:
            code = composer.template_id.language
            composer.language = code and names.get(code, code)

    @api.depends("res_model", "res_id")
    def _compute_previous(self):
        for composer in self:
            document = composer._document()
            messages = self.env["ajw.whatsapp.message"].search(
                document._ajw_whatsapp_message_domain(), order="id desc", limit=5
            )
            composer.previous_message_ids = messages
            composer.previous_count = document.ajw_whatsapp_message_count
            composer.on_its_way = any(message.state in ON_ITS_WAY_STATES for message in messages)
            last = messages.filtered(lambda message: message.state in ARRIVED_STATES)[:1]
            composer.last_sent_at = last and (last.sent_at or last.accepted_at or last.create_date)

    @api.depends("res_model", "res_id")
    def _compute_networks(self):
        labels = dict(
            self.env["res.partner"]
            ._fields["invoice_sending_method"]
            ._description_selection(self.env)
        )
        for composer in self:
            methods = composer._document()._ajw_whatsapp_networks()
            composer.networks = ", ".join(labels[method] for method in methods)

    def _preview(self, document, plan):
        """Return what the preview shows, and what keeps the template from being filled in."""
        if not plan.template:
            return False, False
        rendered, problem = document._ajw_whatsapp_render(plan.template)
        if problem:
            return False, problem
        has_file = plan.template.header_type == "document"
        return {
            "business": plan.account.verified_name or document.company_id.name,
            "filename": document._ajw_whatsapp_filename() if has_file else "",
            "header": rendered.header_text or "",
            "body": rendered.body_text,
            "footer": rendered.footer_text or "",
            "buttons": [
                {"type": button["type"], "text": button["text"], "url": button.get("url") or ""}
                for button in rendered.buttons
            ],
        }, False

    def action_record_consent(self):
        """Open the form that records what the customer said, and come back here."""
        document = self._document()
        plan = self._plan()
        if not plan.partner:
            raise UserError(self.env._("The document has no customer."))
        action = plan.partner.ajw_action_record_consent()
        action["context"] = {
            **action["context"],
            "default_company_id": document.company_id.id,
            "default_channel": "whatsapp",
            "default_purpose_ids": plan.purpose.ids,
            "default_address": plan.recipient.number,
            "ajw_whatsapp_return_model": document._name,
            "ajw_whatsapp_return_id": document.id,
        }
        return action

    def action_send(self):
        """Queue the document and close.

        :raises UserError: it cannot be sent; says why, and nothing was queued or rendered
        """
        document = self._document("write")
        plan = self._plan()
        problem = plan.problem or document._ajw_whatsapp_render(plan.template)[1]
        if problem:
            raise UserError(problem)
        messages, problems = document._ajw_whatsapp_send(
            {document.id: plan.template},
            {document.id: document._ajw_whatsapp_occasion(self.sent_before)},
        )
        done = {"type": "ir.actions.act_window_close"}
        if problems:
            return self._notification("warning", "\n".join(problems.values()), done)
        if messages and all(message.state in ARRIVED_STATES for message in messages):
            return self._notification(
                "info",
                self.env._(
                    "%(name)s was sent already. Open this window anew to send it once more.",
                    name=document.display_name,
                ),
                done,
            )
        return self._notification(
            "success",
            self.env._("%(name)s is queued for WhatsApp.", name=document.display_name),
            done,
        )

    def _notification(self, kind, message, after):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": kind, "message": message, "next": after},
        }
