import secrets

from odoo import api, fields, models


class ResCompany(models.Model):
    """The public page of a controller's notices."""

    _inherit = "res.company"

    _ajw_personal_data = {
        "ajw_consent_notice_key": {
            "category": "technical",
            "erase": "none",
            "reason": "Random; stands for the company in the address of its public notices.",
        },
    }

    # Random, so that the companies of a database cannot be counted from outside.
    ajw_consent_notice_key = fields.Char(groups=fields.NO_ACCESS, copy=False)

    _ajw_consent_notice_key_unique = models.UniqueIndex(
        "(ajw_consent_notice_key) WHERE ajw_consent_notice_key IS NOT NULL"
    )

    def _ajw_notice_url(self, notice=None):
        """Return the public address of a controller's notices, made when there is none yet.

        :param notice: ``ajw.consent.notice`` to show; the one in force if not given
        """
        self.ensure_one()
        controller = self.ajw_consent_controller_id.sudo()  # sudo: the address is public
        if not controller.ajw_consent_notice_key:
            controller.ajw_consent_notice_key = secrets.token_urlsafe(16)
        url = f"{self.get_base_url()}/ajw/consent/notice/{controller.ajw_consent_notice_key}"
        if notice:
            url += f"?version={notice.version}&lang={notice.lang}"
        return url

    @api.model
    def _ajw_find_by_notice_key(self, key):
        """Return the controller of a public address, or an empty record."""
        if not key or len(key) > 64 or not key.isascii():
            return self.browse()
        # sudo: the key is public, companies are not
        return self.sudo().search([("ajw_consent_notice_key", "=", key)], limit=1)
