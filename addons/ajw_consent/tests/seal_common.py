"""Base for tests of seals and verification."""

import json
from itertools import groupby

from odoo.tools import SQL

from ..ledger import GENESIS_HASH, event_hash
from ..ledger.merkle import MerkleTree
from ..ledger.seal import GENESIS_SEAL, seal_hash
from .common import ConsentCommon


class SealCommon(ConsentCommon):
    """A controller whose ledger can be sealed, verified, and tampered with."""

    def _seal(self):
        """Seal what is new; the seal, or an empty record."""
        self.env.flush_all()
        return self.env["ajw.consent.seal"]._seal(self.controller)

    def _mailed(self):
        """The files of all seals, as they are mailed now."""
        seals = self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])
        return [seal._file()[1] for seal in seals.sorted("sequence")]

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
        """What verifying finds: list of ``(reason, event uuid, number of the seal)``."""
        return [
            (finding.reason, finding.event_uuid, finding.seal_sequence)
            for finding in self._verify(mailed).finding_ids
        ]

    # -- somebody who owns the tables ------------------------------------------------------------

    def _behind_the_triggers(self, code, *args):
        """Execute SQL as the owner of the tables can, who may switch off triggers."""
        self.env.flush_all()
        for table in ("event", "seal", "seal_line", "evidence"):
            table = SQL.identifier(f"ajw_consent_{table}")
            self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", table))
        self.env.cr.execute(SQL(code, *args))
        self.env.invalidate_all()

    def _recompute_everything(self):
        """Recompute every hash, seal and answer of the controller, as a forger would."""
        events = self.env["ajw.consent.event"].search(
            [("company_id", "=", self.controller.id)],
            order="subject_id, purpose_code, channel, sequence",
        )
        keys = ("subject_id", "purpose_code", "channel")
        # pylint: disable-next=bad-builtin-groupby  # in order
        for _key, chain in groupby(events, lambda event: [event[key] for key in keys]):
            prev = GENESIS_HASH
            for number, event in enumerate(chain, start=1):
                content = event._content()._replace(sequence=number)
                digest = event_hash(content, prev, event.hash_version)
                self._behind_the_triggers(
                    "UPDATE ajw_consent_event SET sequence=%s, prev_hash=%s, hash=%s WHERE id=%s",
                    *(number, prev, digest, event.id),
                )
                prev = digest
        seals = self.env["ajw.consent.seal"].search([("company_id", "=", self.controller.id)])
        previous, total = GENESIS_SEAL, 0
        for number, seal in enumerate(seals.sorted("sequence"), start=1):
            self._behind_the_triggers(
                """UPDATE ajw_consent_seal_line line SET position = other.position
                     FROM (SELECT id, row_number() OVER (ORDER BY position) AS position
                             FROM ajw_consent_seal_line WHERE seal_id = %s) other
                    WHERE other.id = line.id AND other.position != line.position""",
                seal.id,
            )
            tree = MerkleTree()
            for _position, digest in seal._members():
                tree.add(digest)
            total += tree.count
            content = seal._to_seal().content._replace(
                sequence=number, count=tree.count, total=total, root=tree.root(), previous=previous
            )
            previous = seal_hash(content)
            self._behind_the_triggers(
                """UPDATE ajw_consent_seal SET sequence=%s, event_count=%s, total=%s, root=%s,
                          previous_hash=%s, hash=%s, tree_level=%s, tree_nodes=%s WHERE id=%s""",
                *(number, content.count, total, content.root, content.previous, previous),
                *(tree.level, json.dumps(tree.nodes()), seal.id),
            )
        self.env.flush_all()
        for _batch in self.env["ajw.consent.state"]._rebuild_all(self.controller):
            pass
