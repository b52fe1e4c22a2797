"""Base for tests of seals and verification."""

from odoo.tools import SQL

from .common import ConsentCommon


class SealCommon(ConsentCommon):
    """A controller whose ledger can be sealed, verified, and tampered with."""

    def _seal(self):
        """Seal what is new; the seal, or an empty record."""
        self.env.flush_all()
        return self.env["ajw.consent.seal"]._seal(self.controller)

    def _verify(self, mailed=(), **kwargs):
        """Verify, and return the record of it."""
        self.env.flush_all()
        self.env.invalidate_all()
        run = self.env["ajw.consent.verification"]._start(
            self.controller, "command", mailed, **kwargs
        )
        run._run()
        return run

    def _problems(self, mailed=()):
        """What verifying finds: list of ``(reason, event uuid, seal)``."""
        return [
            (finding.reason, finding.event_uuid, finding.seal_sequence)
            for finding in self._verify(mailed).finding_ids
        ]

    def _behind_the_triggers(self, code, *args, **kwargs):
        """Execute SQL as the owner of the tables can, who may switch off triggers."""
        self.env.flush_all()
        for table in ("event", "seal", "seal_line", "evidence"):
            self.env.cr.execute(
                SQL(
                    "ALTER TABLE %s DISABLE TRIGGER USER",
                    SQL.identifier(f"ajw_consent_{table}"),
                )
            )
        self.env.cr.execute(SQL(code, *args, **kwargs))
        self.env.invalidate_all()
