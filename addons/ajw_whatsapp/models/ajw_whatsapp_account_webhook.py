import logging
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import ormcache

from odoo.addons.ajw_consent.tools.keyring import KeyringError

from ..cloud_api import webhook
from .ajw_whatsapp_account import OWN_FIELDS

_logger = logging.getLogger(__name__)

#: A webhook call is noted on the account at most this often: many come in, and the account's row is
#: the sender's too.
NOTE_MINUTES = 1

OWN_FIELDS.update({"webhook_received_at": False, "webhook_refused_at": False})

#: What the answer to a webhook call rests on, see :meth:`AjwWhatsappAccount._webhook_target`.
_TARGET_FIELDS = {"webhook_path", "app_secret", "app_secret_cipher", "company_id"}

#: (database, account, believed) → when a call was noted last, on the clock of this process. Only
#: saves a query.
_noted = {}


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

    # ------------------------------------------------------------------
    # Answering: Meta waits, and calls hundreds of times a second
    # ------------------------------------------------------------------

    @api.model
    @ormcache("path")
    def _webhook_target(self, path):
        """Return what a call is checked against.

        :param str path: the last part of the webhook's address
        :return: (account id, company id, the app secret's ciphertext)
        :raises LookupError: no account has this path; that is not kept, for anybody can guess
        """
        account = self.with_context(active_test=False).search([("webhook_path", "=", path)])
        if not account:
            raise LookupError(path)
        return account.id, account.company_id.id, account.app_secret_cipher or ""

    @api.model
    def _of_webhook(self, path):
        """Return the account of a webhook path, archived ones included: STOP counts there too."""
        if "\0" in path:  # which no database can hold
            return self.browse()
        try:
            return self.browse(self._webhook_target(path)[0])
        except LookupError:
            return self.browse()

    def _believes(self, path, body, signature):
        """Tell whether a call was signed with this account's app secret.

        :param str path: the last part of the webhook's address
        :param bytes body: the raw body
        :param str signature: value of the header, or ``None``
        :rtype: bool
        :raises UserError: the keys are missing or wrong, so nothing can be checked
        """
        kept = self._kept_secret(path)
        if webhook.signature_is_valid(body, signature, kept):
            return True
        # What was kept may be older than what another process stored a moment ago.
        stored = self._read_secret("app_secret")
        if not stored:
            _logger.warning("Webhook of WhatsApp account %s: no app secret is stored", self.id)
        if stored == kept:
            return False
        self.env.registry.clear_cache()
        return webhook.signature_is_valid(body, signature, stored)

    def _kept_secret(self, path):
        cipher = self._webhook_target(path)[2]
        if not cipher:
            return None
        try:
            return self._get_keyring().decrypt(cipher)
        except KeyringError:
            return None  # its key was replaced since; the one that is stored was encrypted anew

    def _forget_targets(self):
        """Have every process look its targets up anew, once more after the commit."""
        self.env.registry.clear_cache()
        self.env.cr.postcommit.add(self.env.registry.clear_cache)

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS here
        accounts = super().create(vals_list)
        self._forget_targets()
        return accounts

    def write(self, vals):
        # EXTENDS here
        result = super().write(vals)
        if vals.keys() & _TARGET_FIELDS:
            self._forget_targets()
        return result

    def unlink(self):
        # EXTENDS here
        result = super().unlink()
        self._forget_targets()
        return result

    def _note_webhook(self, believed):
        """Note that a webhook call came in, unless one was noted just now.

        A concurrent change of the account is not waited for: the next call notes it.

        :param bool believed: whether the signature fitted
        """
        self.ensure_one()
        key, clock = (self.env.cr.dbname, self.id, believed), time.monotonic()
        if clock - _noted.get(key, -60 * NOTE_MINUTES) < 60 * NOTE_MINUTES:
            return
        name = "webhook_received_at" if believed else "webhook_refused_at"
        now = fields.Datetime.now()
        if self[name] and now - self[name] < timedelta(minutes=NOTE_MINUTES):
            _noted[key] = clock
            return
        account = self.try_lock_for_update()
        if account:
            account.write({name: now})
            self.env.cr.postcommit.add(lambda: _noted.update({key: clock}))

    def _find_partner(self, number):
        """Return the one contact a number belongs to, as far as that is certain, else none.

        :param str number: E.164 with leading +, or ``None``
        """
        partners = self.env["res.partner"]
        if not number:
            return partners
        written_to = self._outbox._read_group(
            [
                ("company_id", "=", self.company_id.id),
                ("direction", "=", "outbound"),
                ("number", "in", list(self._addresses_of(number))),
                ("partner_id", "!=", False),
            ],
            ["partner_id"],
        )
        if written_to:
            return written_to[0][0] if len(written_to) == 1 else partners
        domain = Domain("phone_sanitized", "=", number) | Domain("ajw_whatsapp_number", "=", number)
        found = partners.search(
            domain & Domain("company_id", "in", (False, self.company_id.id)), limit=2
        )
        return found if len(found) == 1 else partners
