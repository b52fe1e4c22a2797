from odoo import api, fields, models
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
    kind = fields.Selection(related="request_id.kind", string="Kind asked for")
    base_deadline = fields.Date(related="request_id.base_deadline")
    given_otherwise = fields.Boolean("Given in another way", readonly=True)
    is_late = fields.Boolean(compute="_compute_is_late")

    @api.depends("request_id", "step")
    def _compute_is_late(self):
        states = {"answer": "answered", "refuse": "refused"}
        for step in self:
            request = step.request_id
            step.is_late = bool(
                request
                and step.step in states
                and request.has_access("read")
                and request._is_late(states[step.step])
            )

    @api.constrains("request_id")
    def _check_request(self):
        """A form about somebody else's request would show what it is called.

        :raises AccessError: the request is not the user's to read
        """
        # Odoo runs constraints as superuser.
        self.sudo(False).request_id.check_access("read")

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
        elif self.step == "answer":
            request._do_answer(note, self.given_otherwise)
        else:
            {
                "document": request._do_verify_document,
                "wait": request._do_wait,
                "refuse": request._do_refuse,
                "withdraw": request._do_withdraw,
            }[self.step](note)
        return {"type": "ir.actions.act_window_close"}
