from odoo import api, fields, models
from odoo.exceptions import UserError

#: An object cannot arrive by RPC: only the checks of an erasure make findings.
CHECKED = object()
#: In which states of the erasure a reason counts.
OPEN_TO_REASONS = ("planned", "failed")


class AjwPrivacyErasureFinding(models.Model):
    """What stands against an erasure, or has to be known before it, with what to do about it."""

    _name = "ajw.privacy.erasure.finding"
    _description = "Finding before an erasure"
    _order = "erasure_id, sequence, id"
    _rec_name = "code"

    _ajw_personal_data = {
        "text": {"erase": "none", "reason": "words of the check and numbers of documents"},
        "reason": {"category": "free_text", "erase": "redact"},
        "confirmed_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for erasing all the same, kept as proof",
        },
        "res_ids": {"erase": "none", "reason": "ids of documents, gone when it is done"},
    }

    erasure_id = fields.Many2one(
        "ajw.privacy.erasure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="erasure_id.company_id", store=True, index=True)
    sequence = fields.Integer(readonly=True, help="What stands against it comes first.")
    code = fields.Char("Check", required=True, readonly=True)
    level = fields.Selection(
        [
            ("refuse", "Not possible"),
            ("confirm", "Needs a reason"),
            ("note", "Good to know"),
        ],
        required=True,
        readonly=True,
        help="Not possible: nothing is erased before it is settled. Needs a reason: settle it, or "
        "say why the person is erased all the same.",
    )
    text = fields.Text("Why, and what to do", readonly=True)
    model_name = fields.Char(readonly=True)
    res_ids = fields.Json(readonly=True)
    reason = fields.Text(help="Why the person is erased all the same. Name nobody here.")
    confirmed_by_id = fields.Many2one("res.users", readonly=True, ondelete="restrict")
    confirmed_at = fields.Datetime("Confirmed", readonly=True)
    is_open = fields.Boolean(compute="_compute_is_open", help="Whether the erasure waits for it.")

    _code_uniq = models.UniqueIndex("(erasure_id, code)")

    @api.depends("level", "reason")
    def _compute_is_open(self):
        for finding in self:
            finding.is_open = finding.level == "refuse" or (
                finding.level == "confirm" and not (finding.reason or "").strip()
            )

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("ajw_checked") is not CHECKED:
            self.check_access("create")
            raise self._only_checks()
        return super().create(vals_list)

    def write(self, vals):
        if self.env.context.get("ajw_checked") is CHECKED:
            return super().write(vals)
        self.check_access("write")
        if vals.keys() - {"reason"}:
            raise self._only_checks()
        for finding in self:
            if finding.erasure_id.state not in OPEN_TO_REASONS or finding.level != "confirm":
                raise UserError(
                    self.env._(
                        "A reason is given while the erasure waits for approval or has stopped, "
                        "and only where one is asked for."
                    )
                )
        reason = (vals.get("reason") or "").strip()
        return super().write(
            {
                "reason": reason or False,
                "confirmed_by_id": self.env.uid if reason else False,
                "confirmed_at": fields.Datetime.now() if reason else False,
            }
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_by_checks(self):
        if self.env.context.get("ajw_checked") is not CHECKED:
            raise self._only_checks()

    def _only_checks(self):
        return UserError(
            self.env._(
                "Findings come from the checks of the erasure. Settle what they name and press "
                "“Check Again”, or give a reason."
            )
        )

    def action_open_records(self):
        """Open the documents or contacts it is about."""
        self.ensure_one()
        self.check_access("read")
        if not self.model_name or not self.res_ids:
            raise UserError(self.env._("There are no records to this finding."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env[self.model_name]._description,
            "res_model": self.model_name,
            "view_mode": "list,form",
            "domain": [("id", "in", self.res_ids)],
            "context": {"active_test": False},
        }

    @api.model
    def _refresh(self, erasure, obstacles):
        """Store what the checks found just now; reasons stay where nothing was added.

        :param erasure: ajw.privacy.erasure
        :param obstacles: list of :class:`~..engine.obstacles.Obstacle`
        """
        # sudo: findings are made by this method alone
        self = self.sudo().with_context(ajw_checked=CHECKED)
        known = {each.code: each for each in self.search([("erasure_id", "=", erasure.id)])}
        for number, obstacle in enumerate(obstacles):
            values = {
                "sequence": number,
                "level": obstacle.level,
                "text": obstacle.text,
                "model_name": obstacle.model,
                "res_ids": sorted(obstacle.ids),
            }
            finding = known.pop(obstacle.code, None)
            if finding is None:
                self.create({"erasure_id": erasure.id, "code": obstacle.code, **values})
                continue
            if set(obstacle.ids) - set(finding.res_ids or ()):
                # something came to it since: the reason was not given for that
                values |= {"reason": False, "confirmed_by_id": False, "confirmed_at": False}
            finding.write(values)
        for finding in known.values():
            finding.unlink()

    def _let_go(self):
        """Forget which records it was about; what was said and by whom stays."""
        # sudo: findings are made by this addon alone
        self.sudo().with_context(ajw_checked=CHECKED).write({"res_ids": False})
