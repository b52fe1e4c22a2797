from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.recipient import RecipientError, whatsapp_number

CHANNEL = "whatsapp"


class AjwWhatsappTestMessage(models.TransientModel):
    """A test message to oneself, through the gate and the outbox like any other.

    Whoever sends it agrees to it here: a consent for the template's purpose on the own number goes
    into the ledger, and can be withdrawn like any other. Nobody else can be written to: the number
    is the one of the own contact, and nobody else may hold it or have said no on it.
    """

    _name = "ajw.whatsapp.test.message"
    _description = "WhatsApp Test Message"

    _ajw_personal_data = {
        "number": {"category": "phone", "erase": "delete"},
        "partner_id": {"category": "link", "erase": "delete"},
    }

    account_id = fields.Many2one(
        "ajw.whatsapp.account", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="account_id.company_id")
    partner_id = fields.Many2one(
        "res.partner",
        string="To",
        required=True,
        readonly=True,
        default=lambda self: self.env.user.partner_id,
        ondelete="cascade",
    )
    template_ids = fields.Many2many(
        "ajw.whatsapp.template", string="Templates on offer", compute="_compute_template_ids"
    )
    template_id = fields.Many2one(
        "ajw.whatsapp.template",
        compute="_compute_template_id",
        store=True,
        readonly=False,
        domain="[('id', 'in', template_ids)]",
        ondelete="cascade",
        help="Its examples are filled in, and an example PDF is attached.",
    )
    preview = fields.Text(related="template_id.preview")
    number = fields.Char(
        string="Your WhatsApp number",
        compute="_compute_number",
        store=True,
        readonly=False,
        help="Your own number, with its country prefix. It is kept on your contact.",
    )
    purpose_id = fields.Many2one("ajw.consent.purpose", compute="_compute_purpose_id")
    has_consent = fields.Boolean(compute="_compute_has_consent")
    notice_id = fields.Many2one("ajw.consent.notice", compute="_compute_notice_id")
    notice_body = fields.Text(related="notice_id.body", string="Wording")
    agreed = fields.Boolean(string="I agree to get this message on my own number")
    problem = fields.Text(compute="_compute_problem")
    message_id = fields.Many2one("ajw.whatsapp.message", readonly=True, ondelete="cascade")
    message_state = fields.Selection(related="message_id.state")

    @api.depends("account_id")
    def _compute_template_ids(self):
        for wizard in self:
            wizard.template_ids = (
                wizard.account_id._testable_templates() if wizard.account_id else False
            )

    @api.depends("account_id")
    def _compute_template_id(self):
        for wizard in self:
            wizard.template_id = wizard.template_ids[:1]

    @api.depends("partner_id")
    def _compute_number(self):
        for wizard in self:
            wizard.number = wizard.partner_id._ajw_default_address(CHANNEL)

    @api.depends("template_id")
    def _compute_purpose_id(self):
        # Meta's own example template is for no purpose of ours.
        default = self.env.ref("ajw_consent.purpose_invoice")
        for wizard in self:
            wizard.purpose_id = wizard.template_id.purpose_id or default

    @api.depends("number", "purpose_id", "partner_id")
    def _compute_has_consent(self):
        for wizard in self:
            number = wizard._clean_number()
            wizard.has_consent = bool(number) and wizard._ask_gate(number).allowed

    @api.depends("account_id", "partner_id")
    def _compute_notice_id(self):
        for wizard in self:
            wizard.notice_id = self.env["ajw.consent.notice"]._get_published(
                wizard.account_id.company_id.ajw_consent_controller_id, wizard.partner_id.lang
            )

    @api.depends("account_id", "template_ids", "notice_id", "has_consent", "number")
    def _compute_problem(self):
        for wizard in self:
            wizard.problem = wizard._find_problem()

    def _find_problem(self):
        """Say what stands in the way of a test message; ``False`` when nothing does."""
        account = self.account_id
        if account.state == "draft":
            return self.env._("The account is not connected yet: check the token first.")
        if account.state == "stopped":
            return self.env._("The account is stopped: %s", account.stopped_reason or "")
        if not self.template_ids:
            return self.env._(
                "No template is approved yet. Synchronise the templates: Meta's example "
                "hello_world is approved from the start."
            )
        if not self.notice_id and not self.has_consent:
            return self.env._(
                "No consent notice is published, so nobody can agree to messages, not even you. A "
                "data protection officer publishes one under Consent Ledger › Notices."
            )
        number = self._clean_number()
        reason = number and account._foreign_number_reason(self.partner_id, number)
        return self._number_problem(reason) if reason else False

    def _number_problem(self, reason):
        """Say why the number may not get a test message, and what to do."""
        if reason == "suspended":
            return self.env._(
                "Another contact has this number too, so a test could reach somebody else. Enter "
                "a number that is yours alone, or have the other contact corrected."
            )
        if reason == "withdrawn":
            return self.env._(
                "Somebody answered STOP or refused messages on this number. Enter another one; "
                "only a new opt-in, recorded on the contact, opens this one again."
            )
        return self.env["ajw.consent.gate"]._reason_label(reason)

    def _clean_number(self):
        """Return the number in E.164, or ``None`` when it is none."""
        self.ensure_one()
        try:
            return whatsapp_number(self.number or "", self.partner_id.country_id.code)
        except RecipientError:
            return None

    def _ask_gate(self, number):
        key = (self.partner_id.id, number)
        controller = self.account_id.company_id.ajw_consent_controller_id
        return self.env["ajw.consent.gate"]._check(controller, self.purpose_id, CHANNEL, [key])[key]

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_send(self):
        """Record the consent where there is none, queue the message, and show what becomes of it.

        :raises UserError: says what is missing and what to do
        """
        self.ensure_one()
        self.account_id._check_manager()
        if self.partner_id != self.env.user.partner_id:
            raise UserError(self.env._("A test message goes to yourself only."))
        if problem := self._find_problem():
            raise UserError(problem)
        if self.template_id not in self.template_ids:
            raise UserError(self.env._("Choose one of the approved templates."))
        number = self._clean_number()
        if not number:
            raise UserError(
                self.env._(
                    "Enter your mobile number with its country prefix, like +91 98765 43210."
                )
            )
        allowed = self._ask_gate(number).allowed
        if not allowed and not self.agreed:
            raise UserError(
                self.env._("Tick that you agree: WhatsApp messages go only to who opted in.")
            )
        self._keep_number(number)
        if not allowed:
            self._record_consent(number)
        messages = self.env["ajw.whatsapp.message"]
        vals = self._message_vals(number)
        # sudo: whether this very dialog sent it already; then no second PDF is made
        sent = messages._engine()._find_active([messages._business_key(vals)])
        if not sent:
            self.message_id = messages._enqueue([vals | self._document_vals()])
        return self._reopen()

    def _keep_number(self, number):
        """Store the number on the own contact, where everybody sees who claimed it and when."""
        # sudo: of the contacts, this changes the user's own only
        partner = self.partner_id.sudo()
        if partner._ajw_default_address(CHANNEL) == number:
            return
        partner.ajw_whatsapp_number = number
        partner._message_log(
            body=self.env._(
                "The WhatsApp number was set for a test message of the account %s.",
                self.account_id.name,
            ),
            author_id=self.env.user.partner_id.id,
        )

    def _record_consent(self, number):
        """Record that the user agreed, as the back office records what anybody says."""
        record = self.env["ajw.consent.record"].create(
            {
                "partner_id": self.partner_id.id,
                "company_id": self.account_id.company_id.id,
                "decision": "given",
                "channel": CHANNEL,
                "address": number,
                "purpose_ids": self.purpose_id.ids,
                "method": "in_person",
                "notice_id": self.notice_id.id,
                "note": self.env._(
                    "Test message of the WhatsApp account %s: its manager agreed to a message to "
                    "the own number.",
                    self.account_id.name,
                ),
            }
        )
        record.action_record()

    def _message_vals(self, number):
        template, account = self.template_id, self.account_id
        return {
            "company_id": account.company_id.id,
            "account_id": account.id,
            "partner_id": self.partner_id.id,
            "number": number,
            "res_model": account._name,
            "res_id": account.id,
            "purpose_id": self.purpose_id.id,
            "occasion": f"test-{self.id}",  # pressing twice sends once
            "template_id": template.id,
            "language": template.language,
            "template_components": template._sample_components(),
            "body": template.preview,
        }

    def _document_vals(self):
        """Make the example PDF, where the template has one, and return what refers to it."""
        account = self.account_id
        if self.template_id.header_type != "document":
            return {}
        attachment = self.env["ir.attachment"].create(
            {
                "name": self.env._("Test.pdf"),
                "raw": account._sample_pdf(),
                "mimetype": "application/pdf",
                "res_model": account._name,
                "res_id": account.id,
            }
        )
        return {"attachment_id": attachment.id, "filename": attachment.name}

    def action_finish(self):
        """Close the set-up, once the message arrived."""
        self.ensure_one()
        self.account_id._check_manager()
        self.account_id.setup_step = "done"
        return {"type": "ir.actions.act_window_close", "infos": {"reload": True}}

    def _reopen(self):
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Test message to yourself"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }
