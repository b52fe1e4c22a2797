import hashlib

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .ajw_whatsapp_account import OWN_FIELDS

OWN_FIELDS.update({"put_right_at": False})

#: What the connection to Meta is made of, see ``_get_client``.
_MADE_OF = ("base_url", "api_version", "phone_number_id", "waba_id", "app_id")


class AjwWhatsappAccount(models.Model):
    """Telling the connection as it is now from the one as it was before somebody changed it."""

    _inherit = "ajw.whatsapp.account"

    put_right_at = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the access token was last replaced, or the connection test passed. What Meta "
        "reports of messages from before does not stop the account.",
    )

    def _store_secret(self, name):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this model
        replaced = self.filtered(
            lambda account: account.has_access_token and (account[name] or "").strip()
        )
        super()._store_secret(name)
        if name == "access_token":
            replaced._note_put_right()

    def action_test_connection(self):
        # EXTENDS this model
        result = super().action_test_connection()
        self._note_put_right()
        return result

    def _note_put_right(self):
        """Keep the moment, by the clock that claims are dated with: the database's."""
        self.env.cr.execute(SQL("SELECT clock_timestamp() AT TIME ZONE 'UTC'"))
        [moment] = self.env.cr.fetchone()
        # sudo: this field sets itself
        self.sudo().put_right_at = moment.replace(microsecond=0)

    def _connection_mark(self):
        """Return what differs once the token, a secret, an id or the address is another.

        A secret that is only encrypted anew, with a newer key, stays the same. Marks are compared
        within a process and never stored.

        :return: a digest, of which nothing can be read; ``None`` when the secrets cannot be
        :rtype: str | None
        """
        self.ensure_one()
        account_sudo = self.sudo()  # sudo: whoever sends needs them, only managers see them
        values = [account_sudo[name] or "" for name in _MADE_OF]
        try:
            values += [self._read_secret("access_token"), self._read_secret("app_secret")]
        except UserError:
            return None
        return hashlib.sha256(repr(values).encode()).hexdigest()

    def _is_former(self, connection):
        """Tell whether Meta was asked over a connection that is not the account's any more.

        :param str connection: a mark; ``None`` when it is not known
        :rtype: bool
        """
        return bool(connection) and connection != self._connection_mark()

    def _stop_by_report(self, message, code, said):
        """Stop the account because of a message that Meta took and could not deliver.

        Such reports come for hours: those on messages from before somebody put the account right
        would stop it again and again. If it is not right, the next message finds out.

        :param message: the ``ajw.whatsapp.message`` that was reported on
        :param int code: Meta's error code
        :param str said: what Meta said
        """
        # both by the database's clock: a new try of the message is always later
        if self.put_right_at and message.claimed_at and message.claimed_at < self.put_right_at:
            return
        self._stop(code, said)
