import base64
import uuid
from collections import defaultdict

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from ..ledger import (
    GENESIS_HASH,
    HASH_VERSION,
    EventContent,
    commit,
    event_hash,
    evidence_text,
    new_salt,
    verify_chain,
)
from ..tools.address import AddressError, address_variants, normalize_address
from .selections import CHANNELS, KINDS, METHODS

#: Only code that holds this object writes to the ledger: an object cannot arrive by RPC or import.
LEDGER_SENTINEL = object()

#: Kinds that name an opt-in and so must name the wording it was given under.
_OPT_IN_KINDS = ("given", "renewed")


class AjwConsentEvent(models.Model):
    """One line of the ledger: append-only, chained by hashes, without any personal value.

    Guarded twice: here by the sentinel, and in PostgreSQL by triggers (:meth:`init`). No field may
    get a default, a stored compute or a foreign key but subject, notice and company: each would
    make Odoo update rows that never change.
    """

    _name = "ajw.consent.event"
    _description = "Consent Event"
    _order = "id desc"
    _rec_name = "uuid"
    _log_access = False

    _ajw_personal_data = {
        name: {
            "category": "technical",
            "erase": "none",
            "reason": (
                "salted commitment; says nothing once the salt in ajw.consent.evidence is erased"
            ),
        }
        for name in (
            "address_commitment",
            "name_commitment",
            "ip_commitment",
            "actor_commitment",
            "evidence_commitment",
        )
    } | {
        "address_ref": {
            "category": "technical",
            "erase": "none",
            "reason": "random token; the address it stands for is in ajw.consent.evidence",
        }
    }

    uuid = fields.Char("Identifier", required=True, readonly=True)
    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_id = fields.Many2one(
        "ajw.consent.subject", required=True, readonly=True, index=True, ondelete="restrict"
    )
    subject_uuid = fields.Char(
        "Subject Identifier",
        required=True,
        readonly=True,
        help="The subject's identifier at the time, as it was hashed.",
    )
    purpose_code = fields.Char("Purpose", required=True, readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    sequence = fields.Integer(required=True, readonly=True, help="Position in its chain, from 1.")
    kind = fields.Selection(KINDS, "Event", required=True, readonly=True)
    method = fields.Selection(METHODS, required=True, readonly=True)
    occurred_at = fields.Datetime("Happened", required=True, readonly=True)
    recorded_at = fields.Datetime("Recorded", required=True, readonly=True)
    needs_confirmation = fields.Boolean(readonly=True)
    expires_at = fields.Datetime("Expires", readonly=True)
    notice_id = fields.Many2one("ajw.consent.notice", readonly=True, ondelete="restrict")
    notice_digest = fields.Char(readonly=True, help="SHA-256 of the wording the person saw.")
    address_ref = fields.Char(readonly=True)
    address_commitment = fields.Char(readonly=True)
    name_commitment = fields.Char(readonly=True)
    ip_commitment = fields.Char("IP commitment", readonly=True)
    actor_commitment = fields.Char(readonly=True)
    evidence_commitment = fields.Char(readonly=True)
    hash_version = fields.Integer(required=True, readonly=True)
    prev_hash = fields.Char("Hash of the one before", required=True, readonly=True)
    hash = fields.Char(required=True, readonly=True)

    purpose_id = fields.Many2one(
        "ajw.consent.purpose",
        "Purpose Record",
        compute="_compute_purpose_id",
        search="_search_purpose_id",
    )
    partner_id = fields.Many2one(related="subject_id.partner_id", string="Contact")

    _chain_position = models.UniqueIndex("(subject_id, purpose_code, channel, sequence)")
    _uuid_unique = models.UniqueIndex("(uuid)")

    def init(self):
        """Install the triggers that refuse every change of the ledger, whoever asks."""
        # SQL: the guard must hold below the ORM
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION ajw_consent_event_refuse() RETURNS trigger AS $$
            BEGIN
                RAISE EXCEPTION 'The consent ledger is append-only: % refused', TG_OP
                    USING ERRCODE = 'restrict_violation';
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ajw_consent_event_no_change ON ajw_consent_event;
            CREATE TRIGGER ajw_consent_event_no_change BEFORE UPDATE OR DELETE ON ajw_consent_event
                FOR EACH ROW EXECUTE FUNCTION ajw_consent_event_refuse();
            DROP TRIGGER IF EXISTS ajw_consent_event_no_truncate ON ajw_consent_event;
            CREATE TRIGGER ajw_consent_event_no_truncate BEFORE TRUNCATE ON ajw_consent_event
                FOR EACH STATEMENT EXECUTE FUNCTION ajw_consent_event_refuse();
            """
        )

    @api.depends("purpose_code")
    def _compute_purpose_id(self):
        purposes = self.env["ajw.consent.purpose"].with_context(active_test=False)
        by_code = {
            purpose.code: purpose
            for purpose in purposes.search([("code", "in", self.mapped("purpose_code"))])
        }
        for event in self:
            event.purpose_id = by_code.get(event.purpose_code, False)

    @api.model
    def _search_purpose_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        purposes = self.env["ajw.consent.purpose"].browse(value).exists()
        return [("purpose_code", "in", purposes.mapped("code"))]

    @api.depends("kind", "purpose_code", "occurred_at")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for event in self:
            purpose = event.purpose_id.name or event.purpose_code
            event.display_name = f"{kinds.get(event.kind)} · {purpose} · {event.occurred_at}"

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get("ajw_ledger") is not LEDGER_SENTINEL:
            raise UserError(
                self.env._("The ledger is written by recording an answer, never directly.")
            )
        return super().create(vals_list)

    def write(self, vals):
        raise UserError(self.env._("The ledger is append-only. Record a new answer instead."))

    def unlink(self):
        raise UserError(self.env._("The ledger is append-only: nothing can be deleted from it."))

    # -- recording ---------------------------------------------------------------------------

    @api.model
    def _record(
        self,
        controller,
        partner,
        purposes,
        channel,
        address,
        kind,
        method,
        notice=None,
        evidence=None,
        occurred_at=None,
    ):
        """Append one event per purpose to a contact's ledger and refresh the current answers.

        The caller has checked that the user may act for this contact.

        :param controller: res.company the consent is given to
        :param partner: res.partner, one record
        :param purposes: ``ajw.consent.purpose``
        :param str channel: channel key
        :param str address: number or email address; ``None`` (a "no" only): all of them
        :param str kind: see ``selections.KINDS``
        :param str method: see ``selections.METHODS``
        :param notice: published ``ajw.consent.notice`` the person saw; required to opt in
        :param dict evidence: ``name``, ``ip``, ``note``, ``business_scoped_id``, ``scan`` (base64),
            ``scan_name``, ``actor``
        :param datetime occurred_at: when the person acted (UTC), now if not given
        :return: the events
        :raises ValidationError: the address, time or notice cannot be used
        """
        partner.ensure_one()
        if address or kind in _OPT_IN_KINDS:
            address = self._normalize_address(channel, address, partner)
        subjects = self.env["ajw.consent.subject"]._find_or_create(controller, partner)[partner.id]
        evidence = {"name": partner.name or "", **(evidence or {})}
        return self._append(
            subjects, purposes, channel, address or "", kind, method, notice, evidence, occurred_at
        )

    @api.model
    def _withdraw_address(
        self,
        controller,
        channel,
        address,
        method,
        purposes=None,
        evidence=None,
        occurred_at=None,
    ):
        """Withdraw for every contact of a controller that holds an address.

        Nothing about the address is validated: whoever says no is believed. What is withdrawn
        already is not recorded once more, so that repeating it cannot swell the ledger.

        :param controller: res.company
        :param str channel: channel key
        :param address: number with country prefix or email address, or an iterable of them
        :param str method: see ``selections.METHODS``
        :param purposes: ``ajw.consent.purpose``, all of them if not given
        :param dict evidence: as for :meth:`_record`
        :param datetime occurred_at: when the person said so (UTC), at the latest now
        :return: the events
        """
        addresses = [address] if isinstance(address, str) else list(address)
        variants = set().union(*(address_variants(channel, each) for each in addresses))
        occurred_at = min(filter(None, (occurred_at, fields.Datetime.now())))
        if purposes is None:
            # sudo: the customer who withdraws is nobody's user
            purposes = (
                self.env["ajw.consent.purpose"].sudo().with_context(active_test=False).search([])
            )
        events = self.browse()
        for variant in sorted(variants):
            subjects = self.env["ajw.consent.subject"]._holding(controller, channel, variant)
            events |= self._append(
                subjects,
                purposes,
                channel,
                variant,
                "withdrawn",
                method,
                None,
                evidence or {},
                occurred_at,
                skip=self._withdrawn_already(subjects, channel, variant),
            )
        return events

    @api.model
    def _withdrawn_already(self, subjects, channel, address):
        """Return the ``(subject id, purpose id)`` pairs whose current answer is a withdrawal."""
        # sudo: see _withdraw_address
        states = self.env["ajw.consent.state"].sudo()
        closed = states.search(
            [
                ("subject_id", "in", subjects.ids),
                ("channel", "=", channel),
                ("address", "=", address),
                ("status", "=", "withdrawn"),
            ]
        )
        return {(state.subject_id.id, state.purpose_id.id) for state in closed}

    @api.model
    def _normalize_address(self, channel, address, partner):
        try:
            return normalize_address(channel, address, partner.country_id.code or None)
        except AddressError as error:
            raise ValidationError(
                {
                    "missing": self.env._("Enter the number or address that the answer is for."),
                    "email": self.env._("This is not an email address: %s", address),
                    "country": self.env._(
                        "The number %s has no country prefix. Write it with + and the prefix, or "
                        "set the "
                        "contact's country.",
                        address,
                    ),
                    "phone": self.env._("This is not a valid telephone number: %s", address),
                }[error.code]
            ) from error

    def _append(
        self,
        subjects,
        purposes,
        channel,
        address,
        kind,
        method,
        notice,
        evidence,
        occurred_at,
        skip=(),
    ):
        """Append one event per subject and purpose; see :meth:`_record` for the arguments.

        :param skip: ``(subject id, purpose id)`` pairs that get none
        """
        if not subjects or not purposes:
            return self.browse()
        now = fields.Datetime.now()
        occurred_at = (occurred_at or now).replace(microsecond=0)
        if occurred_at > now:
            raise ValidationError(self.env._("An answer cannot lie in the future."))
        notice = notice or self.env["ajw.consent.notice"]
        if kind in _OPT_IN_KINDS and notice.state != "published":
            raise ValidationError(
                self.env._(
                    "An opt-in needs the published notice that the person saw. Publish one first."
                )
            )
        # sudo: users record through checked methods only; none may write to the ledger
        ledger = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        subjects = subjects.sudo()
        subjects._bump()
        heads = ledger._chain_heads(subjects, purposes, channel)
        refs = ledger._address_refs(subjects, address)
        vals_list, evidence_list = [], []
        for subject in subjects:
            for purpose in purposes:
                if (subject.id, purpose.id) in skip:
                    continue
                sequence, prev_hash = heads.get((subject.id, purpose.code), (0, GENESIS_HASH))
                values, commitments, salts = self._commit_evidence(address, evidence)
                content = EventContent(
                    uuid=str(uuid.uuid4()),
                    controller=subject.company_id.id,
                    subject=subject.uuid,
                    purpose=purpose.code,
                    channel=channel,
                    sequence=sequence + 1,
                    kind=kind,
                    method=method,
                    occurred_at=occurred_at,
                    recorded_at=now,
                    needs_confirmation=kind == "given" and purpose.double_opt_in,
                    expires_at=self._expiry(purpose, kind, occurred_at),
                    notice_digest=notice.digest or "",
                    address_ref=refs[subject.id],
                    **commitments,
                )
                vals_list.append(
                    {
                        **self._vals_of(content),
                        "subject_id": subject.id,
                        "notice_id": notice.id,
                        "hash_version": HASH_VERSION,
                        "prev_hash": prev_hash,
                        "hash": event_hash(content, prev_hash),
                    }
                )
                evidence_list.append(
                    {
                        **values,
                        **salts,
                        "subject_id": subject.id,
                        "company_id": subject.company_id.id,
                    }
                )
        if not vals_list:
            return self.browse()
        events = ledger.create(vals_list)
        for event, values in zip(events, evidence_list, strict=True):
            values["event_id"] = event.id
        ledger.env["ajw.consent.evidence"].create(evidence_list)
        ledger.env["ajw.consent.state"]._rebuild(subjects, purposes, channel, refs, address)
        return events.with_env(self.env)

    @api.model
    def _commit_evidence(self, address, evidence):
        """Return what goes to the evidence row, the commitments for the event, and the salts."""
        values = {"actor": self.env.user.login, **evidence, "address": address}
        texts = {name: values.get(name) or "" for name in ("address", "name", "ip", "actor")}
        texts["evidence"] = evidence_text(
            values.get("note") or "",
            values.get("business_scoped_id") or "",
            base64.b64decode(values.get("scan") or b""),
            values.get("scan_name") or "",
        )
        salts = {f"{name}_salt": new_salt() for name in texts}
        commitments = {
            f"{name}_commitment": commit(salts[f"{name}_salt"], text) if text else ""
            for name, text in texts.items()
        }
        return values, commitments, salts

    @api.model
    def _expiry(self, purpose, kind, occurred_at):
        if kind not in _OPT_IN_KINDS or not purpose.validity_months:
            return None
        return occurred_at + relativedelta(months=purpose.validity_months)

    def _chain_heads(self, subjects, purposes, channel):
        """Return ``(subject id, purpose code)`` → ``(sequence, hash)`` of the last event.

        The subjects are locked by the caller, so nobody appends between this and the insert.
        """
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT ON (subject_id, purpose_code)
                          subject_id, purpose_code, sequence, hash
                     FROM ajw_consent_event
                    WHERE subject_id IN %s AND purpose_code IN %s AND channel = %s
                 ORDER BY subject_id, purpose_code, sequence DESC""",
                subjects._ids,
                tuple(purposes.mapped("code")),
                channel,
            )
        )
        return {(subject, code): (sequence, digest) for subject, code, sequence, digest in rows}

    def _address_refs(self, subjects, address):
        """Return subject id → the token that stands for the address within that subject."""
        if not address:
            return dict.fromkeys(subjects.ids, "")
        known = self.env["ajw.consent.state"].search(
            [("subject_id", "in", subjects.ids), ("address", "=", address)]
        )
        refs = {state.subject_id.id: state.address_ref for state in known}
        return {subject_id: refs.get(subject_id) or uuid.uuid4().hex for subject_id in subjects.ids}

    # -- content and verification ------------------------------------------------------------

    @api.model
    def _vals_of(self, content):
        """Column values of an event's content."""
        vals = content._asdict()
        return {
            **{
                name: value
                for name, value in vals.items()
                if name not in ("controller", "subject", "purpose")
            },
            "company_id": content.controller,
            "subject_uuid": content.subject,
            "purpose_code": content.purpose,
        }

    def _content(self):
        """The event's content as it was hashed."""
        self.ensure_one()
        return EventContent(
            uuid=self.uuid,
            controller=self.company_id.id,
            subject=self.subject_uuid,
            purpose=self.purpose_code,
            channel=self.channel,
            sequence=self.sequence,
            kind=self.kind,
            method=self.method,
            occurred_at=self.occurred_at,
            recorded_at=self.recorded_at,
            needs_confirmation=self.needs_confirmation,
            expires_at=self.expires_at or None,
            notice_digest=self.notice_digest or "",
            address_ref=self.address_ref or "",
            address_commitment=self.address_commitment or "",
            name_commitment=self.name_commitment or "",
            ip_commitment=self.ip_commitment or "",
            actor_commitment=self.actor_commitment or "",
            evidence_commitment=self.evidence_commitment or "",
        )

    @api.model
    def _verify(self, controllers=None):
        """Recompute every chain and return the broken links, the first one of each chain.

        :param controllers: res.company, all of them if not given
        :return: list of ``(event, reason)``
        """
        # sudo: the chains are checked whole, whoever asks
        events = self.sudo()
        domain = [("company_id", "in", controllers.ids)] if controllers else []
        broken = []
        for (_subject, _purpose, _channel), ids in self._chains(domain):
            chain = events.browse(ids)
            link = verify_chain(
                (event, event._content(), event.prev_hash, event.hash, event.hash_version)
                for event in chain
            )
            if link:
                broken.append((link.event.with_env(self.env), link.reason))
                continue
            changed = next(
                (
                    event
                    for event in chain
                    if event.notice_digest
                    and event.notice_id._wording_digest() != event.notice_digest
                ),
                None,
            )
            if changed:
                broken.append((changed.with_env(self.env), "notice"))
            events.invalidate_model(flush=False)
        return broken

    @api.model
    def _chains(self, domain):
        """Yield ``(chain key, event ids in order)``; memory holds ids only."""
        chains = defaultdict(list)
        # sudo: see _verify
        for event in self.sudo().search_fetch(
            domain,
            ["subject_id", "purpose_code", "channel"],
            order="subject_id, purpose_code, channel, sequence",
        ):
            chains[event.subject_id.id, event.purpose_code, event.channel].append(event.id)
        yield from chains.items()

    def action_verify(self):
        """Verify the whole ledger of the user's companies and say what came out.

        :raises AccessError: the user is no data protection officer
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer verifies the ledger."))
        controllers = self.env.companies.ajw_consent_controller_id
        broken = self._verify(controllers)
        if broken:
            event, reason = broken[0]
            message = self.env._(
                "%(count)s broken chains. The first: event %(uuid)s, %(reason)s.",
                count=len(broken),
                uuid=event.uuid,
                reason=reason,
            )
        else:
            message = self.env._("Every event is as it was recorded.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if broken else "success",
                "title": self.env._("Consent ledger"),
                "message": message,
                "sticky": bool(broken),
            },
        }
