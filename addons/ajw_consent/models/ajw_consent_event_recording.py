import base64
import uuid

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..ledger import (
    GENESIS_HASH,
    HASH_VERSION,
    EventContent,
    commit,
    event_hash,
    evidence_text,
    new_salt,
)
from ..tools.address import AddressError, address_variants, normalize_address
from .ledger_guard import LEDGER_SENTINEL

#: Kinds that name an opt-in and so must name the wording it was given under.
_OPT_IN_KINDS = ("given", "renewed")


class AjwConsentEvent(models.Model):
    """Recording: the only way into the ledger."""

    _inherit = "ajw.consent.event"

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
                        "set the contact's country.",
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
