from collections import Counter

from odoo import fields, models

from odoo.addons.ajw_consent.tools.address import AddressError, normalize_address


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

    def _ajw_ask_gate(self, channel, addressees, lock=False):
        """Ask the gate about recipients.

        :param str channel: channel key
        :param dict addressees: res_id → ``(partner id or False, address)``
        :return: dict of res_id → :class:`GateAnswer`
        """
        self.ensure_one()
        # sudo: whoever mails need not see the ledger
        mailing = self.sudo()
        purpose = mailing.ajw_purpose_id or mailing._ajw_default_purpose()
        controller = (mailing.ajw_company_id or self.env.company).ajw_consent_controller_id
        return mailing.env["ajw.consent.gate"]._check_addresses(
            controller,
            purpose,
            channel,
            addressees,
            needs_opt_in=not purpose or purpose.legal_basis == "consent",
            lock=lock,
        )

    def _ajw_addressees(self, records, addresses):
        """Return res_id → ``(partner id or False, address)``; the contact where it is known.

        :param dict addresses: res_id → address
        """
        partners = {}
        for res_id, found in records._mail_get_partners().items():
            # The contact of a document, if it is that contact's address the mailing goes to.
            own = addresses.get(res_id)
            same = found.filtered(
                lambda partner, own=own: own in (partner.email_normalized, partner.phone_sanitized)
            )
            partners[res_id] = same[:1].id
        return {
            res_id: (partners.get(res_id, False), address) for res_id, address in addresses.items()
        }

    def action_ajw_preview(self):
        """Say how many recipients may get the mailing and why the others may not.

        :raises AccessError: the user may not see the mailing
        """
        self.ensure_one()
        self.check_access("read")
        channel = self._ajw_channel()
        records = self.env[self.mailing_model_real].browse(self._get_remaining_recipients())
        addresses = self._ajw_addresses(records)
        addresses = {res_id: address for res_id, address in addresses.items() if address}
        answers = self._ajw_ask_gate(channel, self._ajw_addressees(records, addresses))
        left_out = Counter(answer.reason for answer in answers.values() if not answer.allowed)
        gate = self.env["ajw.consent.gate"]
        reasons = [
            f"{count} × {gate._reason_short(code)}" for code, count in left_out.most_common()
        ]
        if without := len(records) - len(addresses):
            reasons.append(self.env._("%s × No usable address", without))
        message = self.env._(
            "%(allowed)s of %(all)s recipients may get it.",
            allowed=len(answers) - left_out.total(),
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
        """Return res_id → normalised address of the recipients, ``""`` where there is none."""
        primary, partners = records._mail_get_primary_email(), records._mail_get_partners()
        found = {}
        for res_id in records.ids:
            raw = primary.get(res_id) or (partners[res_id][:1].email if res_id in partners else "")
            try:
                found[res_id] = normalize_address("email", raw)
            except AddressError:
                found[res_id] = ""
        return found
