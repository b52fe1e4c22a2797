from odoo import api, fields, models

from ..cloud_api import errors
from .ajw_whatsapp_account import OWN_FIELDS

OWN_FIELDS.update({"stopped_code": 0})


class AjwWhatsappAccount(models.Model):
    """Where to go about what is wrong with an account."""

    _inherit = "ajw.whatsapp.account"

    stopped_code = fields.Integer(
        readonly=True, copy=False, help="Meta's code of the error that stopped the account."
    )
    stopped_url = fields.Char(
        string="Where to put it right",
        compute="_compute_stopped_url",
        help="The page at Meta where the cause is put right.",
    )

    @api.depends("state", "stopped_code")
    def _compute_stopped_url(self):
        for account in self:
            where = False
            if account.state == "stopped" and account.stopped_code:
                where = self.env["ajw.whatsapp.error"]._advice(account.stopped_code)["where"]
            account.stopped_url = where if where and where.startswith("https://") else False

    def _alert_of_review(self, code):
        """Tell the managers that Meta holds messages back until something was looked into; once.

        :param int code: Meta's error code
        """
        advice = self.env["ajw.whatsapp.error"]._advice(code, errors.HOLD)
        self._alert_managers_once(advice["sentence"], f"{advice['todo']} {advice['where'] or ''}")

    def _alert_managers_once(self, summary, note):
        """Give the managers something to do, unless they have it to do already.

        :param str summary: what happened, without personal data
        :param str note: what to do
        """
        self.ensure_one()
        # sudo: the activities of the managers, whoever is at work; what is done is none of them
        open_ones = self.sudo().with_context(active_test=True).activity_ids
        known = open_ones.filtered(lambda activity: activity.summary == summary).user_id
        for manager in self._managers() - known:
            self.activity_schedule(
                "mail.mail_activity_data_todo", user_id=manager.id, summary=summary, note=note
            )
