from collections import Counter

from odoo import api, fields, models
from odoo.tools.mail import email_normalize_all


class MailingMailing(models.Model):
    """What a mailing is for, and on whose behalf; the gate decides who gets it."""

    _inherit = "mailing.mailing"

    ajw_purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        "Consent Purpose",
        default=lambda self: self._ajw_default_purpose(),
        ondelete="restrict",
        help="What the mailing is for. Where its legal basis is consent, only those who agreed "
        "get it; else all but those who said no.",
    )
    ajw_company_id = fields.Many2one(
        "res.company",
        "Consent Towards",
        default=lambda self: self.env.company,
        ondelete="restrict",
        help="The company on whose behalf the mailing goes out.",
    )

    def _ajw_default_purpose(self):
        return self.env.ref("ajw_consent.purpose_marketing", raise_if_not_found=False)

    def _ajw_asked_for(self):
        """Return ``(controller, purpose)`` of the mailing."""
        self.ensure_one()
        # sudo: whoever mails need not see the settings of consent
        mailing = self.sudo()
        purpose = mailing.ajw_purpose_id or mailing._ajw_default_purpose()
        return (mailing.ajw_company_id or self.env.company).ajw_consent_controller_id, purpose

    @api.model
    def _ajw_addressees(self, records, addresses):
        """Return ``(res_id, address)`` → ``(partner id or False, address)``.

        The contact of a document counts where the mailing goes to that contact's own address.

        :param dict addresses: res_id → list of addresses
        """
        partners = records._mail_get_partners()
        addressees = {}
        for res_id, every in addresses.items():
            found = partners.get(res_id, self.env["res.partner"])
            for address in every:
                same = found.filtered(
                    lambda partner, own=address: (
                        own == partner.phone_sanitized or own in email_normalize_all(partner.email)
                    )
                )
                addressees[res_id, address] = (same[:1].id, address)
        return addressees

    @api.model
    def _ajw_refusals(self, controller, purpose, channel, records, addresses, lock=False):
        """Return res_id → reason code of the recipients who must not be written to.

        A recipient with several addresses is written to at all of them, or at none.

        :param controller: res.company
        :param purpose: ``ajw.consent.purpose``, one record or none; when its legal basis is not
            consent, everybody may be written to but who said no
        :param str channel: channel key
        :param records: the recipients that still exist
        :param dict addresses: res_id → list of normalised addresses
        :param bool lock: see ``ajw.consent.gate._check``
        """
        # sudo: whoever mails need not see the ledger
        answers = (
            self.env["ajw.consent.gate"]
            .sudo()
            ._check_addresses(
                controller.sudo(),
                purpose.sudo(),
                channel,
                self._ajw_addressees(records, addresses),
                needs_opt_in=not purpose or purpose.sudo().legal_basis == "consent",
                lock=lock,
            )
        )
        refusals = {}
        for (res_id, _address), answer in answers.items():
            if not answer.allowed:
                refusals.setdefault(res_id, answer.reason)
        return refusals

    def action_ajw_preview(self):
        """Say how many recipients may get the mailing and why the others may not.

        :raises AccessError: the user may not see the mailing
        """
        self.ensure_one()
        self.check_access("read")
        channel = self._ajw_channel()
        records = self.env[self.mailing_model_real].browse(self._get_remaining_recipients())
        addresses = self._ajw_addresses(records)
        addresses = {res_id: found for res_id, found in addresses.items() if found}
        left_out = Counter(
            self._ajw_refusals(*self._ajw_asked_for(), channel, records, addresses).values()
        )
        gate = self.env["ajw.consent.gate"]
        reasons = [
            f"{count} × {gate._reason_short(code)}" for code, count in left_out.most_common()
        ]
        if without := len(records) - len(addresses):
            reasons.append(self.env._("%s × No usable address", without))
        message = self.env._(
            "%(allowed)s of %(all)s recipients may get it.",
            allowed=len(addresses) - left_out.total(),
            all=len(records),
        )
        if reasons:
            message += " " + self.env._("Left out: %s", ", ".join(reasons))
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("Who may get it"),
                "message": message,
                "type": "warning" if reasons else "success",
                "sticky": True,
            },
        }

    def _ajw_channel(self):
        """Return the channel key of the mailing."""
        return "email"

    def _ajw_addresses(self, records):
        """Return res_id → list of the normalised addresses of the recipients."""
        primary, partners = records._mail_get_primary_email(), records._mail_get_partners()
        return {
            res_id: email_normalize_all(
                primary.get(res_id) or (partners[res_id][:1].email if res_id in partners else "")
            )
            for res_id in records.ids
        }
