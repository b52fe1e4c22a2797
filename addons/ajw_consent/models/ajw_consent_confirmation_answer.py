from datetime import timedelta
from typing import Any, NamedTuple

from odoo import api, fields, models

from ..tools.address import PHONE_CHANNELS
from ..tools.invitation import new_code
from .ajw_consent_confirmation import OPEN
from .ajw_consent_message_code import CODE_HOURS


class Asked(NamedTuple):
    """What a link asks to confirm: a problem's code and the row, where it is known."""

    problem: str
    row: Any = None


class AjwConsentConfirmation(models.Model):
    """Confirming: by the page of a link, or by a message from the number."""

    _inherit = "ajw.consent.confirmation"

    @api.model
    def _resolve(self, token):
        """Return what a link asks. Reads only.

        :param str token: as it stands in the address
        :rtype: Asked
        """
        row = self._find_by_token(token)
        if not row:
            return Asked("unknown")
        if row.state == "confirmed":
            return Asked("confirmed_before", row)
        if row.state == "expired" or row.expires_at <= fields.Datetime.now():
            return Asked("expired", row)
        if not row.partner_id or not row.partner_id.active:
            return Asked("contact_gone", row)
        if row.state not in OPEN or row._ajw_stale() or not row._still_waiting():
            return Asked("nothing_to_confirm", row)
        if not row._email_proves():
            return Asked("not_by_email", row)
        if self.env["ajw.consent.keyring"]._check():
            return Asked("unavailable", row)
        return Asked("", row)

    def _email_proves(self):
        """Whether who reads the email is the one whose yes counts."""
        self.ensure_one()
        if self.channel == "email":
            return bool(self.address) and self.email == self.address
        return self.address not in self.partner_id._ajw_unproven_numbers()

    @api.model
    def _confirm_by_link(self, token, ip):
        """Confirm what a link asks.

        :param str token: as it stands in the address
        :param str ip: the person's IP address
        :rtype: Asked
        """
        asked = self._resolve(token)
        if asked.problem:
            return asked
        row = asked.row
        note = self.env._("Link in an email to %s, and the button on its page", row.email)
        row._confirm("email", "email_link", {"ip": ip, "note": note, "actor": row.email})
        return asked

    def _confirm(self, by, method, evidence, occurred_at=None):
        """Write the confirmation to the ledger, once.

        :param str by: see ``confirmed_by``
        :param str method: see ``selections.METHODS``
        :param dict evidence: see ``ajw.consent.event._record``
        :param datetime occurred_at: when the person confirmed (naive UTC), now if not given
        """
        self.ensure_one()
        row = self.sudo()  # sudo: the person is nobody's user; the token or number is the right
        # First the row: a second window waits here, is made to start again, and finds it done.
        row.write(
            {
                "state": "confirmed",
                "confirmed_at": fields.Datetime.now(),
                "confirmed_by": by,
                "code_hash": False,
            }
        )
        row.flush_recordset()
        # Then the subject, so that a withdrawal of the same moment is seen or waits.
        subjects = row.event_ids.subject_id
        subjects._bump()
        self.env["ajw.consent.state"].invalidate_model()
        waiting = row._still_waiting()
        open_pairs = {(state.subject_id.id, state.purpose_id.id) for state in waiting}
        row.confirming_event_ids = self.env["ajw.consent.event"]._append(
            subjects,
            waiting.purpose_id,
            row.channel,
            row.address or "",
            "confirmed",
            method,
            None,
            {"name": row.partner_id.name or "", **evidence},
            occurred_at,
            skip={
                (subject.id, purpose.id)
                for subject in subjects
                for purpose in waiting.purpose_id
                if (subject.id, purpose.id) not in open_pairs
            },
        )

    # ------------------------------------------------------------------
    # By a message from the number
    # ------------------------------------------------------------------

    def _new_code(self):
        """Make a code that a WhatsApp message from the number confirms with; ends the one before.

        :return: the code, or ``""`` when a message cannot confirm this
        """
        self.ensure_one()
        row = self.sudo()  # sudo: the page it is for has established who the person is
        if row.state not in OPEN or row.channel not in PHONE_CHANNELS:
            return ""
        if not row.company_id._ajw_card_number():
            return ""
        code = new_code()
        until = fields.Datetime.now() + timedelta(hours=CODE_HOURS)
        row.write(
            {
                "code_hash": self._code_digest(code),
                "code_expires_at": min(until, row.expires_at),
            }
        )
        return code

    @api.model
    def _confirm_by_message(self, controller, number, text, occurred_at):
        """Confirm what a message with a code from the number confirms.

        :param controller: res.company that the message was written to
        :param str number: the sender's, with leading +
        :param str text: the message
        :param datetime occurred_at: when it was sent, naive UTC
        :return: as ``ajw.consent.invitation._confirm_by_message``
        """
        row, occurred_at, problem = self._read_code(controller, number, text, occurred_at, OPEN)
        if not row or problem:
            return problem
        if not row.partner_id.active or not row._still_waiting():
            return "code_contact_changed"
        note = self.env._("Confirmed by a WhatsApp message from the number: %s", text[:200])
        row._confirm(
            "whatsapp", "whatsapp_message", {"note": note, "actor": row.address}, occurred_at
        )
        return ""


class AjwConsentInvitation(models.Model):
    _inherit = "ajw.consent.invitation"

    @api.model
    def _confirm_by_message(self, controller, number, text, occurred_at):
        # EXTENDS here: a code is of a paper or of a double opt-in
        result = super()._confirm_by_message(controller, number, text, occurred_at)
        if result is None:
            result = self.env["ajw.consent.confirmation"]._confirm_by_message(
                controller, number, text, occurred_at
            )
        return result
