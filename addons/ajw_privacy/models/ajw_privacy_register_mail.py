import base64

from markupsafe import Markup

from odoo import api, models
from odoo.fields import Command

#: Id of the last entry that was mailed, by company: the register itself is never written to.
PARAMETER = "ajw_privacy.register_mailed.%s"


class AjwPrivacyRegister(models.Model):
    """The register out of the database, every day on which it grew: a backup has only the old."""

    _inherit = "ajw.privacy.register"

    @api.model
    def _mail_new(self, company):
        """Mail the whole register of a controller to its officers if it grew.

        :param company: res.company
        :return: whether a mail was put into the queue
        """
        # sudo: the register goes out whoever runs the reminders
        register = self.sudo().search([("company_id", "=", company.id)])
        parameters = self.env["ir.config_parameter"].sudo()
        newest = max(register.ids, default=0)
        if newest <= int(parameters.get_param(PARAMETER % company.id) or 0):
            return False
        # those who get the seals of the consent ledger: who answers for the data
        recipients = company._ajw_seal_recipients()
        if not recipients:
            return False
        name, content = register._file()
        body = self.env._(
            "This is the register of erasures of %(company)s, %(count)s in all. It names nobody: "
            "it holds keyed digests. Keep this email apart from your backups. When a backup was "
            "restored, run “odoo ajw_privacy_replay -d DATABASE --register FILE” before anybody "
            "works with it: who was erased since is erased again.",
            company=company.name,
            count=len(register),
        )
        # sudo: the queue of mails is nobody's
        self.env["mail.mail"].sudo().create(
            {
                "subject": self.env._("Keep this: register of erasures of %s", company.name),
                "body_html": Markup("<p>%s</p>") % body,
                "email_from": company.email_formatted or self.env.user.email_formatted,
                "email_to": ", ".join(recipients),
                "auto_delete": True,
                "attachment_ids": [
                    Command.create({"name": name, "datas": base64.b64encode(content)}),
                ],
            }
        )
        parameters.set_param(PARAMETER % company.id, str(newest))
        return True
