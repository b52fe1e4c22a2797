from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, consteq, hmac

from ..tools.address import AddressError, address_variants, normalize_address
from ..tools.invitation import find_codes, new_code
from .ajw_consent_invitation_screening import SAID_NO

CODE_SCOPE = "ajw_consent.invitation.code"
CODE_HOURS = 24
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

    @api.model
    def _confirm_by_message(self, controller, number, text, occurred_at):
        """Record the opt-in on a paper that a message confirms.

        :param controller: res.company that the message was written to
        :param str number: the sender's, with leading +
        :param str text: the message
        :param datetime occurred_at: when it was sent, naive UTC
        :return: ``None`` when the message holds no code of ours, ``""`` when the opt-in was
            recorded, else why not: ``code_expired``, ``code_of_another_number``,
            ``code_of_several_contacts`` or ``code_contact_changed``
        """
        codes = find_codes(text)
        if not codes or not number:
            return None
        self = self.sudo()  # sudo: Meta reports without a user
        row = self.search(
            [
                ("company_id", "=", controller.id),
                ("state", "=", "unconfirmed"),
                ("code_hash", "in", [self._code_digest(code) for code in codes]),
            ],
            limit=1,
        )
        if not row:
            return None
        occurred_at = min(occurred_at, fields.Datetime.now())
        if row.expires_at <= occurred_at:
            return "code_expired"
        if row.address not in address_variants("whatsapp", number):
            return "code_of_another_number"
        asked_at = row.create_date
        row.write({"state": "answered", "code_hash": False, "answered_at": fields.Datetime.now()})
        row.flush_recordset()
        partner, problem = row._contact_of_paper()
        if problem:
            return problem
        row.partner_id = partner
        page = self.env._("an invoice") if row.source == "invoice_qr" else self.env._("a till card")
        note = self.env._(
            "Ticked on the page of %(page)s on %(asked)s UTC; confirmed by a WhatsApp message "
            "from the number on %(confirmed)s UTC: %(text)s",
            page=page,
            asked=asked_at,
            confirmed=occurred_at,
            text=text[:200],
        )
        record = self.env["ajw.consent.event"]._record
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
            *arguments, "confirmed", "whatsapp_message", evidence=evidence, occurred_at=occurred_at
        )
        return ""

    def _contact_of_paper(self):
        """Find whose opt-in the confirmed paper is; close the row when that cannot be told.

        An invoice's code names its customer. On a card, the only contact that holds the number;
        of several, the one with the name typed, never one who said no. Contacts of one number can
        be several people: nobody else's answer is changed by a message from it.

        :return: ``(partner, "")``, or an empty record and the code of the problem
        """
        if self.source == "invoice_qr":
            partner = self.partner_id
            addresses = partner._ajw_invitation_addresses("whatsapp")
            if partner.active and addresses.get(partner.id) == self.address:
                return partner, ""
            self._close("cancelled", self._screen_label("number_changed"))
            return partner.browse(), "code_contact_changed"
        partners = self.env["res.partner"]._ajw_holding_address(
            self.company_id, "whatsapp", self.address
        )
        if not partners:
            return self._create_partner(self), ""
        if len(partners) == 1:
            return partners, ""
        open_ones = partners - self._said_no(partners)
        named = open_ones.filtered(lambda partner: _plain(partner.name) == _plain(self.name))
        if len(named) == 1:
            return named, ""
        self._ask_who_it_was(partners)
        return partners.browse(), "code_of_several_contacts"

    def _said_no(self, partners):
        """Return those of some contacts whose last answer to what is asked was a no."""
        return (
            self.env["ajw.consent.state"]
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("partner_id", "in", partners.ids),
                    ("channel", "=", self.channel),
                    ("purpose_id", "in", self.purpose_ids.ids),
                    ("address", "in", (self.address, False)),
                    ("status", "in", list(SAID_NO)),
                ]
            )
            .partner_id
        )

    def _ask_who_it_was(self, partners):
        """Close the row without consent, and give somebody the To-do to find out."""
        self._close(
            "cancelled",
            self.env._(
                "Several contacts hold this number and none is the one named; not recorded."
            ),
        )
        for group in ("ajw_consent.group_officer", "ajw_consent.group_user"):
            users = self.env.ref(group).all_user_ids.filtered(
                lambda user: user.active and not user.share and self.company_id in user.company_ids
            ) - self.env.ref("base.user_root")
            if users:
                partners[0].activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=self.env._("Somebody agreed on a till card: find out who"),
                    note=self.env._(
                        "Several contacts hold the number that confirmed, and none of them has the "
                        "name given. No consent was recorded. Find out who it was, correct the "
                        "contacts, and ask the person again."
                    ),
                    user_id=users.sorted("id")[0].id,
                )
                return

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


def _plain(name):
    """Return a name in the form in which two are compared."""
    return " ".join((name or "").casefold().split())
