from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import consteq, hmac

from ..tools.address import AddressError, address_variants, normalize_address
from ..tools.invitation import find_codes, new_code

CODE_SCOPE = "ajw_consent.invitation.code"
CODE_HOURS = 24
#: Requests an hour, per card and per IP address.
CARD_LIMIT = 60
IP_LIMIT = 10
MAX_NAME = 100


class AjwConsentInvitation(models.Model):
    """Till cards: a stranger types a number, and consents by a message from that number."""

    _inherit = "ajw.consent.invitation"

    @api.model
    def _code_digest(self, code):
        # sudo: the secret of the database is nobody's to read
        return hmac(self.sudo().env, CODE_SCOPE, code)

    @api.model
    def _request_by_card(self, company, number, name, purpose_ids, notice_digest, lang, ip):
        """Keep what was typed on the page of a card until a message confirms it.

        Nothing is sent, and nothing counts as consent, before that message.

        :param company: res.company of the card
        :param str number: as typed; without prefix it belongs to the company's country
        :param str name: as typed, may be empty
        :param purpose_ids: ids of the ticked purposes
        :param str notice_digest: digest of the wording the page showed
        :param str lang: language of the page
        :param str ip: the person's IP address
        :return: ``(problem, code)``: the code of a problem and ``""``, or ``""`` and what to send
        """
        self = self.sudo()  # sudo: the person is nobody's user
        controller = company.ajw_consent_controller_id
        Notice = self.env["ajw.consent.notice"]
        notice = Notice._pick(Notice._latest_by_lang(controller), lang)
        if not notice or not company._ajw_card_number():
            return "unavailable", ""
        if not notice_digest or not consteq(notice.digest, notice_digest):
            return "notice_changed", ""
        purposes = self._default_purposes()
        ticked = purposes.filtered(lambda purpose: purpose.id in purpose_ids)
        if len(ticked) != len(set(purpose_ids)):
            return "purposes_changed", ""
        if not ticked:
            return "nothing_ticked", ""
        try:
            address = normalize_address("whatsapp", number[:40], company.country_id.code)
        except AddressError as error:
            return f"number_{error.code}", ""
        if self._too_many(controller, ip):
            return "too_many", ""
        code = new_code()
        self.create(
            {
                "company_id": controller.id,
                "source": "card",
                "state": "unconfirmed",
                "address": address,
                "name": (name or "").strip()[:MAX_NAME] or False,
                "ip": ip,
                "purpose_ids": [(6, 0, ticked.ids)],
                "notice_id": notice.id,
                "code_hash": self._code_digest(code),
                "expires_at": fields.Datetime.now() + timedelta(hours=CODE_HOURS),
            }
        )
        return "", code

    @api.model
    def _too_many(self, controller, ip):
        recent = [
            ("source", "=", "card"),
            ("create_date", ">=", fields.Datetime.now() - timedelta(hours=1)),
        ]
        by_card = self.search_count([*recent, ("company_id", "=", controller.id)], limit=CARD_LIMIT)
        by_ip = self.search_count([*recent, ("ip", "=", ip)], limit=IP_LIMIT) if ip else 0
        return by_card >= CARD_LIMIT or by_ip >= IP_LIMIT

    @api.model
    def _confirm_by_message(self, controller, number, text, occurred_at):
        """Record the opt-in of a card that a message confirms.

        :param controller: res.company that the message was written to
        :param str number: the sender's, with leading +
        :param str text: the message
        :param datetime occurred_at: when it was sent, naive UTC
        :return: ``None`` when the message holds no code of ours, ``""`` when the opt-in was
            recorded, else why not: ``code_expired`` or ``code_of_another_number``
        """
        codes = find_codes(text)
        if not codes or not number:
            return None
        self = self.sudo()  # sudo: Meta reports without a user
        rows = self.search(
            [
                ("company_id", "=", controller.id),
                ("state", "=", "unconfirmed"),
                ("code_hash", "in", [self._code_digest(code) for code in codes]),
            ]
        )
        if not rows:
            return None
        row = rows[:1]
        if row.expires_at <= fields.Datetime.now():
            return "code_expired"
        if row.address not in address_variants("whatsapp", number):
            return "code_of_another_number"
        occurred_at = min(occurred_at, fields.Datetime.now())
        asked_at = row.create_date
        row.write({"state": "answered", "code_hash": False, "answered_at": fields.Datetime.now()})
        row.flush_recordset()
        partners = self.env["res.partner"]._ajw_holding_address(controller, "whatsapp", row.address)
        partners = partners or self._create_partner(row)
        row.partner_id = partners[:1]
        note = self.env._(
            "Ticked on the page of a till card on %(asked)s UTC; confirmed by a WhatsApp message "
            "from the number on %(confirmed)s UTC: %(text)s",
            asked=asked_at,
            confirmed=occurred_at,
            text=text[:200],
        )
        record = self.env["ajw.consent.event"]._record
        for partner in partners:
            arguments = (controller, partner, row.purpose_ids, "whatsapp", row.address)
            evidence = {"note": note, "actor": row.address}
            row.event_ids |= record(
                *arguments,
                "given",
                "qr_code",
                notice=row.notice_id,
                evidence={**evidence, "ip": row.ip},
                occurred_at=occurred_at,
            )
            row.event_ids |= record(
                *arguments,
                "confirmed",
                "whatsapp_message",
                evidence=evidence,
                occurred_at=occurred_at,
            )
        return ""

    @api.model
    def _create_partner(self, row):
        """Make the contact of a confirmed card, and say on it where it came from."""
        partner = (
            self.env["res.partner"]
            .with_context(mail_create_nosubscribe=True)
            .create(
                {
                    "name": row.name or row.address,
                    "phone": row.address,
                    "company_id": row.company_id.id,
                    "lang": row.notice_id.lang,
                }
            )
        )
        partner._message_log(
            body=self.env._(
                "Origin: the person scanned the till card of %(company)s and confirmed the number "
                "by a WhatsApp message.",
                company=row.company_id.name,
            )
        )
        return partner
