from odoo import fields, models
from odoo.exceptions import AccessError, UserError

from .ajw_privacy_request import OFFICER_GROUP
from .ajw_privacy_request_guard import STEP
from .selections import OPEN_STATES


class AjwPrivacyRequest(models.Model):
    """The steps from receiving a request to closing it."""

    _inherit = "ajw.privacy.request"

    def _step(self, **values):
        """Write what only a step may write."""
        self.with_context(ajw_step=STEP).write(values)

    def _log_step(self, text):
        """Note a step in the chatter. The text must not repeat anybody's data."""
        self.ensure_one()
        self.message_post(body=text, subtype_xmlid="mail.mt_note")

    def _check_officer(self, states=OPEN_STATES):
        """Steps are taken by an officer, on requests they may write, that are still open.

        :param states: in which the step can be taken
        :raises AccessError: by somebody else
        :raises UserError: the request is closed
        """
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer handles requests."))
        self.check_access("write")
        for request in self:
            if request.state not in states:
                raise UserError(
                    self.env._(
                        "%s is closed. Record a new request if the person asks again.",
                        request.name,
                    )
                )

    def _open_step(self, step, title, **defaults):
        self.ensure_one()
        self._check_officer()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": "ajw.privacy.step",
            "view_mode": "form",
            "target": "new",
            "context": {"default_request_id": self.id, "default_step": step, **defaults},
        }

    # -- buttons ---------------------------------------------------------------------------------

    def action_start(self):
        """Take the request up: in progress."""
        self._check_officer()
        for request in self:
            request._step(state="progress")
        return True

    def action_wait(self):
        """Ask what is being waited for."""
        return self._open_step("wait", self.env._("Wait"))

    def action_extend(self):
        """Ask when and why the person was told that it takes longer."""
        return self._open_step("extend", self.env._("Extend the Deadline"))

    def action_answer(self):
        """Ask what was answered and done."""
        self._check_may_answer()
        self._check_copy()
        return self._open_step("answer", self.env._("Mark as Answered"))

    def action_answer_otherwise(self):
        """Ask how the data was given, when not by the copy made here."""
        self._check_may_answer()
        return self._open_step(
            "answer", self.env._("Given in Another Way"), default_given_otherwise=True
        )

    def action_refuse(self):
        """Ask for the reasons of the refusal."""
        return self._open_step("refuse", self.env._("Refuse"))

    def action_withdraw(self):
        """Ask how the person took the request back."""
        return self._open_step("withdraw", self.env._("Request Taken Back"))

    def action_open_contact(self):
        """The contact the request is about."""
        self.ensure_one()
        self.check_access("read")
        if not self.partner_id:
            raise UserError(self.env._("Choose the contact concerned first."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "view_mode": "form",
        }

    # -- what the steps do -----------------------------------------------------------------------

    def _check_may_answer(self, states=OPEN_STATES):
        """An answer that gives or changes data goes to a person who showed who they are.

        :param states: in which the answer can be given
        :raises UserError: not verified, or nobody it is about
        """
        self._check_officer(states)
        for request in self:
            if not request.needs_verification:
                continue
            if not request.partner_id:
                raise UserError(self.env._("Choose the contact %s is about first.", request.name))
            if not request.is_verified:
                raise UserError(
                    self.env._(
                        "%s is not verified yet: the answer would give or change data for "
                        "somebody who did not show who they are. Send a code to the email on "
                        "file, or record the document you saw.",
                        request.name,
                    )
                )

    def _check_copy(self):
        """Who asks for their data is answered with it.

        :raises UserError: there is no copy, or it has expired
        """
        for request in self:
            if request.with_copy and not request.package_ids[:1].is_valid:
                raise UserError(
                    self.env._(
                        "%s is answered with a copy of the data, and there is none that can be "
                        "downloaded. Make the copy first, or press “Given in Another Way” and say "
                        "how the person got it.",
                        request.name,
                    )
                )

    def _is_late(self, state):
        """Whether closing the request today is later than the law allows.

        The person has to be told of a refusal within the first period (Art. 12(4) GDPR): an
        extension is for answers.

        :param str state: ``answered`` or ``refused``
        """
        self.ensure_one()
        last = {"answered": self.deadline, "refused": self.base_deadline}.get(state)
        return bool(last) and fields.Date.context_today(self) > last

    def _do_wait(self, note):
        self._check_officer()
        self._step(state="waiting")
        self._log_step(self.env._("Waiting. %s", note))

    def _do_extend(self, told_on, reasons):
        """Record that the person was told, with reasons, that the answer takes longer.

        Art. 12(3) GDPR: two further months where necessary, if told within one month of receipt.

        :param date told_on: the day the person was told
        :param str reasons: what the person was told
        :raises UserError: no law allows it, or it was told too late
        """
        self.ensure_one()
        self._check_officer()
        _ = self.env._
        if self.extension_told_on:
            raise UserError(_("The deadline was extended already; the law allows it once."))
        if told_on > fields.Date.context_today(self):
            raise UserError(_("The day the person was told cannot lie in the future."))
        if told_on < self.received_on:
            raise UserError(_("The person cannot have been told before the request came."))
        if self.base_deadline and told_on > self.base_deadline:
            raise UserError(
                _(
                    "The person had to be told by %s. It is too late for an extension: answer as "
                    "soon as you can.",
                    self.base_deadline,
                )
            )
        decision = self._decision(told_on)
        if not decision or decision.deadline <= self.deadline:
            raise UserError(
                _("The law that sets this deadline allows no extension. Answer by %s.",
                  self.deadline)
            )  # fmt: skip
        self._step(extension_told_on=told_on, extension_reason=reasons, reminder="none")
        self.activity_unlink(["ajw_privacy.activity_soon"])
        self._log_step(
            _("Extended until %(deadline)s; the person was told on %(day)s.",
              deadline=self.deadline, day=told_on)
        )  # fmt: skip
        self._tell("extended")

    def _do_answer(self, note, otherwise=False):
        """Close as answered; the days in which the copy can be downloaded begin now.

        :param str note: what was answered and done; the person reads it in the portal
        :param bool otherwise: the data was given in another way than by the copy made here
        :raises UserError: not verified, or neither a copy nor given otherwise
        """
        self._check_may_answer()
        if not otherwise:
            self._check_copy()
        for request in self:
            request._close("answered", note)
            if request.with_copy and otherwise:
                request._step(given_otherwise=True)
                # what the officer did not give must not wait in the portal
                # sudo: users cannot delete copies
                request.sudo().package_ids.unlink()
                request._log_step(self.env._("The data was given in another way."))
            elif request.with_copy:
                request.package_ids[:1]._open_downloads()
            request._tell("answered")

    def _do_refuse(self, note):
        """Close as refused.

        :param str note: the reasons; the person gets them by email and reads them in the portal
        """
        self._check_officer()
        for request in self:
            request._close("refused", note)
            request._tell("refused")

    def _do_withdraw(self, note):
        self._check_officer()
        for request in self:
            request._close("withdrawn", note)

    def _close(self, state, note):
        self.ensure_one()
        # what is closed is not computed any more: the clock has to be known before
        self.flush_recordset()
        late = self._is_late(state)
        self._step(state=state, answer_note=note, closed_at=fields.Datetime.now(), closed_late=late)
        if late:
            self._log_step(
                self.env._(
                    "Closed late: it had to be told by %s.",
                    self.base_deadline if state == "refused" else self.deadline,
                )
            )
        # sudo: users cannot write codes
        self.env["ajw.privacy.verification"].sudo().search(
            [("request_id", "=", self.id), ("state", "=", "sent")]
        ).state = "void"
        self._finish_activities()
