from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, consteq

from ..tools.address import AddressError, normalize_address
from ..tools.invitation import new_code
from .ajw_consent_message_code import CODE_HOURS

#: Requests an hour: for one number, for the papers of one controller, from one IP address (a shop's
#: guests share one) and, as a brake, in the whole database.
NUMBER_LIMIT = 5
CARD_LIMIT = 120
IP_LIMIT = 40
GLOBAL_LIMIT = 1000
MAX_NAME = 100
#: Asked on paper: what is ticked counts once a message from the number confirms it.
ON_PAPER = ("card", "invoice_qr")


class AjwConsentInvitation(models.Model):
    """Paper: somebody ticks on a page, and consents by a message from the number it is about.

    A till card stands for nobody: a stranger types a number. The code on an invoice names its
    customer, but whoever finds the paper can open it. Either way only the number itself confirms.
    """

    _inherit = "ajw.consent.invitation"

    _paper_index = models.Index("(company_id, create_date) WHERE source IN ('card', 'invoice_qr')")

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
        problem, values = self._check_paper(company, purpose_ids, notice_digest, lang)
        if problem:
            return problem, ""
        try:
            address = normalize_address("whatsapp", number[:40], company.country_id.code)
        except AddressError as error:
            return f"number_{error.code}", ""
        name = (name or "").strip()[:MAX_NAME] or False
        return self._keep_unconfirmed(
            {**values, "source": "card", "address": address, "name": name, "ip": ip}
        )

    @api.model
    def _request_by_invoice(self, token, purpose_ids, notice_digest, lang, ip):
        """Keep what was ticked on the page of an invoice's code until a message confirms it.

        :param str token: as it stands in the address
        :return: as :meth:`_request_by_card`, which says what the other arguments are
        """
        self = self.sudo()  # sudo: the person is nobody's user
        asked = self._resolve(token)
        if asked.problem or asked.source != "invoice_qr":
            return asked.problem or "unknown", ""
        problem, values = self._check_paper(asked.company, purpose_ids, notice_digest, lang)
        if problem:
            return problem, ""
        return self._keep_unconfirmed(
            {
                **values,
                "source": "invoice_qr",
                "partner_id": asked.partner.id,
                "address": asked.address,
                "ip": ip,
            }
        )

    @api.model
    def _check_paper(self, company, purpose_ids, notice_digest, lang):
        """Return ``(problem, values)`` of what was ticked on the page of a paper."""
        controller = company.ajw_consent_controller_id
        Notice = self.env["ajw.consent.notice"]
        offered = self._default_purposes()
        notice = Notice._pick(Notice._latest_by_lang(controller, purposes=offered), lang)
        if not notice or not company._ajw_card_number():
            return "unavailable", {}
        if not notice_digest or not consteq(notice.digest.encode(), notice_digest.encode()):
            return "notice_changed", {}
        offered = offered.filtered(notice._covers)
        ticked = offered.filtered(lambda purpose: purpose.id in purpose_ids)
        if len(ticked) != len(set(purpose_ids)):
            return "purposes_changed", {}
        if not ticked:
            return "nothing_ticked", {}
        return "", {
            "company_id": controller.id,
            "purpose_ids": [(6, 0, ticked.ids)],
            "notice_id": notice.id,
        }

    @api.model
    def _keep_unconfirmed(self, values):
        """Make the row that a message confirms; return ``(problem, code)``."""
        controller = self.env["res.company"].browse(values["company_id"])
        if self._too_many(controller, values["address"], values["ip"]):
            return "too_many", ""
        code = new_code()
        self.create(
            {
                **values,
                "state": "unconfirmed",
                "code_hash": self._code_digest(code),
                "expires_at": fields.Datetime.now() + timedelta(hours=CODE_HOURS),
            }
        )
        return "", code

    @api.model
    def _too_many(self, controller, address, ip):
        """Tell whether one more request would be too many. Those of one moment come one by one."""
        # SQL: of two requests whose snapshots overlap, the second fails here and starts again, so
        # that it counts the first. A lock alone would let it count what it saw before.
        self.env.cr.execute(
            SQL(
                "UPDATE res_company SET ajw_consent_paper_requests = "
                "COALESCE(ajw_consent_paper_requests, 0) + 1 WHERE id = %s",
                controller.id,
            ),
            # A collision is expected here; Odoo tries again.
            log_exceptions=False,
        )
        recent = [
            ("source", "in", ON_PAPER),
            ("create_date", ">=", fields.Datetime.now() - timedelta(hours=1)),
        ]
        here = ("company_id", "=", controller.id)
        limits = [
            ([here, ("address", "=", address)], NUMBER_LIMIT),
            ([here], CARD_LIMIT),
            ([], GLOBAL_LIMIT),
        ]
        if ip:
            limits.append(([("ip", "=", ip)], IP_LIMIT))
        return any(
            self.search_count([*recent, *more], limit=limit) >= limit for more, limit in limits
        )
