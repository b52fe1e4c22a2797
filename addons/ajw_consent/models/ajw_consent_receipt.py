import json

from odoo import api, fields, models
from odoo.tools import SQL, hash_sign, verify_hash_signed

from ..ledger.receipt import EVENTS, Answer, Party, Wording, receipt
from ..tools.invitation import PLACEHOLDER, is_canonical, mask_address

SCOPE = "ajw_consent.receipt"
#: How long the link to a receipt in a mail or on a public page works.
LINK_DAYS = 90
#: Numbers that tell the locks of receipts from other advisory locks: those of a person, of a remote
#: address, and of the database.
TURNS, ADDRESS_TURNS, ALL_TURNS = 27560, 27561, 27562
#: So many PDFs are made for customers at once, by a process each.
AT_ONCE = 2


class AjwConsentReceipt(models.AbstractModel):
    """Receipts of answers: what a person can keep and hold against the ledger.

    Callers have established who may have which; nothing is checked against the user here.
    """

    _name = "ajw.consent.receipt"
    _description = "Consent Receipt"

    @api.model
    def _content(self, event):
        """Return the receipt of an event as plain values, see :func:`..ledger.receipt.receipt`.

        Whoever holds a link may not be the person: with the context key ``ajw_receipt_masked`` the
        address is one that only its owner recognises.

        :param event: ``ajw.consent.event``, one record
        :rtype: dict
        """
        event = event.sudo()  # sudo: see the class
        event.ensure_one()
        evidence = event.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        purpose, controller = event.purpose_id, event.company_id
        notice = event._ajw_notices()[event.id]
        line = notice._line_of(purpose)
        address = evidence.address or ""
        if address and self.env.context.get("ajw_receipt_masked"):
            address = mask_address(address)
        kind = event.kind
        if kind == "given" and event.needs_confirmation:
            kind = "unconfirmed"
        answer = Answer(
            uuid=event.uuid,
            subject=event.subject_uuid,
            kind=kind,
            method=event.method,
            purpose_code=event.purpose_code,
            purpose=line.name or purpose.name or event.purpose_code,
            description=(line.description if line else purpose.description) or "",
            legal_basis=purpose.legal_basis or "",
            is_marketing=purpose.is_marketing,
            channel=event.channel,
            address=address,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            expires_at=event.expires_at or None,
            sequence=event.sequence,
            hash_version=event.hash_version,
            prev_hash=event.prev_hash,
            hash=event.hash,
            given_by=event._ajw_given_by(),
        )
        return receipt(
            answer, self._party(controller), self._wording(notice), fields.Datetime.now()
        )

    @api.model
    def _party(self, controller):
        partner = controller.partner_id
        return Party(
            identifier=f"{controller.get_base_url()}#company-{controller.id}",
            name=controller.name,
            email=controller.email or "",
            phone=controller.phone or "",
            url=controller.website or "",
            address=", ".join(filter(None, (partner._display_address(True) or "").splitlines())),
            country=controller.country_id.code or "",
        )

    @api.model
    def _wording(self, notice):
        """Return what a receipt says of the wording the person saw, if there is one."""
        if not notice:
            return Wording()
        return Wording(
            digest=notice.digest or "",
            version=notice.version,
            language=(notice.lang or "").replace("_", "-"),
            title=notice.title or "",
            body=notice.body or "",
            contact=notice.officer_contact or "",
            recipients=notice.recipients or "",
            transfer=notice.transfer or "",
            how_to_withdraw=notice.how_to_withdraw or "",
            how_to_complain=notice.how_to_complain or "",
            published_at=notice.published_at or None,
        )

    @api.model
    def _json(self, events):
        """Return receipts as a JSON text (bytes): one object, or a list when there are several.

        :param events: ``ajw.consent.event``
        """
        contents = [self._content(event) for event in events]
        content = contents[0] if len(contents) == 1 else contents
        return json.dumps(content, indent=2, ensure_ascii=False).encode()

    @api.model
    def _pdf(self, events):
        """Return receipts as one PDF (bytes), each on a page of its own.

        :param events: ``ajw.consent.event``
        """
        # sudo: the reader may be nobody's user; the caller knows that these are theirs
        reports = self.env["ir.actions.report"].sudo()
        return reports._render_qweb_pdf("ajw_consent.report_receipt", events.ids)[0]

    @api.model
    def _take_turn(self, events, remote_address):
        """Tell whether a PDF may be made for a customer now.

        One person's receipts are made one at a time, and so are those that one remote address asks
        for, whosever they are. Workers are left for everybody else: few are made at once.

        :param events: ``ajw.consent.event`` of one person
        :param str remote_address: IP address of whoever asks
        """
        return (
            self._take_lock(TURNS, SQL("%s", events[:1].subject_id.id))
            and self._take_lock(ADDRESS_TURNS, SQL("hashtext(%s)", remote_address or ""))
            and any(self._take_lock(ALL_TURNS, SQL("%s", turn)) for turn in range(AT_ONCE))
        )

    @api.model
    def _take_lock(self, kind, key):
        """Take an advisory lock if it is free; tell whether it was.

        :param int kind: which of the numbers above
        :param SQL key: an integer
        """
        # SQL: the lock ends with the request, however it ends
        return self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", kind, key))[
            0
        ][0]

    @api.model
    def _can_tell(self, events):
        """Return those of some events that there is a receipt of."""
        return events.filtered(lambda event: event.kind in EVENTS)

    # ------------------------------------------------------------------
    # Links
    # ------------------------------------------------------------------

    @api.model
    def _scope(self):
        """Return what links of this database are signed for: those of a copy are none of it."""
        # sudo: nobody may read the parameters
        return f"{SCOPE}.{self.env['ir.config_parameter'].sudo().get_param('database.uuid')}"

    @api.model
    def _token(self, events):
        """Return a signed, expiring token for the receipts of some events of one person."""
        # sudo: the secret of the database is nobody's to read
        return hash_sign(
            self.sudo().env, self._scope(), events.ids, expiration_hours=24 * LINK_DAYS
        )

    @api.model
    def _url(self, events):
        """Return the address of the page that offers the receipts of some events."""
        base = events.sudo().company_id[:1].get_base_url()
        return f"{base}/ajw_consent/receipt/{self._token(events)}"

    @api.model
    def _mailed_url(self, events):
        """Return the address for a stored mail: it names the events and opens nothing yet.

        :param events: ``ajw.consent.event``, some
        """
        base = events.sudo().company_id[:1].get_base_url()
        ids = "-".join(map(str, events.ids))
        return f"{base}/ajw_consent/receipt/{PLACEHOLDER}?events={ids}"

    @api.model
    def _events_of(self, token):
        """Return the events of a token with sudo; none when it is not ours, expired or of nobody.

        A person who was erased or merged away has no receipts by a link any more.

        :param str token: as it stands in the address
        """
        none = self.env["ajw.consent.event"].sudo()  # sudo: the token is the right
        if not is_canonical(token):
            return none
        try:
            ids = verify_hash_signed(self.sudo().env, self._scope(), token)
        except ValueError:  # of another kind than ours
            return none
        return none.browse(ids or ()).exists().filtered("subject_id.partner_id.active")


class AjwConsentEvent(models.Model):
    _inherit = "ajw.consent.event"

    def action_download_receipt(self):
        """Download the receipt as a PDF.

        :raises AccessError: the user may not see these events
        """
        self.check_access("read")
        return self.env.ref("ajw_consent.report_receipt").report_action(self.ids, config=False)

    def action_download_receipt_json(self):
        """Download the receipt as JSON, in the fields of ISO/IEC TS 27560.

        :raises AccessError: the user may not see these events
        """
        self.check_access("read")
        return {
            "type": "ir.actions.act_url",
            "url": "/ajw_consent/receipts.json?ids=" + ",".join(map(str, self.ids)),
            "target": "download",
        }

    def _ajw_receipt(self):
        """Return the receipt's content for the report, see ``ajw.consent.receipt._content``.

        :raises AccessError: the user may not see the event
        """
        self.ensure_one()
        self.check_access("read")
        return self.env["ajw.consent.receipt"]._content(self)

    def _ajw_given_by(self):
        """Return who gave the answer: ``self`` or ``guardian``."""
        self.ensure_one()
        return ("given_by" in self._fields and self["given_by"]) or "self"
