import secrets

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from .ajw_privacy_stepwise import STEP

#: What an officer may write, and in which states.
EDITABLE = {
    "company_id": ("draft",),
    "ended_on": ("draft", "exporting", "exported"),
    "recall_days": ("draft", "exporting", "exported"),
    "note": ("draft", "exporting", "exported", "waiting", "recalled"),
}
#: Who says what leaves and when asks for it, and cannot approve it.
DECIDED = {"company_id", "ended_on", "recall_days"}
#: What a new departure begins with, whatever defaults the caller's context or settings name.
BEGINNING = {
    "state": "draft",
    "approved_by_id": False,
    "started_at": False,
    "exported_at": False,
    "approved_at": False,
    "removing_at": False,
    "ended_at": False,
    "reminded_on": False,
    "due_again_on": False,
    "suspended_user_ids": False,
    "error": False,
    "residue": False,
    "phase": False,
    "cursor": False,
    "round": 0,
    "place_ids": False,
    "going_ids": False,
    "kept_ids": False,
    "used_ids": False,
    "package_ids": False,
    "certificate_ids": False,
}


class AjwPrivacyDeparture(models.Model):
    """What nobody may forge: status, who asked and who approved, who keeps the record."""

    _inherit = "ajw.privacy.departure"

    def _check_step(self, vals, creating=False):
        """Refuse what only a step may write.

        :raises UserError: with what to do instead
        """
        if self.env.context.get("ajw_step") is STEP:
            return
        for name in vals:
            # what conversations have of their own is not the departure
            if name.startswith(("message_", "activity_")) or name not in self._fields:
                continue
            states = EDITABLE.get(name, ())
            if not states or not (creating or all(each.state in states for each in self)):
                raise UserError(
                    self.env._(
                        "“%s” follows from the steps of the departure, or stays as it was "
                        "approved. Use the buttons; for other dates, recall it and begin again.",
                        self._fields[name]._description_string(self.env),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        rows = []
        for vals in vals_list:
            self._check_step(vals, creating=True)
            company = self.env["res.company"].browse(vals.get("company_id") or self.env.company.id)
            if not self.env.su and company not in self.env.user.company_ids:
                raise AccessError(self.env._("Only officers of a company let it leave."))
            rows.append(
                {
                    **vals,
                    **BEGINNING,
                    "company_id": company.id,
                    "operator_id": self._find_operator(company).id,
                    "subject_ref": secrets.token_hex(5).upper(),
                    "requested_by_id": self.env.uid,
                    # sudo: officers may not read sequences
                    "name": self.env["ir.sequence"].sudo().next_by_code(self._name),
                }
            )
        created = super(
            AjwPrivacyDeparture, self.with_context(mail_create_nosubscribe=True)
        ).create(rows)
        return created.with_env(self.env)

    def write(self, vals):
        self._check_step(vals)
        is_step = self.env.context.get("ajw_step") is STEP
        if not is_step and DECIDED & vals.keys():
            self._step(requested_by_id=self.env.uid)
        if "company_id" in vals and not is_step:
            company = self.env["res.company"].browse(vals["company_id"])
            if not self.env.su and company not in self.env.user.company_ids:
                raise AccessError(self.env._("Only officers of a company let it leave."))
            for departure in self:
                departure._step(operator_id=self._find_operator(company).id, **vals)
            return True
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._("A departure is the record of what was done. Recall it instead.")
        )
