"""Rows for the access matrix: seals, verifications, attestations."""

from .access_roles import Row


class ProofRows:
    """Makes rows of what proves the ledger; goes with the matrix of models."""

    def _sealed(self, company):
        company.ajw_consent_seal_recipients = "auditor@example.org"
        self._event_of(company)
        self.env.flush_all()
        return self.env["ajw.consent.seal"]._seal(company)

    def _values_of(self, record, **changes):
        """Values of another row like this one."""
        stored = {name for name, field in record._fields.items() if field.store and name != "id"}
        skipped = {"create_uid", "create_date", "write_uid", "write_date", "position"}
        values = {
            name: value
            for name, value in record.read(list(stored - skipped), load=None)[0].items()
            if name != "id" and record._fields[name].type not in ("one2many", "many2many")
        }
        return {**values, **changes}

    def row_ajw_consent_seal(self, company):
        seal = self._sealed(company)
        return Row(seal, self._values_of(seal, sequence=9), {"hash": "0" * 64}, guarded=True)

    def row_ajw_consent_seal_line(self, company):
        seal = self._sealed(company)
        line = self.env["ajw.consent.seal.line"].search([("seal_id", "=", seal.id)])
        values = {"seal_id": seal.id, "event_id": self._event_of(company).id, "position": 2}
        return Row(line, values, {"position": 3}, guarded=True)

    def _verified(self, company):
        run = self.env["ajw.consent.verification"]._start(company, "command")
        run._run()
        return run

    def row_ajw_consent_verification(self, company):
        run = self._verified(company)
        values = {"company_id": company.id, "kind": "verify", "origin": "user", "state": "intact"}
        return Row(run, values, {"state": "broken"}, guarded=True)

    def row_ajw_consent_verification_finding(self, company):
        event = self._event_of(company)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ajw_consent_state SET status = 'given' WHERE event_id = %s", [event.id]
        )
        finding = self._verified(company).finding_ids
        values = {"verification_id": finding.verification_id.id, "reason": "hash"}
        return Row(finding, values, {"reason": "hash"}, guarded=True)

    def row_ajw_consent_verify(self, company):
        values = {"company_id": company.id}
        wizard = self.env["ajw.consent.verify"].create(dict(values))
        return Row(wizard, values, {"with_evidence": False}, own=True)

    def row_ajw_consent_attestation(self, company):
        values = {
            "company_id": company.id,
            "signed_by": "A. Owner",
            "signed_function": "Managing director",
        }
        attestation = self.env["ajw.consent.attestation"].create(dict(values))
        return Row(attestation, values, {"signed_by": "Another"}, guarded=True)
