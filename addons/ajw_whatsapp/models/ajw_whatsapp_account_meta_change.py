from odoo import models


class AjwWhatsappAccount(models.Model):
    """What Meta reports about the account, the number and the business."""

    _inherit = "ajw.whatsapp.account"

    def _note_meta_change(self, field, value, at):
        """Take in what Meta reports about the account, outside of messages and templates.

        :param str field: the field of the webhook, for example ``account_update``
        :param dict value: what was reported, as Meta worded it; anything may stand in it
        :param datetime at: when, naive UTC
        :return: whether it was understood; if not, it is counted as not handled
        :rtype: bool
        """
        self.ensure_one()
        return False
