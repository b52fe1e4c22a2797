from datetime import timedelta

from odoo import fields, models

from .ajw_whatsapp_account import OWN_FIELDS

#: A webhook call is noted on the account at most this often: many come in, and the account's row is
#: the sender's too.
NOTE_MINUTES = 1

OWN_FIELDS.update({"webhook_received_at": False, "webhook_refused_at": False})


class AjwWhatsappAccount(models.Model):
    """When Meta last called, believed or not."""

    _inherit = "ajw.whatsapp.account"

    webhook_received_at = fields.Datetime(
        string="Last webhook",
        readonly=True,
        copy=False,
        help="When Meta last called with a signature that fits, to the minute.",
    )
    webhook_refused_at = fields.Datetime(
        string="Last refused webhook",
        readonly=True,
        copy=False,
        help="When a call last came whose signature did not fit the stored app secret, to the "
        "minute.",
    )

    def _note_webhook(self, believed):
        """Note that a webhook call came in, unless one was noted just now.

        A concurrent change of the account is not waited for: the next call notes it.

        :param bool believed: whether the signature fitted
        """
        self.ensure_one()
        name = "webhook_received_at" if believed else "webhook_refused_at"
        now = fields.Datetime.now()
        if self[name] and now - self[name] < timedelta(minutes=NOTE_MINUTES):
            return
        account = self.try_lock_for_update()
        if account:
            account.write({name: now})
