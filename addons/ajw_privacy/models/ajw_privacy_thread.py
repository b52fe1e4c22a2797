from odoo import models
from odoo.exceptions import UserError


class AjwPrivacyThread(models.AbstractModel):
    """A conversation that tells of people: only who may read the record may follow it.

    Odoo lets whoever may write a record make any contact follow it, and mails every message to
    the followers.
    """

    _name = "ajw.privacy.thread"
    _inherit = "mail.thread"
    _description = "Confidential conversation"

    def message_subscribe(self, partner_ids=None, subtype_ids=None):
        # EXTENDS 'mail'
        if outsiders := self._ajw_outsiders(partner_ids):
            raise UserError(
                self.env._(
                    "%s may not read this and cannot follow it. Write to the person yourself "
                    "instead.",
                    ", ".join(outsiders.mapped("display_name")),
                )
            )
        return super().message_subscribe(partner_ids, subtype_ids)

    def _message_subscribe(self, partner_ids=None, subtype_ids=None, customer_ids=None):
        # EXTENDS 'mail': what Odoo itself would add, the author of a message for one
        outsiders = set(self._ajw_outsiders(partner_ids).ids)
        insiders = [each for each in partner_ids or [] if each not in outsiders]
        return super()._message_subscribe(insiders, subtype_ids, customer_ids)

    def _ajw_outsiders(self, partner_ids):
        """Return those of some contacts who have no login that may read all of these records.

        :param partner_ids: ids of res.partner, or ``None``
        :return: res.partner, of superuser
        """
        # sudo: whoever adds followers need not see logins
        partners = self.env["res.partner"].sudo().browse(partner_ids or [])
        return partners.filtered(
            lambda partner: (
                not any(
                    self.with_user(user)
                    .with_context(allowed_company_ids=user.company_ids.ids)
                    .has_access("read")
                    for user in partner.user_ids
                    if user.active and not user.share
                )
            )
        )
