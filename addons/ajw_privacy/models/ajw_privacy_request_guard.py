from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .selections import CLOSED_STATES, OPEN_STATES

#: Set by the steps of the request, never by a form, an import or a call from outside.
PROTECTED_FIELDS = frozenset(
    {
        "name", "state", "verified_method", "verified_at", "verified_by_id", "verified_note",
        "extension_told_on", "extension_reason", "answer_note", "closed_at", "portal_user_id",
        "reminder", "deadline", "base_deadline", "right", "jurisdiction_id", "rule_id",
        "is_verified", "given_otherwise", "closed_late", "contact_merged",
    }
)  # fmt: skip

#: What stays once a request is closed, beside what only steps write.
FROZEN_FIELDS = frozenset(
    {
        "kind", "company_id", "source", "received_on", "requester_name", "requester_email",
        "requester_phone", "message", "partner_id", "country_id", "country_reason",
        "manual_jurisdiction_id", "manual_reason",
    }
)  # fmt: skip

#: What a new request begins with, whatever defaults the caller's context or settings name. What is
#: computed (deadline, right, …) is computed anew on creation anyway.
BEGINNING = {
    "state": "new",
    "verified_method": False,
    "verified_at": False,
    "verified_by_id": False,
    "verified_note": False,
    "extension_told_on": False,
    "extension_reason": False,
    "answer_note": False,
    "closed_at": False,
    "portal_user_id": False,
    "reminder": "none",
    "given_otherwise": False,
    "closed_late": False,
    "contact_merged": False,
}

#: An object cannot arrive by RPC: only code of this addon can take a step.
STEP = object()


class AjwPrivacyRequest(models.Model):
    """What nobody may forge or change afterwards: steps, verification, and what was closed."""

    _inherit = "ajw.privacy.request"

    def _check_step(self, vals):
        if PROTECTED_FIELDS & vals.keys() and self.env.context.get("ajw_step") is not STEP:
            raise UserError(
                self.env._(
                    "Reference, status, verification, deadline and answer follow from the steps "
                    "of the request. Use its buttons."
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_step(vals)
        # Said explicitly, so that no default says otherwise.
        vals_list = [BEGINNING | vals for vals in vals_list]
        for vals in vals_list:
            company = self.env["res.company"].browse(vals.get("company_id") or self.env.company.id)
            if "user_id" not in vals:
                officers = self._officers(company)
                vals["user_id"] = (officers & self.env.user or officers[:1]).id
            # sudo: officers may not read sequences
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code(self._name)
        # nobody but the officer learns of it by following
        requests = super(AjwPrivacyRequest, self.with_context(mail_create_nosubscribe=True)).create(
            vals_list
        )
        requests._announce()
        return requests

    def _check_open(self, vals):
        """What was closed stays as it was: it is the proof of what was asked and answered.

        :raises UserError: otherwise
        """
        if not FROZEN_FIELDS & vals.keys() or self.env.context.get("ajw_step") is STEP:
            return
        for request in self:
            if request.state in CLOSED_STATES:
                raise UserError(
                    self.env._(
                        "%s is closed and stays as it is. Only the responsible can be changed; "
                        "record a new request if the person asks again.",
                        request.name,
                    )
                )

    def write(self, vals):
        self._check_step(vals)
        self._check_open(vals)
        if {"partner_id", "company_id"} & vals.keys():
            self._forget_verification(vals)
        result = super().write(vals)
        if vals.get("user_id"):
            self._hand_over()
        return result

    def _forget_verification(self, vals):
        """Who was verified is not who it is about now: the check has to be made again."""
        changed = self.filtered(
            lambda request: any(
                name in vals and request[name].id != (vals[name] or False)
                for name in ("partner_id", "company_id")
            )
        )
        changed._drop_verification(self.env._("The contact changed, so verification starts again."))

    def _drop_verification(self, text):
        """Nobody is verified any more: copies, codes and the record of it go.

        :param str text: why; noted where somebody was verified
        """
        # sudo: users cannot write codes and exports
        self.sudo().package_ids.unlink()
        self.env["ajw.privacy.verification"].sudo().search(
            [("request_id", "in", self.ids), ("state", "=", "sent")]
        ).write({"state": "void", "code_hash": False})
        verified = self.filtered("verified_at")
        verified._step(verified_method=False, verified_at=False, verified_by_id=False,
                       verified_note=False)  # fmt: skip
        for request in verified:
            request._log_step(text)

    @api.model
    def _contacts_merged(self, partners):
        """Contacts become one: who was verified as one of them was not as the others.

        :param partners: res.partner, all that are merged
        """
        theirs = self.search(Domain("partner_id", "in", partners.ids))
        theirs.filtered(lambda request: request.state in CLOSED_STATES)._step(contact_merged=True)
        theirs.filtered(
            lambda request: request.state in (*OPEN_STATES, "answered")
        )._drop_verification(
            self.env._(
                "The contact was merged with another one: the copy of the data and the "
                "verification were dropped."
            )
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._(
                "A request is the proof that it was answered in time. Close it as withdrawn or "
                "refused, with the reason."
            )
        )
