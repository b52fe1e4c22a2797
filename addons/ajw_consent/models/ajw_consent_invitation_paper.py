from odoo import api, fields, models

from .ajw_consent_invitation_screening import SAID_NO


class AjwConsentInvitation(models.Model):
    """Confirming what was ticked on the page of a paper, and finding whose opt-in it is."""

    _inherit = "ajw.consent.invitation"

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
        row, occurred_at, problem = self._read_code(
            controller, number, text, occurred_at, ("unconfirmed",)
        )
        if not row or problem:
            return problem
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
        record = row.env["ajw.consent.event"]._record
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
        origin = self.env._(
            "Origin: the person scanned the till card of %(company)s and confirmed the number "
            "by a WhatsApp message.",
            company=row.company_id.name,
        )
        partner._message_log(body=origin)
        self.env["ajw.consent.origin"]._note_missing(
            row.company_id.ajw_consent_controller_id,
            {partner.id: ("own_form", fields.Date.context_today(self), origin)},
        )
        return partner


def _plain(name):
    """Return a name in the form in which two are compared."""
    return " ".join((name or "").casefold().split())
