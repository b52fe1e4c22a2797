from odoo import api, fields, models
from odoo.tools import SQL

from ..ledger.gate import GateAnswer, GateFacts, decide_all
from ..tools.address import PHONE_CHANNELS, address_variants, canonical_address
from .ajw_consent_suppression import FEW


class AjwConsentGate(models.AbstractModel):
    """The one question that everything which contacts a person asks first."""

    _name = "ajw.consent.gate"
    _description = "Consent Gate"

    @api.model
    def _check(self, controller, purpose, channel, addressees, lock=False):
        """Answer for a batch of people, in a number of queries that does not grow with it.

        :param controller: res.company, see ``res.company.ajw_consent_controller_id``
        :param purpose: ``ajw.consent.purpose``; an empty or archived one covers nothing
        :param str channel: channel key
        :param addressees: iterable of ``(partner_id, address)``, addresses normalised
        :param bool lock: take the subjects ``FOR SHARE`` first. The deciding transaction must start
            fresh: when someone closed the gate after its first query, PostgreSQL raises a
            serialization failure here, and the caller rolls back and tries again.
        :return: dict of ``(partner_id, address)`` → :class:`GateAnswer`
        """
        addressees = list(dict.fromkeys(addressees))
        if not addressees:
            return {}
        addresses = {address for _partner, address in addressees if address}
        if self.env["ajw.consent.keyring"]._check():
            # The blacklist needs no keys, and says no whatever they would.
            listed = self._fetch_blacklisted(channel, addresses)
            return {
                addressee: GateAnswer(False, "blacklisted" if addressee[1] in listed else "keyring")
                for addressee in addressees
            }
        if not purpose.active:
            return dict.fromkeys(addressees, GateAnswer(False, "purpose_not_covered"))
        partner_ids = sorted({partner_id for partner_id, _address in addressees if partner_id})
        if lock:
            self._lock_subjects(controller, partner_ids)
        rows = self._fetch_answers(controller, purpose, channel, partner_ids)
        closed = dict.fromkeys(self._fetch_blacklisted(channel, addresses), "blacklisted")
        suppressed = self.env["ajw.consent.suppression"]._suppressed(
            controller, purpose, channel, addresses
        )
        closed.update(dict.fromkeys(suppressed, "suppressed"))
        facts = GateFacts(
            fields.Datetime.now(),
            closed,
            self._fetch_minors(partner_ids),
            *self._fetch_required(controller, purpose, channel, partner_ids),
        )
        return decide_all(addressees, rows, facts)

    @api.model
    def _lock_subjects(self, controller, partner_ids):
        """Hold the subjects until the end of the transaction; see :meth:`_check`."""
        # SQL: the ORM knows no shared lock, and two senders must not wait for each other
        self.env["ajw.consent.subject"].flush_model()
        self.env.cr.execute(
            SQL(
                """SELECT id FROM ajw_consent_subject
                    WHERE company_id = %s AND partner_id = ANY(%s) ORDER BY id FOR SHARE""",
                controller.id,
                partner_ids,
            ),
            # A collision is expected here; the caller tries again.
            log_exceptions=False,
        )

    @api.model
    def _fetch_answers(self, controller, purpose, channel, partner_ids):
        """Return the answers of some people, tuples in the order of :class:`..ledger.gate.GateRow`.

        All subjects of a person; one that never answered has a row too.
        """
        # SQL: one join for the batch, whoever asks; no value comes back that was not given
        for model in ("subject", "state", "restriction"):
            self.env[f"ajw.consent.{model}"].flush_model()
        return self.env.execute_query(self._query(controller, purpose, channel, partner_ids))

    @api.model
    def _query(self, controller, purpose, channel, partner_ids):
        """Return the statement behind :meth:`_fetch_answers`."""
        return SQL(
            """SELECT subject.partner_id, subject.id, state.address, state.address_ref,
                      state.status, state.expires_at, state.event_id, state.given_by,
                      state.notice_id, restriction.id IS NOT NULL
                 FROM ajw_consent_subject subject
            LEFT JOIN ajw_consent_state state
                   ON state.subject_id = subject.id AND state.purpose_id = %s
                  AND state.channel = %s
            LEFT JOIN ajw_consent_restriction restriction
                   ON restriction.subject_id = subject.id AND restriction.lifted_at IS NULL
                WHERE subject.company_id = %s AND subject.partner_id = ANY(%s)""",
            purpose.id,
            channel,
            controller.id,
            partner_ids,
        )

    @api.model
    def _fetch_minors(self, partner_ids):
        """Return the ids of those who are minors; more than asked for where many are asked for."""
        self.env["res.partner"].flush_model(["ajw_consent_minor"])
        where = SQL("ajw_consent_minor")
        if len(partner_ids) <= FEW:
            where = SQL("ajw_consent_minor AND id = ANY(%s)", partner_ids)
        # SQL: any sender must know, few may read the flag; it has an index of its own
        rows = self.env.execute_query(SQL("SELECT id FROM res_partner WHERE %s", where))
        return {row[0] for row in rows}

    @api.model
    def _fetch_required(self, controller, purpose, channel, partner_ids):
        """Return ``(partner id → oldest version that counts, notice id → version)``."""
        notices = self.env["ajw.consent.notice"]
        required = notices._required_versions(controller, purpose, channel, partner_ids)
        if not required:
            return required, {}
        notices.flush_model(["version"])
        # SQL: see _fetch_minors
        query = SQL(
            "SELECT id, version FROM ajw_consent_notice WHERE company_id = %s", controller.id
        )
        return required, dict(self.env.execute_query(query))

    @api.model
    def _fetch_blacklisted(self, channel, addresses):
        """Return those of the addresses that Odoo's own phone blacklist holds, however written."""
        if channel not in PHONE_CHANNELS or not addresses:
            return set()
        entries = self.env["phone.blacklist"]
        entries.flush_model(["active", "number"])
        where = SQL("active")
        if len(addresses) <= FEW:
            variants = set().union(*(address_variants(channel, each) for each in addresses))
            where = SQL("active AND number = ANY(%s)", sorted(variants))
        # SQL: any sender must know, few may read the list; and a search parses every number anew
        rows = self.env.execute_query(SQL("SELECT number FROM phone_blacklist WHERE %s", where))
        listed = {canonical_address(channel, row[0]) for row in rows}
        if not listed:
            return set()
        return {each for each in addresses if canonical_address(channel, each) in listed}

    @api.model
    def _reason_label(self, code):
        """Return the sentence that tells a user what a reason code means and what to do."""
        return {
            "ok": self.env._("Consent is on record."),
            "no_opt_in": self.env._(
                "This person has not agreed to such messages. Ask first, then record the answer."
            ),
            "withdrawn": self.env._(
                "Consent was withdrawn. Only a new opt-in by the person re-opens it."
            ),
            "refused": self.env._(
                "The person refused. Only a new opt-in by the person re-opens it."
            ),
            "expired": self.env._("Consent has expired. Ask the person to renew it."),
            "unconfirmed": self.env._("The person has not confirmed the opt-in yet."),
            "notice_changed": self.env._(
                "The notice has changed since this person agreed, and it asks for consent again. "
                "Invite them by email: open the notice and press “Ask again by email”."
            ),
            "suspended": self.env._(
                "Consent is suspended because the number changed hands or owner. Ask again."
            ),
            "number_changed": self.env._(
                "Consent was given for another number. Ask again for this one."
            ),
            "suppressed": self.env._(
                "Somebody said no from this address. Only a new opt-in by the person re-opens it."
            ),
            "blacklisted": self.env._("This number is on the phone blacklist."),
            "restricted": self.env._("Processing of this person's data is restricted."),
            "minor": self.env._("The person is a minor and no guardian's consent is recorded."),
            "keyring": self.env["ajw.consent.keyring"]._check()
            or self.env._(
                "The keys of the consent ledger could not be used when this was decided."
            ),
            "purpose_not_covered": self.env._("No consent purpose covers this message."),
        }.get(code, code)
