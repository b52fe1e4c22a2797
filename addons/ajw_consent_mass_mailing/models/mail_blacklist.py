from odoo import api, models
from odoo.http import request


class MailBlacklist(models.Model):
    """Whoever asks for no more mailings withdraws advertising by email, on record."""

    _inherit = "mail.blacklist"

    @api.model_create_multi
    def create(self, vals_list):
        # EXTENDS 'mail'
        known = set(self.sudo().search([("email", "in", [v.get("email") for v in vals_list])]).ids)
        entries = super().create(vals_list)
        entries.filtered(lambda entry: entry.id not in known)._ajw_withdraw()
        return entries

    def write(self, vals):
        # EXTENDS 'mail'
        result = super().write(vals)
        if vals.get("active") or vals.get("email"):
            self._ajw_withdraw()
        return result

    def _ajw_withdraw(self):
        emails = self.filtered("active").mapped("email")
        self.env["ajw.consent.event"]._ajw_withdraw_marketing(
            "email", emails, self.env._("Put on the blacklist of mailings.")
        )


class AjwConsentEvent(models.Model):
    _inherit = "ajw.consent.event"

    @api.model
    def _ajw_withdraw_marketing(self, channel, addresses, note, link=False):
        """Record that people want no more advertising on an address, towards every controller.

        Blacklists and mailing lists belong to all companies of the database, and so does what is
        said there. A page that was only fetched records nothing: programs that look for viruses
        follow links, too.

        :param str channel: channel key
        :param addresses: iterable of addresses
        :param str note: where it was said; kept as evidence
        :param bool link: the app's page takes the person's word by GET, after they typed their
            number: no program does that
        """
        addresses = sorted({address for address in addresses if address})
        if not addresses or self.env.context.get("ajw_consent_no_withdrawal"):
            return
        if not link and request and request.httprequest.method in ("GET", "HEAD"):
            return
        # sudo: whoever withdraws is nobody's user, or a marketer without rights to the ledger
        purposes = self.env["ajw.consent.purpose"].sudo().with_context(active_test=False)
        purposes = purposes.search([("is_marketing", "=", True)])
        companies = self.env["res.company"].sudo().search([("parent_id", "=", False)])
        internal = self.env.user._is_internal() or self.env.su and not request
        for controller in companies:
            self._withdraw_address(
                controller,
                channel,
                addresses,
                "back_office" if internal else "email_link",
                purposes=purposes,
                evidence={"note": note},
            )
