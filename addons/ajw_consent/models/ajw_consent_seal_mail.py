import base64
import logging

from odoo import api, fields, models

from ..tools.collisions import COLLISIONS
from .ledger_guard import LEDGER_SENTINEL

_logger = logging.getLogger(__name__)

#: Seals of a company mailed at once, the last ones first, after a time without recipients.
MAIL_AT_ONCE = 100


class AjwConsentSeal(models.Model):
    """The email that carries a seal out of this database, and what becomes of it."""

    _inherit = "ajw.consent.seal"

    @api.model
    def _mail_unsent(self):
        """Put the emails of seals that reached nobody into the mail queue."""
        # sudo: every controller's
        seals = self.sudo()
        domain = [("mail_state", "in", ("to_send", "failed", "nobody"))]
        # Company by company: one that has no recipient must not hold up the others.
        for (controller,) in seals._read_group(domain, ["company_id"]):
            own = [*domain, ("company_id", "=", controller.id)]
            seals.search(own, order="sequence desc", limit=MAIL_AT_ONCE)._mail()

    def _mail(self):
        """Put the emails of these seals into the mail queue and note it on them."""
        for seal in self.with_context(ajw_ledger=LEDGER_SENTINEL):
            try:
                with self.env.cr.savepoint():
                    seal._mail_one()
            except COLLISIONS:
                raise
            except Exception as error:  # noqa: BLE001 - said on the seal; the next run tries again
                _logger.warning("The email of seal %s: %s", seal.id, type(error).__name__)
                seal.write({"mail_state": "failed", "mail_error": str(error)[:200]})
        if "queued" in self.mapped("mail_state"):
            # A seal proves something from the moment it lies elsewhere.
            self.env["ajw.consent.mail.queue"]._wake_mails()

    def _mail_one(self):
        recipients = self.company_id._ajw_seal_recipients()
        if not recipients:
            self.write({"mail_state": "nobody", "mail_error": False})
            return
        template = self.env.ref("ajw_consent.mail_template_seal").with_company(self.company_id)
        self.write(
            {"mail_state": "queued", "mailed_to": ", ".join(recipients), "mail_error": False}
        )
        template.send_mail(self.id, email_values={"email_to": ", ".join(recipients)})

    def _process_attachments_for_template_post(self, mail_template):
        """The seal's file, for whichever template mails it; see ``mail.template``."""
        files = {}
        for seal in self:
            name, content = seal._file()
            files[seal.id] = {"attachments": [(name, base64.b64encode(content))]}
        return files

    @api.model
    def _mail_outcome(self, mails, failure_reason, failure_type):
        """Take over what became of some mails.

        :param mails: mail.mail that were tried
        :param str failure_reason: what went wrong, in words
        :param str failure_type: Odoo's code for it; ``None`` when they were sent
        """
        # sudo: whoever runs the mail queue need not see seals
        seals = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        for mail in mails.filtered(lambda mail: mail.model == self._name):
            seal = seals.browse(mail.res_id).exists()
            if failure_type:
                reason = failure_reason or mail.failure_reason or failure_type
                seal.write({"mail_state": "failed", "mail_error": str(reason)[:200]})
            else:
                now = fields.Datetime.now()
                seal.write({"mail_state": "sent", "mailed_at": now, "mail_error": False})

    @api.model
    def _mail_gone(self, mails):
        """Note on seals that their emails will not leave: the next run makes new ones.

        :param mails: mail.mail that are cancelled or deleted
        """
        ids = mails.filtered(lambda mail: mail.model == self._name).mapped("res_id")
        # sudo: see _mail_outcome
        seals = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL).browse(ids).exists()
        seals.filtered(lambda seal: seal.mail_state == "queued").write({"mail_state": "to_send"})


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        # EXTENDS 'mail': before super, which deletes the mails that went out
        self.env["ajw.consent.seal"]._mail_outcome(self, failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self.env["ajw.consent.seal"]._mail_gone(self)
        return result

    def unlink(self):
        # EXTENDS 'mail'
        self.env["ajw.consent.seal"]._mail_gone(self)
        return super().unlink()
