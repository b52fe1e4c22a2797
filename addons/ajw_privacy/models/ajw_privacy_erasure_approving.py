import hashlib

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..engine.certificate_form import canonical
from .ajw_privacy_request import OFFICER_GROUP
from .scope import acts_for_every_company

#: Before anybody approved it.
UNDECIDED = ("draft", "planning", "planned", "failed")


class AjwPrivacyErasure(models.Model):
    """The buttons: plan, approve by a second officer, refuse, cancel, resume."""

    _inherit = "ajw.privacy.erasure"

    def _check_officer(self, *states):
        """Steps are taken by an officer, on erasures they may write, in these states.

        :raises AccessError: by somebody else
        :raises UserError: in another state
        """
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer erases people."))
        self.check_access("write")
        names = dict(self._fields["state"]._description_selection(self.env))
        for erasure in self:
            if erasure.state not in states:
                raise UserError(
                    self.env._(
                        "%(erasure)s is in status “%(state)s”: this step is not possible now.",
                        erasure=erasure.name,
                        state=names[erasure.state],
                    )
                )

    def action_plan(self):
        """Find the person everywhere and make the plan. Changes nothing but the plan."""
        self._check_officer("draft", "planned")
        for erasure in self:
            erasure._check_blockers()
            erasure._restart_planning()
        self._wake()
        return True

    def action_approve(self):
        """Approve the plan, as another officer than the one who asked for it."""
        self._check_officer("planned")
        for erasure in self:
            if erasure.requested_by_id == self.env.user:
                raise UserError(
                    self.env._(
                        "You asked for %s yourself: another data protection officer of the company "
                        "has to approve it. If there is none, have one named.",
                        erasure.name,
                    )
                )
            erasure._check_reach()
            erasure._check_findings()
            erasure._step(
                state="approved",
                approved_by_id=self.env.uid,
                approved_at=fields.Datetime.now(),
                plan_digest=erasure._plan_digest(),
            )
        self._wake()
        return True

    def action_refuse(self):
        """Refuse the plan; the reason is in the note."""
        self._check_officer("planned")
        for erasure in self:
            if not (erasure.note or "").strip():
                raise UserError(self.env._("Write into the note why the erasure is refused."))
            erasure._forget()
            erasure._step(state="refused", partner_id=False)
        return True

    def action_cancel(self):
        """Give the erasure up before it is approved."""
        self._check_officer("draft", "planning", "planned")
        for erasure in self:
            erasure._forget()
            erasure._step(state="cancelled", partner_id=False)
        return True

    def action_resume(self):
        """Go on after a failure, or with what was kept: what is done already is passed over."""
        self._check_officer("failed", "kept")
        for erasure in self:
            if erasure.forgotten_at:
                if erasure.state == "kept" and not erasure._may_go_on({}):
                    raise UserError(
                        self.env._(
                            "Nothing of %s is due yet. What a law keeps is erased by itself when "
                            "its last day has passed.",
                            erasure.name,
                        )
                    )
                erasure._go_on()
            elif erasure.started_at:
                erasure._restart_erasing()
            elif erasure.approved_at:
                erasure._step(state="approved", error=False)
            else:
                erasure._check_blockers()
                erasure._restart_planning()
        self._wake()
        return True

    @api.model
    def _contacts_merged(self, partners):
        """Contacts become one: a plan was of one of them, and an approval too.

        :param partners: res.partner, all that are merged
        :raises UserError: one of them is being erased
        """
        theirs = self.search([("partner_id", "in", partners.ids)])
        if theirs.filtered(lambda erasure: erasure.started_at):
            raise UserError(
                self.env._("One of these contacts is being erased. It cannot be merged any more.")
            )
        for erasure in theirs.filtered(lambda erasure: erasure.state in (*UNDECIDED, "approved")):
            erasure._forget()
            erasure.place_ids.unlink()
            erasure._step(
                state="draft",
                planned_at=False,
                approved_by_id=False,
                approved_at=False,
                plan_digest=False,
            )
            erasure.message_post(
                body=self.env._("The contact was merged with another one: plan and approve again."),
                subtype_xmlid="mail.mt_note",
            )

    def _wake(self):
        """Have the scheduled action go on at once."""
        # sudo: officers may not read scheduled actions
        self.env.ref("ajw_privacy.ir_cron_erasure").sudo()._trigger()

    def _plan_digest(self):
        """SHA-256 (hex) of the plan: places, what happens there, and counts."""
        places = [
            [place.model_name, place.field_name or "", place.ownership, place.action,
             place.row_count]
            for place in self.place_ids.sorted("id")
        ]  # fmt: skip
        return hashlib.sha256(canonical([self.subject_ref, places])).hexdigest()

    # -- what stands against it ------------------------------------------------------------------

    def _check_reach(self):
        """A contact that several controllers share is erased by who acts for all of them.

        :raises AccessError: otherwise
        """
        self.ensure_one()
        shared = self.env["ajw.privacy.export"]._is_shared_database()
        # sudo: asks only whether the contact is of a company
        if (
            shared
            and not self.partner_id.sudo().company_id
            and not acts_for_every_company(self.env)
        ):
            raise AccessError(
                self.env._(
                    "All companies share this contact, and you do not act for all of them. An "
                    "officer of all companies has to approve the erasure."
                )
            )

    def _check_blockers(self):
        """Refuse what would hit others or break a law.

        :raises UserError: with all reasons at once, and what to do about each
        """
        self.ensure_one()
        if problems := self._blockers():
            raise UserError("\n".join(problems))
