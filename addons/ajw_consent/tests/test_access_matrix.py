"""Who may do what in the consent ledger."""

import uuid

from odoo.tests import tagged

from .access_matrix import AccessMatrixMixin, Row
from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestAccessMatrix(AccessMatrixMixin, ConsentCommon):
    addon = "ajw_consent"

    # c create, r read, w write, u unlink; roles that are not named may do nothing.
    MODELS = {
        "ajw.consent.event": {"consent_user": "r", "officer": "r"},
        "ajw.consent.evidence": {"officer": "r"},
        "ajw.consent.gate": {},
        "ajw.consent.keyring": {},
        "ajw.consent.ledger.guard": {},
        "ajw.consent.notice": {"consent_user": "r", "officer": "crwu"},
        # What one may be asked for is the same in all companies.
        "ajw.consent.purpose": {"consent_user": "r", "officer": "crwu", "officer_b": "crwu"},
        "ajw.consent.record": {"consent_user": "crwu", "officer": "crwu", "officer_b": "crwu"},
        "ajw.consent.state": {"consent_user": "r", "officer": "r"},
        "ajw.consent.subject": {"consent_user": "r", "officer": "r"},
    }
    LEDGER = ("ajw.consent.event", "ajw.consent.evidence", "ajw.consent.state")
    WITHOUT_COMPANY_RULE = {"ajw.consent.record": "everybody works on forms of their own"}
    METHODS = {
        "ajw.consent.event.action_verify": "officer officer_b",
        "ajw.consent.notice.action_publish": "officer",
        "ajw.consent.record.action_record": "consent_user officer",
        "ajw.consent.state.action_open_events": "consent_user officer",
        "ajw.consent.state.action_withdraw": "consent_user officer",
        "res.partner.ajw_action_open_consents": "consent_user officer officer_b",
        "res.partner.ajw_action_record_consent": "consent_user officer officer_b",
    }
    OVERRIDES = (
        "phone.blacklist.create",
        "phone.blacklist.write",
    )
    FIELDS = {
        "res.company.ajw_consent_controller_id": "",
        "res.partner.ajw_consent_count": "ajw_consent.group_user",
        "res.partner.ajw_consent_state_ids": "ajw_consent.group_user",
    }

    # -- rows ------------------------------------------------------------------------------------

    def _event_of(self, company, kind="refused"):
        partner = self._create_partner("Matrix Customer", self.number)
        return self.env["ajw.consent.event"]._record(
            company, partner, self.purpose_invoice, "whatsapp", self.number, kind, "spoken"
        )

    def row_ajw_consent_event(self, company):
        event = self._event_of(company)
        values = event.read(load=False)[0]
        values = {
            name: value
            for name, value in values.items()
            if event._fields[name].store and name != "id"
        }
        return Row(event, {**values, "uuid": str(uuid.uuid4())}, {"kind": "given"}, guarded=True)

    def row_ajw_consent_evidence(self, company):
        event = self._event_of(company)
        evidence = self.env["ajw.consent.evidence"].search([("event_id", "=", event.id)])
        values = {"event_id": event.id, "company_id": company.id, "subject_id": event.subject_id.id}
        return Row(evidence, values, {"name": "Another"}, guarded=True)

    def row_ajw_consent_state(self, company):
        event = self._event_of(company)
        state = self.env["ajw.consent.state"].search([("event_id", "=", event.id)])
        values = {
            "company_id": company.id,
            "subject_id": event.subject_id.id,
            "purpose_id": self.purpose_order.id,
            "channel": "whatsapp",
            "status": "given",
            "event_id": event.id,
            "since": event.occurred_at,
        }
        return Row(state, values, {"status": "given"}, guarded=True)

    def row_ajw_consent_state_action_withdraw(self, company):
        self._opt_in(self.partner)
        return Row(self.partner.ajw_consent_state_ids, {}, {})

    def row_ajw_consent_subject(self, company):
        values = {"company_id": company.id, "partner_id": self.partner.id}
        subject = self.env["ajw.consent.subject"].create(values)
        return Row(subject, values, {"revision": 9})

    def row_ajw_consent_purpose(self, company):
        purpose = self.env["ajw.consent.purpose"].create({"name": "Matrix", "code": "matrix"})
        return Row(purpose, {"name": "Matrix 2", "code": "matrix_2"}, {"name": "Renamed"})

    def row_ajw_consent_notice(self, company):
        values = {"company_id": company.id, "lang": "en_US", "title": "Messages"}
        return Row(self.env["ajw.consent.notice"].create(values), values, {"title": "Others"})

    def row_ajw_consent_record(self, company):
        values = {
            "partner_id": self.partner.id,
            "company_id": company.id,
            "decision": "refused",
            "address": self.number,
            "purpose_ids": [(6, 0, self.purpose_invoice.ids)],
        }
        record = self.env["ajw.consent.record"].create(values)
        return Row(record, values, {"note": "He said so."}, own=True)

    def row_res_partner(self, company):
        return Row(self.partner, {}, {})
