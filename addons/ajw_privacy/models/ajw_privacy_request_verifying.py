from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from ..engine import codes


class AjwPrivacyRequest(models.Model):
    """How a requester shows who they are."""

    _inherit = "ajw.privacy.request"

    def action_send_code(self):
        """Send a code to the email on file of the contact; a former code becomes void.

        :raises UserError: no contact, no email on file, or too many codes today
        """
        self.ensure_one()
        self._check_officer()
        _ = self.env._
        if self.is_verified:
            raise UserError(_("This request is verified already."))
        if not self.partner_id:
            raise UserError(_("Choose the contact concerned first: the code goes to its email."))
        if not self.partner_id.email_normalized:
            raise UserError(
                _(
                    "The contact has no valid email on file, and an address given only in the "
                    "request proves nothing. Check a document instead."
                )
            )
        # sudo: users cannot write codes
        sent = self.env["ajw.privacy.verification"].sudo().search(
            [("request_id", "=", self.id)], order="id desc"
        )  # fmt: skip
        day_ago = fields.Datetime.now() - timedelta(days=1)
        if len(sent.filtered(lambda code: code.create_date > day_ago)) >= codes.MAX_SENT_A_DAY:
            raise UserError(
                _(
                    "%s codes were sent within a day. Wait until tomorrow, or check a document.",
                    codes.MAX_SENT_A_DAY,
                )
            )
        sent.filtered(lambda code: code.state == "sent").state = "void"
        code = codes.generate()
        # Said explicitly: defaults of the caller must not give more tries.
        verification = sent.create(
            {
                "request_id": self.id,
                "state": "sent",
                "tries": 0,
                "code_hash": codes.seal(code),
                "expires_at": fields.Datetime.now() + timedelta(minutes=codes.VALID_MINUTES),
            }
        )
        # Apart from the chatter: the code must be readable nowhere in the database.
        self._mail_person(
            "ajw_privacy.mail_code",
            self.with_context(lang=self.partner_id.lang).env._(
                "Your code for %s", self.company_id.name
            ),
            {
                "code": code,
                "minutes": codes.VALID_MINUTES,
                "company": self.company_id.name,
                "reference": self.name,
            },
            verification,
        )
        if self.state == "new":
            self._step(state="verifying")
        return self.action_enter_code()

    def action_enter_code(self):
        """Ask for the code the person got."""
        return self._open_step("code", self.env._("Enter the Code"))

    def action_verify_document(self):
        """Ask what was seen."""
        return self._open_step("document", self.env._("Verify by Document"))

    def _check_code(self, entered):
        """Compare a code with the one sent last, and count wrong entries.

        Nothing is raised for a wrong code: that would roll the count back.

        :param str entered: as typed
        :return: None when it is the right one, else a sentence that says what to do
        """
        self.ensure_one()
        self._check_officer()
        _ = self.env._
        # sudo: users cannot read the hash
        code = self.env["ajw.privacy.verification"].sudo().search(
            [("request_id", "=", self.id)], order="id desc", limit=1
        )  # fmt: skip
        if not code or code.state != "sent":
            return _("There is no code to enter. Send a new one.")
        # two entries at once are counted one after the other
        code.lock_for_update()
        if code.expires_at <= fields.Datetime.now():
            code.state = "void"
            return _("The code has expired. Send a new one.")
        if not codes.matches(entered, code.code_hash):
            code.tries += 1
            left = codes.MAX_TRIES - code.tries
            if left <= 0:
                code.write({"state": "void", "code_hash": False})
                self._log_step(_("The code was entered wrongly too often and is void."))
                return _("Wrong too often: this code is void. Send a new one.")
            return _("That is not the code. %s tries are left.", left)
        code.write({"state": "used", "code_hash": False})
        self._set_verified("email_code")
        return None

    def _do_verify_document(self, note):
        self.ensure_one()
        self._check_officer()
        if not self.partner_id:
            raise UserError(self.env._("Choose the contact concerned first."))
        self._set_verified("document", note)

    def _set_verified(self, method, note=False):
        """Record who was shown to be the person, how, when and before whom."""
        self._step(
            verified_method=method,
            verified_at=fields.Datetime.now(),
            verified_by_id=self.env.uid,
            verified_note=note,
            **({"state": "progress"} if self.state in ("new", "verifying") else {}),
        )
        methods = dict(self._fields["verified_method"]._description_selection(self.env))
        self._log_step(self.env._("Verified: %s.", methods[method]))
