import secrets

from odoo import api, models
from odoo.exceptions import UserError

from .ajw_privacy_stepwise import STEP

#: What an officer may write, and in which states.
EDITABLE = {
    "partner_id": ("draft",),
    "company_id": ("draft",),
    "request_id": ("draft",),
    "note": ("draft", "planned"),
    # what is not a reason is refused by the findings themselves
    "finding_ids": ("planned", "failed"),
}

#: What a new erasure begins with, whatever defaults the caller's context or settings name.
BEGINNING = {
    "state": "draft",
    "approved_by_id": False,
    "planned_at": False,
    "approved_at": False,
    "started_at": False,
    "ended_at": False,
    "plan_digest": False,
    "error": False,
    "phase": False,
    "cursor": False,
    "round": 0,
    "round_done": 0,
    "searched_at": False,
    "searched_before": False,
    "residue": False,
    "forgotten_at": False,
    "books": False,
    "identifier_count": 0,
    "shared_identifier_count": 0,
    "anchors": False,
    "replay_of": False,
    "replay_certificate": False,
}


class AjwPrivacyErasureGuard(models.Model):
    """What nobody may forge: status, plan, who asked and who approved."""

    _inherit = "ajw.privacy.erasure"

    def _check_step(self, vals, creating=False):
        """Refuse what only a step may write.

        :raises UserError: with what to do instead
        """
        if self.env.context.get("ajw_step") is STEP:
            return
        for name in vals:
            # what conversations have of their own is not the erasure
            if name.startswith("message_") or name not in self._fields:
                continue
            states = EDITABLE.get(name, ())
            if not states or not (creating or all(each.state in states for each in self)):
                raise UserError(
                    self.env._(
                        "“%s” follows from the steps of the erasure, or stays as it was planned. "
                        "Use the buttons; for another person, make another erasure.",
                        self._fields[name]._description_string(self.env),
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_step(vals, creating=True)
        vals_list = [
            {
                **vals,
                **BEGINNING,
                "subject_ref": secrets.token_hex(5).upper(),
                "requested_by_id": self.env.uid,
                # sudo: officers may not read sequences
                "name": self.env["ir.sequence"].sudo().next_by_code(self._name),
            }
            for vals in vals_list
        ]
        # nobody but the officer learns of it by following
        created = super(
            AjwPrivacyErasureGuard, self.with_context(mail_create_nosubscribe=True)
        ).create(vals_list)
        return created.with_env(self.env)

    def write(self, vals):
        self._check_step(vals)
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("An erasure is the record of what was done. Cancel it instead."))
