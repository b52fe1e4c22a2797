import json
import logging
from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL, mute_logger

from ..ledger.merkle import MerkleTree
from ..ledger.seal import GENESIS_SEAL, SEAL_VERSION, SealContent, seal_hash
from ..tools.collisions import COLLISIONS
from ..tools.stream import stream
from .ledger_guard import LEDGER_SENTINEL

_logger = logging.getLogger(__name__)

#: Events a seal covers at most: what is more gets the next seal, in a transaction of its own.
#: It may shrink, never grow: a seal that was full when it was made is known by it.
SEAL_SIZE = 100_000
#: A day without events is sealed too: an empty seal says that nothing was added, repeats what was
#: there, and lets the officer notice when the emails stop. Less than a day, for runs that are late.
HEARTBEAT = timedelta(hours=20)


class AjwConsentSeal(models.Model):
    """Sealing: everything that no seal covers yet."""

    _inherit = "ajw.consent.seal"

    @api.model
    def _cron_seal(self):
        """Seal every controller's ledger and mail the seals. The body of the scheduled action."""
        cron = self.env["ir.cron"]
        controllers = self.env["res.company"]._ajw_all_controllers()
        time_left = cron._commit_progress(remaining=len(controllers))
        for controller in controllers:
            while time_left > 0:
                seal = self.with_company(controller)._seal_apart(controller)
                full = seal.event_count == SEAL_SIZE
                time_left = cron._commit_progress(not full)
                if not full:
                    break
            if time_left <= 0:
                # The rest at once, not tomorrow.
                self.env.ref("ajw_consent.ir_cron_seal")._trigger()
                break
        self._mail_unsent()

    @api.model
    def _seal_apart(self, controller):
        """Seal, so that one company's failure stops no other.

        :return: the seal, empty if there was nothing to seal
        """
        try:
            with self.env.cr.savepoint():
                return self._seal(controller)
        except COLLISIONS:
            raise
        except Exception:
            _logger.exception("The ledger of company %s could not be sealed", controller.id)
            return self.browse()

    @api.model
    def _seal(self, controller):
        """Make the next seal of a controller over at most :data:`SEAL_SIZE` events.

        :param controller: res.company
        :return: the seal, empty if there is nothing to seal or somebody else seals just now
        """
        caller = self.env
        # sudo: the ledger is sealed whole, whoever asks
        self = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        last = self.search([("company_id", "=", controller.id)], order="sequence desc", limit=1)
        now = fields.Datetime.now().replace(microsecond=0)
        tree, last_event = self._pending_tree(controller)
        if not tree.count and (not last or now - last.sealed_at < HEARTBEAT):
            return self.browse().with_env(caller)
        content = SealContent(
            ledger=self._ledger_uuid(),
            controller=controller.id,
            sequence=last.sequence + 1,
            sealed_at=now,
            count=tree.count,
            total=last.total + tree.count,
            root=tree.root(),
            previous=last.hash or GENESIS_SEAL,
        )
        try:
            # Two at once: PostgreSQL gives the number, and each event, to one of them.
            with mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                seal = self.create(self._vals_of(content, tree))
                self._insert_lines(seal, controller, last_event)
        except psycopg2.errors.UniqueViolation:
            _logger.info("Somebody else sealed the ledger of company %s just now", controller.id)
            return self.browse().with_env(caller)
        return seal.with_env(caller)

    @api.model
    def _ledger_uuid(self):
        """Return the identifier of this database (str)."""
        # sudo: the identifier is no secret, the other parameters are
        return self.env["ir.config_parameter"].sudo().get_param("database.uuid") or "unknown"

    @api.model
    def _vals_of(self, content, tree):
        """Column values of a seal."""
        return {
            "company_id": content.controller,
            "ledger": content.ledger,
            "sequence": content.sequence,
            "sealed_at": content.sealed_at,
            "event_count": content.count,
            "total": content.total,
            "root": content.root,
            "previous_hash": content.previous,
            "hash": seal_hash(content),
            "seal_version": SEAL_VERSION,
            "tree_level": tree.level,
            "tree_nodes": json.dumps(tree.nodes()),
            "mail_state": "to_send",
        }

    @api.model
    def _pending(self, controller):
        """Return the events that no seal covers, as what follows FROM in a query."""
        return SQL(
            """ajw_consent_event event
                WHERE event.company_id = %s
                  AND NOT EXISTS (SELECT FROM ajw_consent_seal_line line
                                   WHERE line.event_id = event.id)""",
            controller.id,
        )

    @api.model
    def _pending_tree(self, controller):
        """Return the tree over the events to be sealed now, and the id of the last of them."""
        self.env["ajw.consent.event"].flush_model()
        tree, last_event = MerkleTree(), 0
        # SQL: a bulk path of the ledger; the ORM would hold every event in memory
        query = SQL(
            "SELECT event.id, event.hash FROM %s ORDER BY event.id LIMIT %s",
            self._pending(controller),
            SEAL_SIZE,
        )
        for last_event, digest in stream(self.env.cr, query):  # noqa: B007 - the last one counts
            tree.add(digest)
        return tree, last_event

    def _insert_lines(self, seal, controller, last_event):
        """Write which events the seal covers.

        :param int last_event: id of the last of them
        """
        if not seal.event_count:
            return
        seal.flush_recordset()
        # SQL: a bulk path of the ledger. Within a transaction (REPEATABLE READ) it finds the same
        # events as the query that made the tree.
        self.env.cr.execute(
            SQL(
                """INSERT INTO ajw_consent_seal_line (seal_id, event_id, position)
                        SELECT %s, event.id, row_number() OVER (ORDER BY event.id)
                          FROM %s AND event.id <= %s""",
                seal.id,
                self._pending(controller),
                last_event,
            )
        )
        if self.env.cr.rowcount != seal.event_count:
            raise ValueError("The events to be sealed changed while they were sealed")
        self.env["ajw.consent.seal.line"].invalidate_model(flush=False)
