from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .ajw_privacy_request import OFFICER_GROUP

#: An object cannot arrive by RPC: only code of this addon makes and settles tasks.
SETTLE = object()


class AjwPrivacyRecipientTask(models.Model):
    """What software cannot reach: somebody has to tell the recipient, or see to it.

    Source: GDPR Art. 19 (tell each recipient of an erasure); DPDP Act s. 8(7)(b) (have the
    processor erase too).
    """

    _name = "ajw.privacy.recipient.task"
    _description = "Task to have data erased elsewhere"
    _order = "state desc, due_date, id"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "a kind of recipient; names nobody"},
        "how_to": {"erase": "none", "reason": "what to do about a kind of recipient"},
        "note": {"category": "free_text", "erase": "redact"},
        "done_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for it, kept as proof",
        },
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="erasure_id.company_id", store=True, index=True)
    request_id = fields.Many2one(
        related="erasure_id.request_id", store=True, index="btree_not_null"
    )
    recipient_id = fields.Many2one(
        "ajw.privacy.recipient", "Kind", required=True, readonly=True, index=True,
        ondelete="restrict",
    )  # fmt: skip
    name = fields.Char("Recipient", required=True, readonly=True)
    how_to = fields.Text("What to do", readonly=True)
    article = fields.Char("Law", readonly=True)
    row_count = fields.Integer(
        "Rows found", readonly=True, help="Rows of the person that tell that data got there."
    )
    due_date = fields.Date("Due", required=True, readonly=True, index=True)
    state = fields.Selection(
        [("open", "To do"), ("done", "Done"), ("not_needed", "Not needed")],
        "Status",
        required=True,
        readonly=True,
        default="open",
        index=True,
    )
    note = fields.Text(
        help="What was done or answered, or why nothing needs to be done. Name nobody here."
    )
    done_by_id = fields.Many2one("res.users", "Settled by", readonly=True, ondelete="restrict")
    done_at = fields.Datetime("Settled", readonly=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue")

    _once = models.UniqueIndex("(erasure_id, recipient_id)")

    @api.depends("state", "due_date")
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for task in self:
            task.is_overdue = task.state == "open" and bool(task.due_date) and task.due_date < today

    # -- what nobody may forge -------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("ajw_settle") is not SETTLE:
            self.check_access("create")
            raise self._by_buttons()
        return super().create(vals_list)

    def write(self, vals):
        if self.env.context.get("ajw_settle") is not SETTLE and (
            vals.keys() - {"note"} or any(task.state != "open" for task in self)
        ):
            raise self._by_buttons()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise self._by_buttons()

    def _by_buttons(self):
        return UserError(
            self.env._(
                "Tasks follow from an approved erasure and are settled by the buttons; what was "
                "settled stays as it is, unless it is opened again."
            )
        )

    # -- the buttons -----------------------------------------------------------------------------

    def _settle(self, state, **values):
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer settles this."))
        self.check_access("write")
        self.with_context(ajw_settle=SETTLE).write(
            {
                "state": state,
                "done_by_id": self.env.uid if state != "open" else False,
                "done_at": fields.Datetime.now() if state != "open" else False,
                **values,
            }
        )
        self.erasure_id._close_task_activities()

    def action_done(self):
        """It was done: who and when is noted."""
        self._settle("done")
        return True

    def action_not_needed(self):
        """Nothing has to be done; the note says why (Art. 19 GDPR: impossible, or out of
        proportion)."""
        for task in self:
            if not (task.note or "").strip():
                raise UserError(
                    self.env._(
                        "Write into the note why nothing has to be done about %s.", task.name
                    )
                )
        self._settle("not_needed")
        return True

    def action_reopen(self):
        """It was not done after all."""
        self._settle("open")
        return True

    @api.model
    def _open_of(self, record, link):
        """Open the tasks of a record.

        :param record: an erasure or a request
        :param str link: the field of a task that leads to it
        :return: dict of an action
        """
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Recipients of %s", record.name),
            "res_model": self._name,
            "view_mode": "list,form",
            "domain": [(link, "=", record.id)],
        }

    # -- where they come from --------------------------------------------------------------------

    @api.model
    def _make(self, erasure):
        """Make the tasks of an approved erasure: only of recipients that have the person's data.

        :param erasure: ajw.privacy.erasure with its plan
        """
        # sudo: tasks are made by this method alone
        self = self.sudo().with_context(ajw_settle=SETTLE)
        rows = {}
        for place in erasure.sudo().place_ids:
            if place.action != "leave" and place.row_count:
                rows[place.model_name] = max(rows.get(place.model_name, 0), place.row_count)
        known = self.search([("erasure_id", "=", erasure.id)]).recipient_id
        language = erasure.company_id.partner_id.lang or "en_US"
        recipients = self.env["ajw.privacy.recipient"].with_context(lang=language)
        begin = (erasure.approved_at or fields.Datetime.now()).date()
        self.create(
            [
                {
                    "erasure_id": erasure.id,
                    "recipient_id": recipient.id,
                    "name": recipient.name,
                    "how_to": recipient.how_to,
                    "article": recipient.article,
                    "row_count": sum(rows.get(name, 0) for name in recipient._models()),
                    "due_date": begin + timedelta(days=recipient.days),
                }
                for recipient in recipients._concerned(set(rows)) - known
            ]
        )
