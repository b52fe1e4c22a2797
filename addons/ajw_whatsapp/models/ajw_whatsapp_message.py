from odoo import api, fields, models
from odoo.orm.models import NO_ACCESS

from .selections import MESSAGE_STATES

#: Proof that a write comes from the outbox itself. A context sent over RPC is JSON and can never
#: hold this object.
ENGINE = object()
ENGINE_CONTEXT_KEY = "ajw_whatsapp_engine"

#: What only the outbox may decide, and the values anybody may create a row with.
ENGINE_FIELDS = {
    "direction": "outbound",
    "state": "queued",
    "refusal_reason": False,
    "error_code": 0,
    "error_message": False,
    "error_hint": False,
    "retry_at": False,
    "attempts": 0,
    "render_attempts": 0,
    "batch_id": False,
    "media_id": False,
    "media_tried_at": False,
    "wamid": False,
    "wa_id": False,
    "callback_ref": None,
    "consent_event_id": False,
    "accepted_at": False,
    "sent_at": False,
    "delivered_at": False,
    "read_at": False,
    "failed_at": False,
    "pricing_category": False,
    "pricing_billable": False,
    "inbound_type": False,
    "outcome_pending": False,
}

#: What an erasure may empty in a row that is otherwise the outbox's own.
ERASABLE_FIELDS = {"wamid", "wa_id", "media_id", "error_message"}


class AjwWhatsappMessage(models.Model):
    """One message to or from one number: the outbox, and the record of what became of it."""

    _name = "ajw.whatsapp.message"
    _description = "WhatsApp Message"
    _order = "id desc"
    _check_company_auto = True

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "clear"},
        "number": {"category": "phone", "erase": "clear"},
        # a wamid is base64 and holds the number
        "wamid": {"category": "identifier", "erase": "clear"},
        "wa_id": {"category": "phone", "erase": "clear"},
        "body": {"category": "free_text", "erase": "clear"},
        "template_components": {"category": "free_text", "erase": "clear"},
        "attachment_id": {"category": "file", "erase": "clear"},
        "filename": {"category": "file", "erase": "clear"},
        "media_id": {"category": "technical", "erase": "clear"},
        "error_message": {"category": "free_text", "erase": "clear"},
        "callback_ref": {
            "category": "technical",
            "erase": "none",
            "reason": "Random; names nobody.",
        },
        "res_id": {
            "category": "link",
            "erase": "keep",
            "role": "mention",
            "reason": "Points to the document, which has its own rules.",
        },
    }

    direction = fields.Selection(
        [("outbound", "Sent"), ("inbound", "Received")],
        required=True,
        default="outbound",
        readonly=True,
    )
    state = fields.Selection(
        MESSAGE_STATES,
        string="Status",
        required=True,
        default="queued",
        readonly=True,
        index=True,
        copy=False,
        help="PDF is being made: it is queued once its document is rendered.\n"
        "Uncertain: the connection broke before Meta answered. The message may have arrived, "
        "so it is never sent again by itself; a later report from Meta settles it.",
    )
    company_id = fields.Many2one("res.company", required=True, index=True, readonly=True)
    account_id = fields.Many2one(
        "ajw.whatsapp.account",
        string="WhatsApp account",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        readonly=True,
    )
    partner_id = fields.Many2one(
        "res.partner", string="Contact", index="btree_not_null", ondelete="set null", readonly=True
    )
    number = fields.Char(
        help="The number in international form, with a leading +.",
        index="btree_not_null",
        readonly=True,
    )
    res_model = fields.Char(string="Document model", readonly=True)
    res_id = fields.Many2oneReference(string="Document", model_field="res_model", readonly=True)
    purpose_id = fields.Many2one("ajw.consent.purpose", ondelete="restrict", readonly=True)
    occasion = fields.Char(
        default="send",
        readonly=True,
        help="What the message is sent for, when one document is sent for more than one thing.",
    )
    template_id = fields.Many2one(
        "ajw.whatsapp.template", ondelete="restrict", check_company=True, readonly=True
    )
    language = fields.Char(readonly=True, help="The language code as Meta writes it.")
    template_components = fields.Json(
        readonly=True,
        groups=NO_ACCESS,  # holds the link that opens the document without a password
        help="The values of the template's variables, as sent to Meta.",
    )
    body = fields.Text(
        readonly=True,
        help="What the person reads, or wrote. Emptied when it is no longer needed.",
    )
    attachment_id = fields.Many2one("ir.attachment", ondelete="set null", readonly=True)
    filename = fields.Char(readonly=True)
    media_id = fields.Char(readonly=True, copy=False, help="Meta's id of the uploaded document.")
    media_tried_at = fields.Datetime(
        readonly=True, copy=False, help="When Meta was last asked to delete the document."
    )
    inbound_type = fields.Char(
        string="Kind",
        readonly=True,
        help="What was received, in Meta's words: text, button, image…",
    )
    refusal_reason = fields.Char(readonly=True, copy=False, help="The consent gate's reason code.")
    refusal_label = fields.Char(compute="_compute_refusal_label", string="Reason")
    error_code = fields.Integer(
        readonly=True, copy=False, aggregator=None, help="Meta's error code; 0 for our own."
    )
    error_message = fields.Char(readonly=True, copy=False)
    error_hint = fields.Char(string="What to do", readonly=True, copy=False)
    retry_at = fields.Datetime(string="Next try", readonly=True, copy=False)
    attempts = fields.Integer(readonly=True, copy=False, aggregator=None)
    wamid = fields.Char(string="Meta's message id", readonly=True, copy=False)
    wa_id = fields.Char(
        string="WhatsApp's own number",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The recipient as WhatsApp knows him. In some countries it is written in another way "
        "than the number; a STOP comes from it.",
    )
    callback_ref = fields.Char(
        string="Our message id",
        readonly=True,
        copy=False,
        help="Travels with the message and comes back with every report on it.",
    )
    consent_event_id = fields.Many2one(
        "ajw.consent.event",
        string="Proof of consent",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The entry of the consent ledger this message was sent under.",
    )
    accepted_at = fields.Datetime(readonly=True, copy=False)
    sent_at = fields.Datetime(readonly=True, copy=False)
    delivered_at = fields.Datetime(readonly=True, copy=False)
    read_at = fields.Datetime(readonly=True, copy=False)
    failed_at = fields.Datetime(readonly=True, copy=False)
    pricing_category = fields.Char(readonly=True, copy=False)
    pricing_billable = fields.Boolean(readonly=True, copy=False)
    outcome_pending = fields.Boolean(
        readonly=True, copy=False, help="The document has not been told of the latest change yet."
    )

    # The business key: pressing twice, or twice at once, sends once. To send on purpose once more
    # is another occasion.
    _business_key_unique = models.UniqueIndex(
        "(company_id, res_model, res_id, purpose_id, number, occasion) WHERE direction = 'outbound'"
        " AND state NOT IN ('failed', 'refused', 'cancelled', 'received')",
        "This document is already on its way to this number, or arrived there.",
    )
    # An empty column would make every key different from every other.
    _business_key_complete = models.Constraint(
        "CHECK(direction <> 'outbound' OR state NOT IN ('preparing', 'queued', 'sending')"
        " OR (res_model IS NOT NULL AND res_id IS NOT NULL AND purpose_id IS NOT NULL"
        " AND number IS NOT NULL AND occasion IS NOT NULL))",
        "A message to be sent needs a document, a purpose, a number and an occasion.",
    )
    _callback_ref_unique = models.UniqueIndex("(callback_ref)", "The message id must be unique.")
    _wamid_unique = models.UniqueIndex(
        "(account_id, wamid) WHERE wamid IS NOT NULL", "Meta's message id must be unique."
    )
    # What may go now, what waits for its time and what is on the wire: each is found without
    # stepping over the others.
    _queue_index = models.Index("(account_id, id) WHERE state = 'queued' AND retry_at IS NULL")
    _answer_index = models.Index(
        "(account_id, id) WHERE state = 'queued' AND window_ends_at IS NOT NULL"
    )
    _later_index = models.Index(
        "(account_id, retry_at, id) WHERE state IN ('preparing', 'queued') AND retry_at IS NOT NULL"
    )
    _sending_index = models.Index("(account_id, id) WHERE state = 'sending'")
    _preparing_index = models.Index("(account_id, id) WHERE state = 'preparing'")
    _outcome_index = models.Index("(account_id, id) WHERE outcome_pending IS TRUE")
    _media_index = models.Index("(account_id, id) WHERE media_id IS NOT NULL")
    _document_index = models.Index("(res_model, res_id)")

    # ------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------

    @api.depends("refusal_reason")
    def _compute_refusal_label(self):
        labels = {
            code: self.env["ajw.consent.gate"]._reason_label(code)
            for code in set(self.mapped("refusal_reason"))
            if code
        }
        for message in self:
            message.refusal_label = labels.get(message.refusal_reason, False)

    @api.depends("number", "template_id", "direction")
    def _compute_display_name(self):
        for message in self:
            what = message.template_id.name or message.inbound_type or self.env._("message")
            arrow = "←" if message.direction == "inbound" else "→"
            message.display_name = f"{what} {arrow} {message.number or self.env._('erased number')}"
