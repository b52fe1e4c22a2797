import logging
import re
import traceback
import uuid
import zlib
from collections import defaultdict

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.fields import Domain
from odoo.orm.models import NO_ACCESS
from odoo.tools import SQL

from .selections import ACTIVE_STATES, MESSAGE_STATES, STATE_RANK, WAITING_STATES

_logger = logging.getLogger(__name__)

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

#: First key, and number, of the locks that keep two transactions from queueing one message.
_RESERVATION_LOCK_CLASS = 0x616A7732
_RESERVATIONS = 64

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

REPORT_TIMES = {
    "accepted": "accepted_at",
    "sent": "sent_at",
    "delivered": "delivered_at",
    "read": "read_at",
    "failed": "failed_at",
}


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
    _queue_index = models.Index("(account_id, id) WHERE state IN ('queued', 'sending')")
    _preparing_index = models.Index("(account_id, id) WHERE state = 'preparing'")
    _outcome_index = models.Index("(account_id, id) WHERE outcome_pending")
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

    # ------------------------------------------------------------------
    # Access: a message is as private as the document it is about
    # ------------------------------------------------------------------

    def _sees_all_messages(self):
        return self.env.user.has_group("ajw_whatsapp.group_manager")

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        # EXTENDS the ORM: leave out what :meth:`_check_access` would not let be read
        if not (self.env.su or bypass_access or self._sees_all_messages()):
            visible = Domain.FALSE
            for res_model in self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models():
                documents = self.env[res_model].with_context(active_test=False)
                if documents.has_access("read"):
                    visible |= Domain("res_model", "=", res_model) & Domain(
                        "res_id", "in", documents._search(Domain.TRUE)
                    )
            domain = Domain(domain) & visible
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    def _check_access(self, operation):
        # EXTENDS the ORM: who may not read the document may not read what was sent about it
        result = super()._check_access(operation)
        if not self or self._sees_all_messages():
            return result
        forbidden, error = result or (self.browse(), None)
        # sudo: only to learn which documents to ask
        for res_model, messages in (self - forbidden).sudo().grouped("res_model").items():
            readable = set()
            if res_model in self.env:
                documents = self.env[res_model].browse(set(messages.mapped("res_id")) - {0})
                readable = set(documents.exists()._filtered_access("read").ids)
            forbidden |= self.browse(m.id for m in messages if m.res_id not in readable)
        if not forbidden:
            return None
        return forbidden, error or (
            lambda: AccessError(
                self.env._("You may read a WhatsApp message only if you may read its document.")
            )
        )

    # ------------------------------------------------------------------
    # CRUD: what is on record here cannot be forged
    # ------------------------------------------------------------------

    @property
    def _is_engine(self):
        return self.env.context.get(ENGINE_CONTEXT_KEY) is ENGINE

    def _engine(self):
        """Return the records with the right to write what only the outbox decides."""
        # sudo: nobody's role includes writing the outbox; the engine acts for whoever pressed the
        # button
        return self.sudo().with_context(**{ENGINE_CONTEXT_KEY: ENGINE})

    @api.model_create_multi
    def create(self, vals_list):
        if not self._is_engine:
            self._check_not_forged(vals_list)
        # Said explicitly, so that neither the context nor a user-defined default says otherwise.
        start = {name: value for name, value in ENGINE_FIELDS.items() if name != "callback_ref"}
        start["occasion"] = "send"
        vals_list = [start | {"callback_ref": str(uuid.uuid4())} | vals for vals in vals_list]
        for vals in vals_list:
            if vals["direction"] == "outbound":
                self._check_sendable(vals)
        messages = super().create(vals_list)
        if not self._is_engine:
            messages._check_may_send()
        return messages

    def write(self, vals):
        if not self._is_engine:
            protected = {
                name
                for name in vals
                if name in ENGINE_FIELDS
                and not (name in ERASABLE_FIELDS and self.env.su and not vals[name])
            }
            if protected:
                raise AccessError(
                    self.env._(
                        "Only the outbox itself may change %s of a WhatsApp message.",
                        ", ".join(sorted(protected)),
                    )
                )
        return super().write(vals)

    @api.model
    def _check_not_forged(self, vals_list):
        """Refuse rows that claim to have gone through the outbox.

        :raises AccessError: a value differs from the one a new row starts with
        """
        for vals in vals_list:
            forged = sorted(
                name
                for name in vals.keys() & ENGINE_FIELDS.keys()
                if (vals[name] or False) != (ENGINE_FIELDS[name] or False)
            )
            if forged:
                raise AccessError(
                    self.env._(
                        "A WhatsApp message starts queued. Only the outbox itself sets %s.",
                        ", ".join(forged),
                    )
                )

    def _check_may_send(self):
        """Check that the user may read what the new rows would send.

        :raises AccessError: the document, the file or the contact is not the user's to read
        """
        if self.env.su:
            return
        self.attachment_id.check_access("read")
        self.partner_id.check_access("read")
        for res_model, messages in self.grouped("res_model").items():
            self.env[res_model].browse(messages.mapped("res_id")).check_access("read")

    @api.model
    def _check_sendable(self, vals):
        """Check that a new outbound row holds what sending needs.

        :raises ValidationError: says what is missing
        """
        number = vals.get("number")
        if not isinstance(number, str) or not _E164.fullmatch(number):
            raise ValidationError(
                self.env._("The number must be in international form: + and digits only.")
            )
        if not vals.get("template_id"):
            raise ValidationError(
                self.env._("A message that the business starts needs a template.")
            )
        if not vals.get("purpose_id") or not vals.get("res_id"):
            raise ValidationError(
                self.env._("A WhatsApp message needs a purpose and the document it is about.")
            )
        if vals.get("res_model") not in self.env:
            raise ValidationError(
                self.env._(
                    "A WhatsApp message needs a document: %s is unknown.", vals.get("res_model")
                )
            )
        components = vals.get("template_components") or []
        if not isinstance(components, list) or not all(isinstance(c, dict) for c in components):
            raise ValidationError(
                self.env._("The variables' values must be a list of Meta's components.")
            )

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_cancel(self):
        """Take queued messages out of the queue.

        :raises UserError: one is on its way already
        """
        self.check_access("read")
        engine = self._engine()
        # The sender holds the rows while it claims them: whoever gets the lock first decides.
        if any(m.state not in WAITING_STATES for m in engine._lock_waiting()):
            raise UserError(self.env._("Only messages that are still queued can be cancelled."))
        engine._set_state("cancelled")
        engine._document_outcome()
        return True

    def action_retry(self):
        """Queue again what failed, was refused or stayed uncertain.

        Each becomes a new message that meets the gate anew; the old one stays on record. An invoice
        or order is planned anew, with its number, PDF and template of today. A message whose
        outcome is unknown is closed as failed, and a late report still corrects it.

        :raises UserError: nothing to send again, or its text was emptied meanwhile
        """
        self.check_access("read")
        engine = self._engine()
        document_models = self.env["ajw.whatsapp.document.mixin"]._ajw_whatsapp_models()
        planned = engine.filtered(lambda m: m.res_model in document_models)
        vals_list = []
        for message in engine:
            if message.direction != "outbound" or message.state not in (
                "failed",
                "refused",
                "uncertain",
                "cancelled",
            ):
                raise UserError(self.env._("Only messages that did not go out can be sent again."))
            if message in planned:
                continue
            if not message.number or not message.body:
                raise UserError(
                    self.env._(
                        "The content of this message was erased. Open the document and send it "
                        "again."
                    )
                )
            vals_list.append(
                {
                    name: engine._fields[name].convert_to_write(message[name], message)
                    for name in (
                        "company_id",
                        "account_id",
                        "partner_id",
                        "number",
                        "res_model",
                        "res_id",
                        "purpose_id",
                        "occasion",
                        "template_id",
                        "language",
                        "template_components",
                        "body",
                        "attachment_id",
                        "filename",
                    )
                }
            )
        uncertain = engine.filtered(lambda m: m.state == "uncertain")
        uncertain._set_state(
            "failed",
            error_message=self.env._("It was never learnt whether this message arrived."),
            error_hint=self.env._("%s sent it again.", self.env.user.name),
        )
        self._enqueue(vals_list)
        planned.with_env(self.env)._retry_documents()
        return True

    def action_open_document(self):
        """Open the document the message is about."""
        self.ensure_one()
        if not self.res_model or not self.res_id:
            raise UserError(self.env._("This message belongs to no document."))
        return {
            "type": "ir.actions.act_window",
            "res_model": self.res_model,
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    # ------------------------------------------------------------------
    # Queueing
    # ------------------------------------------------------------------

    @api.model
    def _enqueue(self, vals_list):
        """Queue messages, each once, and wake the senders after the commit.

        :param list[dict] vals_list: per message ``company_id``, ``account_id``, ``partner_id``,
            ``number`` (E.164 with +), ``res_model``, ``res_id``, ``purpose_id``, ``template_id``,
            ``language``, ``template_components``, ``body``, optionally ``attachment_id``,
            ``filename`` and ``occasion`` (default ``send``)
        :return: the queued messages, in the order asked for; where the same message is on its way
            already, that one
        :raises ConcurrencyError: another transaction queued the same message this moment. Odoo then
            runs the request again, and it finds that message.
        :raises AccessError: the user may not read the document, the file or the contact
        """
        if not vals_list:
            return self.browse()
        engine = self._engine()
        # The engine right must not leak into the records the caller goes on with.
        keys = [self._business_key(vals) for vals in vals_list]
        found = engine._find_active(keys)
        missing = {key: vals for key, vals in zip(keys, vals_list, strict=True) if key not in found}
        if missing:
            engine._cancel_orphans(missing)
            self._reserve(missing)
            created = engine.create(list(missing.values()))
            created.with_env(self.env)._check_may_send()
            found.update(zip(missing, created, strict=True))
            created.account_id._wake_sender()
        return self.browse(dict.fromkeys(found[key].id for key in keys))

    @api.model
    def _cancel_orphans(self, keys):
        """Free business keys that queued messages of archived accounts hold."""
        companies, _models, res_ids, *_rest = zip(*keys, strict=True)
        queued = self.search(
            Domain("state", "in", WAITING_STATES)
            & Domain("account_id.active", "=", False)
            & Domain("company_id", "in", companies)
            & Domain("res_id", "in", res_ids)
        )
        orphans = queued.filtered(lambda message: message._key() in keys)
        orphans._set_state("cancelled", retry_at=False)
        orphans.flush_recordset()

    @api.model
    def _reserve(self, keys):
        """Make sure that nobody else queues the same messages until this transaction ends.

        The unique index alone would do, but its error puts the whole row into the server's log,
        text and number included.

        :param keys: business keys that this transaction sees as free
        :raises ConcurrencyError: another transaction took one since this one began
        """
        buckets = sorted({zlib.crc32(repr(key).encode()) % _RESERVATIONS for key in keys})
        # in order, so that two batches do not wait for each other
        self.env.cr.execute(
            "SELECT pg_advisory_xact_lock(%s, bucket) FROM unnest(%s::int[]) bucket",
            [_RESERVATION_LOCK_CLASS, buckets],
        )
        # This transaction sees the database as of its first query, a new one as it is now.
        with self.env.registry.cursor() as cr:
            if self.with_env(self.env(cr=cr))._engine()._find_active(list(keys)):
                raise ConcurrencyError(
                    self.env._("The same message was queued by someone else this moment.")
                )

    @api.model
    def _business_key(self, vals):
        return (
            vals["company_id"],
            vals["res_model"],
            vals["res_id"],
            vals["purpose_id"],
            vals["number"],
            vals.get("occasion") or "send",
        )

    @api.model
    def _find_active(self, keys):
        """Return business key → message, for the keys that are taken."""
        companies, res_models, res_ids, purposes, numbers, occasions = zip(*keys, strict=True)
        domain = Domain(
            [
                ("direction", "=", "outbound"),
                ("state", "in", ACTIVE_STATES),
                ("company_id", "in", companies),
                ("res_model", "in", res_models),
                ("res_id", "in", res_ids),
                ("purpose_id", "in", purposes),
                ("number", "in", numbers),
                ("occasion", "in", occasions),
            ]
        )
        wanted = set(keys)
        found = {}
        for message in self.search(domain):
            if message.state in WAITING_STATES and not message.account_id.active:
                continue  # it would never leave, see _cancel_orphans
            key = message._key()
            if key in wanted:
                found[key] = message
        return found

    def _key(self):
        """Return this message's business key, see :meth:`_business_key`."""
        self.ensure_one()
        return (
            self.company_id.id,
            self.res_model,
            self.res_id,
            self.purpose_id.id,
            self.number,
            self.occasion,
        )

    # ------------------------------------------------------------------
    # State changes (engine only)
    # ------------------------------------------------------------------

    def _set_state(self, state, **values):
        """Write a state and what goes with it, and remember to tell the documents."""
        if self:
            self.write({"state": state, "outcome_pending": True, **values})

    def _merge_report(self, state, at=None, **values):
        """Take in one report on one message, whatever order reports arrive in.

        The state only moves up :data:`STATE_RANK`; each state keeps the earliest time reported.

        :param str state: accepted, sent, delivered, read or failed
        :param datetime at: when it happened, naive UTC; now if unknown
        :param values: further columns, written only when the state moves
        :return: whether the state moved
        :rtype: bool
        """
        self.ensure_one()
        changes = {}
        at = at or fields.Datetime.now()
        time_field = REPORT_TIMES[state]
        if not self[time_field] or at < self[time_field]:
            changes[time_field] = at
        moved = STATE_RANK[state] > STATE_RANK[self.state]
        if moved:
            if self.state not in ACTIVE_STATES and state in ACTIVE_STATES:
                self._make_room()
            changes |= {"state": state, "outcome_pending": True, "retry_at": False, **values}
            if state != "failed":
                changes |= {"error_code": 0, "error_message": False, "error_hint": False}
        if changes:
            self.write(changes)
        return moved

    def _make_room(self):
        """Free the business key for a message that arrives although it was given up.

        The same message may have been queued again meanwhile: it is not needed any more.
        """
        if not self.res_model:
            return
        key = self._key()
        twin = self._find_active([key]).get(key)
        if not twin:
            return
        if twin.state in WAITING_STATES:
            # If the sender claims it this moment, this report is worked through again afterwards.
            twin._lock_waiting()._set_state("cancelled", retry_at=False)
        else:  # both went out
            self.occasion = f"late-{self.id}"
        self.flush_recordset()
        twin.flush_recordset()

    def _lock_waiting(self):
        """Lock the rows; wait for whoever holds one this moment.

        :return: the same messages
        :raises psycopg2.errors.SerializationFailure: one was changed since this transaction began;
            Odoo, the sender and the webhook then do everything again
        """
        if self:
            self.flush_recordset()
            # SQL: the ORM either skips a locked row or fails. In order of ids, so that two that
            # wait for each other are rare. An error's text would print nothing, but be logged.
            self.env.cr.execute(
                SQL(
                    "SELECT id FROM %s WHERE id IN %s ORDER BY id FOR UPDATE",
                    SQL.identifier(self._table),
                    tuple(self.ids),
                ),
                log_exceptions=False,
            )
        return self

    def _document_outcome(self, old_state=None):
        """Tell the documents what became of their messages, once per document model.

        A document model that wants to know has ``_ajw_whatsapp_outcome(messages)``; it is called on
        the documents, with all of their messages that changed. Its failure is logged and never
        stands in the way of sending.

        :param old_state: unused; the messages' state says it all
        """
        by_model = defaultdict(self.browse)
        for message in self:
            by_model[message.res_model] |= message
        for res_model, messages in by_model.items():
            documents = self.env.get(res_model) if res_model else None
            if documents is not None and hasattr(documents, "_ajw_whatsapp_outcome"):
                messages._call_outcome_hook(documents)
        self._engine().write({"outcome_pending": False})

    def _call_outcome_hook(self, documents):
        """Call the document model's hook; on failure once more for each message alone."""
        # sudo: a report arrives without a user; the documents' code gets no engine right
        messages = self.with_context(**{ENGINE_CONTEXT_KEY: None})
        try:
            with self.env.cr.savepoint():
                records = documents.sudo().browse(dict.fromkeys(messages.mapped("res_id"))).exists()
                records._ajw_whatsapp_outcome(messages.filtered(lambda m: m.res_id in records.ids))
        except psycopg2.OperationalError:
            raise  # the transaction has to be run again
        except Exception as error:  # the messages are on their way, whatever it raises
            if len(self) > 1:
                for message in self:
                    message._call_outcome_hook(documents)
            else:
                _logger.error(  # without the error's text, which may hold personal data
                    "Telling %s of WhatsApp message %s failed: %s\n%s",
                    documents._name,
                    self.id,
                    type(error).__name__,
                    "".join(traceback.format_tb(error.__traceback__)),
                )
