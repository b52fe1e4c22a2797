import logging

from odoo import api, models, modules
from odoo.modules.registry import Registry
from odoo.tools.misc import clean_context

_logger = logging.getLogger(__name__)


class AjwPrivacyRequest(models.Model):
    """What the person is told by email: at the address on file, never at one given in a request.

    Art. 12(3) and (4) GDPR: what was done, an extension, and a refusal with its reasons.
    """

    _inherit = "ajw.privacy.request"

    def _tell(self, step):
        """Tell the person of a step; the note of it says whether that worked.

        :param str step: ``answered``, ``refused`` or ``extended``
        """
        self.ensure_one()
        if not self.partner_id.email_normalized:
            self._log_step(
                self.env._(
                    "No email was sent: there is no address on file. Tell the person another way."
                )
            )
            return
        _ = self.with_context(lang=self.partner_id.lang).env._
        company = self.company_id.name
        subject = {
            "answered": _("%s answered your request", company),
            "refused": _("%s refused your request", company),
            "extended": _("%s needs longer to answer your request", company),
        }[step]
        reasons = {"refused": self.answer_note, "extended": self.extension_reason}.get(step)
        # sudo: only whether the contact has a login
        login = self.sudo().partner_id.user_ids[:1]
        values = {
            "step": step,
            "company": company,
            "reference": self.name,
            "reasons": reasons,
            "deadline": self.deadline,
            "link": f"{self.get_base_url()}/my/privacy" if login else False,
        }
        self._mail_person("ajw_privacy.mail_step", subject, values)

    def _mail_person(self, template, subject, values, code=None):
        """Mail the contact, apart from the chatter, once the transaction is done.

        :param str template: QWeb template of the text
        :param code: the ajw.privacy.verification whose code is in the text
        """
        partner = self.partner_id
        # Defaults of the caller must not add a recipient.
        env = self.with_context(clean_context(self.env.context), lang=partner.lang).env
        # sudo: an officer need not be allowed to send mail; auto_delete: it tells of a request
        mail = env["mail.mail"].sudo().create(
            {
                "subject": subject,
                "body_html": env["ir.qweb"]._render(template, values),
                "email_to": partner.email_normalized,
                "email_from": self.company_id.email_formatted or env.user.email_formatted,
                "auto_delete": True,
            }
        )  # fmt: skip
        if modules.module.current_test:
            # the transaction of a test is never done
            self._send_mail(mail, code)
            return
        dbname, uid, context = env.cr.dbname, env.uid, dict(self.env.context)
        request_id, mail_id, code_id = self.id, mail.id, code and code.id

        @env.cr.postcommit.add
        def send():
            # The step is taken and stays so: an error now would tell the officer otherwise. What
            # was not sent waits in the mail queue, which tries again.
            try:
                with Registry(dbname).cursor() as cr:
                    after = api.Environment(cr, uid, context)
                    after[self._name].browse(request_id)._send_mail(
                        after["mail.mail"].sudo().browse(mail_id),
                        # sudo: users cannot write codes
                        after["ajw.privacy.verification"].sudo().browse(code_id or ()),
                    )
            except Exception as error:  # noqa: BLE001 - its text may name the address
                _logger.warning(
                    "Mail of privacy request %s left to the queue: %s",
                    request_id,
                    type(error).__name__,
                )

    def _send_mail(self, mail, code):
        """Send now, and note what became of it. Nothing of a mail that failed is kept.

        :param mail: mail.mail
        :param code: ajw.privacy.verification; void when its mail fails
        """
        _ = self.env._
        if not mail.exists():  # the mail queue was faster
            return
        # else a mail with a bad address vanishes as one that was sent does
        mail.auto_delete = False
        mail.send()
        if mail.state == "sent":
            mail.unlink()
            self._log_step(
                _("A code was sent to the email on file.")
                if code
                else _("The person was told by email, at the address on file.")
            )
            return
        mail.auto_delete = True
        if mail.state != "exception":
            return
        # the reason of the server may name the address
        _logger.warning(
            "Mail of privacy request %s failed: %s", self.id, mail.failure_type or "unknown"
        )
        mail.unlink()
        if code:
            code.write({"state": "void", "code_hash": False})
            text = _(
                "The code could not be sent and is void. Have the outgoing mail server and the "
                "email of the contact checked, or check a document."
            )
        else:
            text = _(
                "The email to the person could not be sent. Tell the person another way, and "
                "have the outgoing mail server checked."
            )
        self._log_step(text)
        self.env.user._bus_send(
            "simple_notification",
            {"title": self.name, "message": text, "type": "danger", "sticky": True},
        )
