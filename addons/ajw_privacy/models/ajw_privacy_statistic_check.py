from odoo import models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from .ajw_privacy_request import OFFICER_GROUP


class AjwPrivacyStatistic(models.Model):
    """The proof that the numbers hold nobody, and which rows belong to a company."""

    _inherit = "ajw.privacy.statistic"

    def _condition(self, source, company):
        """Which rows of a model are a company's.

        :return: SQL on ``t``, None where nobody can say
        """
        model = self.env[source.model]
        field = model._fields.get("company_id")
        if field and field.store:
            return SQL("t.company_id = %s", company.id)
        if source.model == "mail.message":
            return SQL("t.record_company_id = %s", company.id)
        return None

    def action_check(self):
        """Look for everybody in the numbers, and note the result.

        :return: notification with the result
        :raises AccessError: by somebody who is no officer
        """
        if not self.env.su and not self.env.user.has_group(OFFICER_GROUP):
            raise AccessError(self.env._("Only the data protection officer looks into this."))
        proof = self.env["ajw.privacy.statistic.proof"]._make()
        found = proof.finding_count
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if found else "success",
                "sticky": bool(found),
                "message": self.env._("%s places look like personal data.", found)
                if found
                else self.env._("Nobody was found in the statistics."),
            },
        }
