from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .ajw_whatsapp_message import ENGINE_FIELDS
from .selections import MESSAGE_STATES, STATE_RANK, WAITING_STATES

#: States in the order a person at the desk looks at them: first what needs somebody.
DESK_ORDER = (
    "uncertain",
    "failed",
    "refused",
    "preparing",
    "queued",
    "sending",
    "accepted",
    "sent",
    "delivered",
    "read",
    "cancelled",
    "received",
)
#: Colour of a card, as numbered in Odoo's palette.
COLORS = {
    "uncertain": 3,
    "failed": 1,
    "refused": 2,
    "delivered": 10,
    "read": 10,
    "sent": 7,
}
#: States after which the same message may be queued once more.
LOST_STATES = ("failed", "refused", "cancelled")
#: How many reasons a notification lists.
SHOWN_REASONS = 5

# What a person decided about an uncertain message is as protected as what the outbox found out.
ENGINE_FIELDS.update(
    {"settled_as": False, "settled_by_id": False, "settled_at": False, "settled_overruled": False}
)


class AjwWhatsappMessage(models.Model):
    """The message desk: what became of messages, and what a person can do about it."""

    _inherit = "ajw.whatsapp.message"

    _ajw_personal_data = {
        "settled_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "The employee who decided what became of an uncertain message.",
        },
    }

    state = fields.Selection(group_expand="_group_expand_state")
    color = fields.Integer(compute="_compute_color")
    advice = fields.Char(
        compute="_compute_advice",
        help="Why the message did not arrive, or not yet, and what to do about it.",
    )
    document_name = fields.Char(string="Document name", compute="_compute_document_name")
    is_latest = fields.Boolean(
        string="Last of its document",
        compute="_compute_is_latest",
        search="_search_is_latest",
        help="No later message about the same document went to the same number for the same "
        "purpose and occasion.",
    )
    settled_as = fields.Selection(
        [("arrived", "Arrived"), ("not_arrived", "Did not arrive")],
        string="Decided",
        readonly=True,
        copy=False,
        help="What a person found out about an uncertain message. A report from Meta still "
        "corrects it.",
    )
    settled_by_id = fields.Many2one(
        "res.users", string="Decided by", readonly=True, copy=False, ondelete="restrict"
    )
    settled_at = fields.Datetime(string="Decided on", readonly=True, copy=False)
    settled_overruled = fields.Boolean(
        string="Corrected by Meta", readonly=True, copy=False, help="Meta reported otherwise later."
    )

    # the desk and the overview look at one state, or a few, of some accounts
    _desk_index = models.Index("(account_id, state, create_date)")
    _accepted_index = models.Index("(account_id, accepted_at) WHERE accepted_at IS NOT NULL")

    # ------------------------------------------------------------------
    # Computed
    # ------------------------------------------------------------------

    @api.model
    def _group_expand_state(self, states, _domain):
        """Order the columns of the desk; none is added."""
        order = [*DESK_ORDER, *(key for key, _label in MESSAGE_STATES if key not in DESK_ORDER)]
        return [state for state in order if state in states]

    @api.depends("state")
    def _compute_color(self):
        for message in self:
            message.color = COLORS.get(message.state, 0)

    @api.depends("state", "refusal_label", "error_hint")
    def _compute_advice(self):
        waiting = self._waiting_texts()
        for message in self:
            refused = message.state == "refused"
            message.advice = waiting.get(message.id) or (
                message.refusal_label if refused else message.error_hint
            )

    @api.depends("res_model", "res_id")
    @api.depends_context("uid")
    def _compute_document_name(self):
        for res_model, messages in self.grouped("res_model").items():
            names = {}
            if res_model in self.env:
                documents = self.env[res_model].browse(set(messages.mapped("res_id")) - {0})
                documents = documents.exists()._filtered_access("read")
                names = {document.id: document.display_name for document in documents}
            for message in messages:
                message.document_name = names.get(message.res_id, False)

    def _compute_is_latest(self):
        latest = self.search([("id", "in", self.ids), ("is_latest", "=", True)])
        for message in self:
            message.is_latest = message in latest

    @api.model
    def _search_is_latest(self, operator, value):
        if operator != "in" or True not in value or len(value) > 1:
            return NotImplemented
        # SQL: "no later one" cannot be said in a domain
        return Domain(
            "id",
            "in",
            SQL(
                """(SELECT message.id FROM ajw_whatsapp_message message
                     WHERE NOT EXISTS (
                        SELECT 1 FROM ajw_whatsapp_message newer
                         WHERE newer.res_model = message.res_model
                           AND newer.res_id = message.res_id
                           AND newer.purpose_id = message.purpose_id
                           AND newer.number = message.number
                           AND newer.occasion IS NOT DISTINCT FROM message.occasion
                           AND newer.direction = 'outbound'
                           AND newer.id > message.id))"""
            ),
        )

    # ------------------------------------------------------------------
    # Send again, cancel
    # ------------------------------------------------------------------

    def action_desk_retry(self):
        """Queue again what failed, was refused or cancelled; say what was left out and why.

        Uncertain messages are left out: see :meth:`action_desk_retry_uncertain`.
        """
        self.check_access("read")
        self.invalidate_recordset(["is_latest"])
        lost = self.filtered(lambda m: m.direction == "outbound" and m.state in LOST_STATES)
        return self._desk_retry(lost.filtered("is_latest"))

    def action_desk_retry_uncertain(self):
        """Queue again what may have arrived, on the word of the person who pressed the button."""
        self.check_access("read")
        return self._desk_retry(
            self.filtered(lambda m: m.direction == "outbound" and m.state == "uncertain")
        )

    def _desk_retry(self, messages):
        problems = messages._retry_problems()
        ready = messages.filtered(lambda m: m.id not in problems)
        if ready:
            ready.action_retry()
        return self._desk_notification(
            self.env._("%s queued again.", len(ready)),
            ready,
            len(self - messages),
            self.env._(
                "%s left out: they did not fail, are uncertain, or were sent again already."
            ),
            problems,
        )

    def _retry_problems(self):
        """Say which messages cannot be sent again as things stand.

        :return: dict of message id → sentence
        """
        problems = {}
        mixin = self.env["ajw.whatsapp.document.mixin"]
        # sudo: only to learn which documents are meant
        for res_model, messages in self.sudo().grouped("res_model").items():
            if res_model not in mixin._ajw_whatsapp_models():
                gone = messages.filtered(lambda m: not m.number or not m.body)
                problems |= dict.fromkeys(gone.ids, self.env._("Its content was erased."))
                continue
            documents = self.env[res_model].browse(dict.fromkeys(messages.mapped("res_id")))
            documents = documents.exists()
            allowed = documents._filtered_access("write")
            plans = allowed._ajw_whatsapp_plan()
            used = {message.res_id: message.template_id.with_env(self.env) for message in messages}
            _texts, found = allowed._ajw_whatsapp_texts(
                {
                    res_id: plan.templates & used[res_id] or plan.template
                    for res_id, plan in plans.items()
                }
            )
            for message in messages:
                if message.res_id not in documents.ids:
                    problems[message.id] = self.env._("The document no longer exists.")
                elif message.res_id not in allowed.ids:
                    problems[message.id] = self.env._("You may not change the document.")
                elif message.res_id in found:
                    problems[message.id] = found[message.res_id]
        return problems

    def action_desk_cancel(self):
        """Take what still waits out of the queue; say how many were on their way already."""
        self.check_access("read")
        waiting = self.filtered(lambda m: m.direction == "outbound" and m.state in WAITING_STATES)
        if waiting:
            waiting.action_cancel()
        return self._desk_notification(
            self.env._("%s cancelled.", len(waiting)),
            waiting,
            len(self) - len(waiting),
            self.env._("%s left as they are: only what is still queued can be cancelled."),
        )

    # ------------------------------------------------------------------
    # Uncertain messages
    # ------------------------------------------------------------------

    def action_mark_arrived(self):
        """Record that uncertain messages arrived, as a person found out."""
        return self._desk_settle("arrived")

    def action_mark_not_arrived(self):
        """Record that uncertain messages did not arrive; they can be sent again then."""
        return self._desk_settle("not_arrived")

    def _desk_settle(self, decision):
        """Close uncertain messages on a person's word, which Meta's reports still overrule.

        *Arrived* becomes ``sent``: for certain gone out, and a report of delivery, reading or
        failure still moves it. *Not arrived* becomes ``failed``; see :meth:`_merge_report`.

        :param str decision: key of ``settled_as``
        """
        self.check_access("read")
        uncertain = self.filtered(lambda m: m.state == "uncertain")
        uncertain._check_may_change()
        engine = uncertain._engine().try_lock_for_update()
        engine = engine.filtered(lambda m: m.state == "uncertain")
        values = {
            "settled_as": decision,
            "settled_by_id": self.env.uid,
            "settled_at": fields.Datetime.now(),
            "error_message": False,
            "error_hint": False,
        }
        if decision == "arrived":
            engine._set_state("sent", **values)
        else:
            values["error_message"] = self.env._("Marked as not arrived.")
            values["error_hint"] = self.env._("Send it again, or use another channel.")
            engine._set_state("failed", **values)
        engine._document_outcome()
        label = dict(self._fields["settled_as"]._description_selection(self.env))[decision]
        return self._desk_notification(
            self.env._("%(count)s marked: %(decision)s.", count=len(engine), decision=label),
            engine,
            len(self) - len(engine),
            self.env._("%s left as they are: they are not uncertain any more."),
        )

    def _merge_report(self, state, at=None, **values):
        # EXTENDS this model: what Meta reports outweighs what a person found out
        self.ensure_one()
        if (
            self.settled_as == "not_arrived"
            and not self.settled_overruled
            and self.state == "failed"
            and STATE_RANK[state] > STATE_RANK["uncertain"]
        ):
            self._make_room()
            self.write({"state": "uncertain", "settled_overruled": True})
        moved = super()._merge_report(state, at, **values)
        if moved and self.settled_as == "arrived" and state == "failed":
            self.settled_overruled = True
        return moved

    # ------------------------------------------------------------------
    # Saying what was done
    # ------------------------------------------------------------------

    def _desk_notification(self, done_text, done, left_out, left_out_text, problems=None):
        """Return the notification on what was done with a selection.

        :param str done_text: what was done with ``done``
        :param int left_out: number of messages in another state
        :param str left_out_text: why, with a place for the number
        :param dict problems: message id → why it could not be done
        :raises UserError: nothing at all could be done
        """
        problems = problems or {}
        lines = [done_text] if done else []
        if left_out:
            lines.append(left_out_text % left_out)
        if problems:
            reasons = list(dict.fromkeys(problems.values()))
            lines.append(self.env._("%s could not be sent again:", len(problems)))
            lines += reasons[:SHOWN_REASONS]
        if not done:
            raise UserError("\n".join(lines) or self.env._("Choose messages first."))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if left_out or problems else "success",
                "sticky": bool(problems),
                "message": "\n".join(lines),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
