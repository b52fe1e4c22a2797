from odoo import fields, models
from odoo.exceptions import UserError


class AjwPrivacyStep(models.TransientModel):
    """Asks for what a step of a request needs."""

    _name = "ajw.privacy.step"
    _description = "Step of a privacy request"

    request_id = fields.Many2one(
        "ajw.privacy.request", required=True, readonly=True, ondelete="cascade"
    )
    step = fields.Selection(
        [
            ("code", "Enter the code"),
            ("document", "Verify by document"),
            ("wait", "Wait"),
            ("extend", "Extend"),
            ("answer", "Answer"),
            ("refuse", "Refuse"),
            ("withdraw", "Taken back"),
        ],
        required=True,
        readonly=True,
    )
    code = fields.Char()
    note = fields.Text()
    told_on = fields.Date("Told on", default=fields.Date.context_today)
    problem = fields.Char(readonly=True)
    # As the user: a form about somebody else's request must show nothing of it.
    kind = fields.Selection(related="request_id.kind", related_sudo=False, string="Kind asked for")
    base_deadline = fields.Date(related="request_id.base_deadline", related_sudo=False)

    def action_apply(self):
        """Take the step; a wrong code keeps the dialog open and says so."""
        self.ensure_one()
        self.request_id._check_officer()
        request = self.request_id
        if self.step == "code":
            problem = request._check_code(self.code)
            self.write({"problem": problem or False, "code": False})
            if problem:
                return {
                    "type": "ir.actions.act_window",
                    "name": self.env._("Enter the Code"),
                    "res_model": self._name,
                    "res_id": self.id,
                    "view_mode": "form",
                    "target": "new",
                }
            return {"type": "ir.actions.act_window_close"}
        note = (self.note or "").strip()
        if not note:
            raise UserError(self.env._("Say in a few words what happened: it is the record."))
        if self.step == "extend":
            if not self.told_on:
                raise UserError(self.env._("Give the day the person was told."))
            request._do_extend(self.told_on, note)
        else:
            {
                "document": request._do_verify_document,
                "wait": request._do_wait,
                "answer": request._do_answer,
                "refuse": request._do_refuse,
                "withdraw": request._do_withdraw,
            }[self.step](note)
        return {"type": "ir.actions.act_window_close"}
