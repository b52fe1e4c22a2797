from odoo import api, models

from .account_move_send import METHOD


class AccountMoveSend(models.AbstractModel):
    """The email that goes out in place of a WhatsApp message, and what becomes of it."""

    _inherit = "account.move.send"

    @api.model
    def _get_default_sending_methods(self, move):
        # EXTENDS 'account': e-invoicing stays first
        methods = super()._get_default_sending_methods(move)
        if move._ajw_whatsapp_goes_by_email():
            return {*methods, "email"} - {METHOD, "manual", "snailmail"}
        return methods

    @api.model
    def _hook_if_errors(self, moves_data, allow_raising=True):
        # EXTENDS 'account'
        for move, move_data in self._ajw_whatsapp_by_email_instead(moves_data).items():
            error = move_data["error"]
            if isinstance(error, str) or not error.get("retry"):
                self._ajw_whatsapp_not_by_email_either(move, move_data)
        return super()._hook_if_errors(moves_data, allow_raising=allow_raising)

    @api.model
    def _hook_if_success(self, moves_data, from_cron=False):
        # EXTENDS 'account': nobody may be left whom the email goes to
        for move, move_data in self._ajw_whatsapp_by_email_instead(moves_data).items():
            if not self._is_applicable_to_move("email", move, **move_data):
                self._ajw_whatsapp_not_by_email_either(move, move_data)
        return super()._hook_if_success(moves_data, from_cron)

    def _ajw_whatsapp_by_email_instead(self, moves_data):
        """Return those of the invoices that go out by email in place of WhatsApp."""
        return {
            move: move_data
            for move, move_data in moves_data.items()
            if move._ajw_whatsapp_goes_by_email()
        }

    def _ajw_whatsapp_not_by_email_either(self, move, move_data):
        """Leave to a person what was to go out by email in place of WhatsApp, and did not."""
        move._ajw_whatsapp_complain(
            self.env._(
                "Neither WhatsApp nor email took it to the customer. The invoice's messages say "
                "more."
            ),
            self.env["res.users"].browse(move_data.get("author_user_id")),
        )
