from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from .ajw_privacy_departure import LAST_DAY, RECALLABLE
from .ajw_privacy_request import OFFICER_GROUP

#: Hours after which a copy is too old to approve the removal on it.
COPY_HOURS = 24


class AjwPrivacyDeparture(models.Model):
    """The buttons: start, approve by a second officer, recall, resume."""

    _inherit = "ajw.privacy.departure"

    def _check_officer(self, *states):
        """Steps are taken by an officer, on departures they may write, in these states.

        :raises AccessError: by somebody else
        :raises UserError: in another state
        """
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer lets companies leave."))
        self.check_access("write")
        names = dict(self._fields["state"]._description_selection(self.env))
        for departure in self:
            if departure.state not in states:
                raise UserError(
                    self.env._(
                        "%(departure)s is in status “%(state)s”: this step is not possible now.",
                        departure=departure.name,
                        state=names[departure.state],
                    )
                )

    def action_start(self):
        """Start the copy of everything the company has, or make it anew. Changes nothing of it.

        Who starts it asks for the removal, and cannot approve it.
        """
        self._check_officer("draft", "exported")
        for departure in self:
            departure._check_blockers()
            departure._begin("exporting", started_at=departure._now(), requested_by_id=self.env.uid)
        self._wake()
        return True

    def action_approve(self):
        """Approve the removal, as another officer: the logins close, and the recall period runs."""
        self._check_officer("exported")
        for departure in self:
            if departure.requested_by_id == self.env.user:
                raise UserError(
                    self.env._(
                        "You asked for %s yourself: another data protection officer of the company "
                        "has to approve it. If there is none, have one named.",
                        departure.name,
                    )
                )
            departure._check_blockers()
            departure._check_approvable()
            users = departure._own_users().filtered(
                # officers stay, so that they can call the company back
                lambda user: user.active and not user.has_group(OFFICER_GROUP)
            )
            departure._step(
                state="waiting",
                approved_by_id=self.env.uid,
                approved_at=departure._now(),
                suspended_user_ids=[fields.Command.set(users.ids)],
            )
            departure._set_active(users, False)
        self._wake()
        return True

    def action_recall(self):
        """Call the company back: everything is as it was before, and the copy is deleted."""
        self._check_officer(*RECALLABLE, "failed")
        if begun := self.filtered("removing_at"):
            raise UserError(
                self.env._(
                    "The removal of %s has begun: it cannot be called back any more.",
                    ", ".join(begun.mapped("name")),
                )
            )
        for departure in self:
            suspended = departure.with_context(active_test=False).suspended_user_ids
            departure._set_active(suspended, True)
            departure._forget()
            # sudo: copies are deleted by these methods alone
            departure.sudo().package_ids.unlink()
            departure.sudo().place_ids.unlink()
            # sudo: whoever's reminder it is, there is nothing to do any more
            departure.sudo().activity_unlink(["ajw_privacy.activity_departure"])
            departure._step(
                state="recalled",
                suspended_user_ids=[fields.Command.clear()],
                phase=False,
                cursor=False,
            )
        return True

    def action_resume(self):
        """Go on after a failure, or with what was kept and is due now."""
        self._check_officer("failed", "kept")
        for departure in self:
            if departure.state == "failed":
                departure._check_blockers()
            if departure.removing_at:
                departure._begin("removing")
            elif departure.approved_at:
                departure._step(state="waiting", error=False)
            else:
                departure._begin("exporting")
        self._wake()
        return True

    def _begin(self, state, **values):
        """Search again from the start, and then export or remove.

        What could not be removed stays on the list: what it hung on may be gone already.
        """
        self._forget(left=state == "removing" and self.state == "failed")
        # sudo: the list of places is made by these methods alone
        self.sudo().place_ids.unlink()
        if state == "exporting":
            # sudo: copies are made by these methods alone
            self.sudo().package_ids.unlink()
        self._step(state=state, phase="collect", cursor=False, round=0, error=False, **values)

    def _wake(self):
        """Have the scheduled action go on at once."""
        # sudo: officers may not read scheduled actions
        self.env.ref("ajw_privacy.ir_cron_departure").sudo()._trigger()

    # -- what stands against it ------------------------------------------------------------------

    def _check_blockers(self):
        """Refuse what would hit others or break a law.

        :raises UserError: with all reasons at once, and what to do about each
        """
        self.ensure_one()
        if problems := self._blockers():
            raise UserError("\n".join(problems))

    def _blockers(self):
        """What stands against the departure.

        :return: list of sentences
        """
        _ = self.env._
        problems = []
        if holds := self._holds():
            problems.append(
                _("A legal hold is in force in this company: %s. End it first, or wait.",
                  ", ".join(holds.mapped("name")))
            )  # fmt: skip
        latest = fields.Date.add(self.ended_on, days=LAST_DAY)
        if self.remove_on > latest:
            problems.append(_("The data has to be gone within 30 days of the end."))
        if self.ended_at and any(self._companies().mapped("active")):
            problems.append(
                _("The company is in use again. Archive it, or begin another departure.")
            )
        if problem := self.env["ajw.consent.keyring"]._check():
            problems.append(problem)
        return problems

    def _check_approvable(self):
        """Refuse an approval that leaves no day for a recall, or without all there is in the copy.

        :raises UserError: with what to do
        """
        self.ensure_one()
        if self.remove_on <= fields.Date.today():
            raise UserError(
                self.env._(
                    "No day would be left to call the company back. Choose a later end or a "
                    "longer recall period."
                )
            )
        oldest = fields.Datetime.subtract(fields.Datetime.now(), hours=COPY_HOURS)
        # sudo: volumes are only counted
        if not self.sudo().package_ids or self.exported_at < oldest:
            raise UserError(
                self.env._(
                    "The copy is older than %s hours, or has expired: what came since is not in "
                    "it. Copy again, then approve.",
                    COPY_HOURS,
                )
            )

    def _holds(self):
        """Legal holds that stand against the removal: of the company, its branches, or of all."""
        # sudo: holds count, whoever may read them
        holds = self.env["ajw.privacy.hold"].sudo()
        return holds.union(*(holds._in_force(company) for company in self._companies()))

    def _unapproved(self):
        """Why nothing may be removed yet: no second officer, or the company can still be recalled.

        :return: list of sentences
        """
        self.ensure_one()
        problems = []
        if not self.approved_by_id or self.approved_by_id == self.requested_by_id:
            problems.append(self.env._("No second officer has approved the removal."))
        if not self.remove_on or self.remove_on > fields.Date.today():
            problems.append(self.env._("The recall period is not over."))
        return problems

    # -- who works there -------------------------------------------------------------------------

    def _own_users(self):
        """Logins that work in the companies that leave, and in no other.

        Those that an app ships are everybody's: who visits the site, the pattern of new logins.
        """
        self.ensure_one()
        leaving = self._companies()
        # sudo: the officer may not see every login, nor what an app ships
        shipped = (
            self.env["ir.model.data"]
            .sudo()
            .search([("model", "=", "res.users"), ("module", "not =like", r"\_\_%")])
        )
        users = self.env["res.users"].sudo().with_context(active_test=False)
        return users.search(
            [("company_ids", "in", leaving.ids), ("id", "not in", shipped.mapped("res_id"))]
        ).filtered(lambda user: not user.company_ids - leaving and not user._is_superuser())

    def _set_active(self, users, active):
        """Close logins for the time being, or give them back."""
        if not users:
            return
        self.env.flush_all()
        # SQL: with the method of the app a login would leave its conversations, and a recall could
        # not bring that back
        self.env.cr.execute(
            SQL("UPDATE res_users SET active = %s WHERE id IN %s", active, users._ids)
        )
        self.env.invalidate_all()
        # sessions hold on to what is cached of a login
        self.env.registry.clear_cache()
