import time

import psycopg2

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL, mute_logger

from ..engine import batch, columns, departure, departure_going
from .ajw_privacy_stepwise import AGAIN, STEP_SECONDS

#: Rows a batch at most: one statement, one savepoint.
BATCH_SIZE = 1000
#: Rows of the first batch of a table, until it is known how long they take.
FIRST_BATCH = 50
#: After so many bad rows in a batch the cause is not the row.
MAX_BAD_ROWS = 20
#: Passes over the tables: what one needs of another may go later.
MAX_PASSES = 3


class AjwPrivacyDeparture(models.Model):
    """Counts what may stay, and removes the rows."""

    _inherit = "ajw.privacy.departure"

    def _step_count(self, known):
        """Build the statistics that may stay, before what they count goes: a company a step."""
        done = int(self.cursor or 0)
        left = self._companies().sorted("id").filtered(lambda company: company.id > done)
        if not left:
            self._step(phase="remove", cursor=False, round=0)
            return 0
        self.env["ajw.privacy.statistic"]._build(left[0], self)
        self._step(cursor=str(left[0].id))
        return 1

    # -- rows ------------------------------------------------------------------------------------

    def _step_remove(self, known):
        """Remove rows for a while: table by table, those first that others do not wait for."""
        if problems := self._blockers():
            # a hold that came since: what is left stays
            raise UserError("\n".join(problems))
        until = self._until()
        self._ground(known)
        if "order" not in known:
            going = self.place_ids.filtered(lambda place: place.fate == "go")
            hits = set(going.mapped("table_name"))
            known["order"], known["cut"] = departure_going.order(hits, known["links"])
        done, _bar, last = (self.cursor or "").partition("|")
        tables, count = known["order"], 0
        start = tables.index(done) if done in tables else 0
        for table in tables[start:]:
            after = int(last or 0) if table == done else 0
            while True:
                ids = [
                    i
                    for [i] in self.env.execute_query(
                        departure_going.next_statement(
                            self.id, table, after, self._batch_size(table, known)
                        )
                    )
                ]
                if not ids:
                    break
                begun = time.monotonic()
                count += self._remove(table, ids, known)
                self._learn_size(table, len(ids), time.monotonic() - begun, known)
                after = ids[-1]
                self._step(cursor=f"{table}|{after}")
                if time.monotonic() > until:
                    return count
        self._end_pass()
        return count

    def _batch_size(self, table, known):
        """How many rows of a table are removed at once."""
        return min(BATCH_SIZE, known.setdefault("sizes", {}).get(table, FIRST_BATCH))

    def _learn_size(self, table, count, seconds, known):
        """Take fewer rows where they are slow: without an index, each is looked for everywhere."""
        if seconds > STEP_SECONDS:
            known["sizes"][table] = max(1, count // 4)
        elif seconds < STEP_SECONDS / 4:
            known["sizes"][table] = min(BATCH_SIZE, 4 * max(count, FIRST_BATCH))

    def _end_pass(self):
        """Take what failed again: what it waited for may have gone. Then close the accounts."""
        failed = self.sudo().place_ids.filtered("failed_count")
        if failed and self.round + 1 < MAX_PASSES:
            failed.write({"failed_count": 0, "failed_ids": False, "error": False})
            self._step(round=self.round + 1, cursor=False)
        else:
            self._step(phase="close", round=0, cursor=False)

    def _remove(self, table, ids, known):
        """Remove rows of a table; halve where the database refuses, down to the single row.

        :return: number of rows removed
        """
        # what was noted of the table before would be lost with the caches below
        self.env.flush_all()
        own = self._still_own(table, ids, known)
        links = [link for link in known["links"] if link.target == table]
        cut = [link for link in known["cut"] if link.target == table]
        # what stays lets go of what leaves, where it may: the company, its logins, shared rows
        cut += [
            link
            for link in links
            if link.refuses and not link.required and link not in cut
            and "id" in known["tables"].get(link.table, ())
        ]  # fmt: skip
        relations = [
            link
            for link in links
            if link.refuses and "id" not in known["tables"].get(link.table, {"id": 1})
        ]
        files = []

        def work(part):
            # flush=False: nothing is pending, and all caches are emptied below
            with self.env.cr.savepoint(flush=False):
                for link in cut:
                    self._run(departure_going.cut_statement(link, part))
                for link in relations:
                    self._run(departure_going.unlink_statement(link, part))
                done = self._run(departure_going.delete_statement(table, part))
                if table == "ir_attachment":
                    files.extend(name for [name] in self.env.cr.fetchall() if name)
            # what was gone already is done as well
            return max(done, len(part))

        with mute_logger("odoo.sql_db"):  # its message quotes the row
            result = batch.halve_on_failure(
                own, work, catch=(psycopg2.Error,), max_failures=MAX_BAD_ROWS
            )
        for _row, error in result.failures:
            if error.pgcode in AGAIN:
                # not the row's fault: the step is taken again
                raise error
        failed = {i for i, _error in result.failures}.union(result.untried)
        gone = [i for i in own if i not in failed]
        if done := [i for i in ids if i not in failed]:
            # what is another company's now leaves the list, and nothing else
            # SQL: the hit list is written by SQL alone
            self._run(
                SQL(
                    "DELETE FROM ajw_privacy_departure_row WHERE departure_id = %s "
                    "AND table_name = %s AND res_id IN %s",
                    self.id,
                    table,
                    tuple(done),
                )
            )
        if gone and table == "ir_sequence":
            for [name] in self.env.execute_query(departure_going.counters_statement(gone)):
                # SQL: the app drops them one by one with its records
                self._run(SQL("DROP SEQUENCE IF EXISTS %s", SQL.identifier(name)))
        self.env.invalidate_all(flush=False)
        for name in files:
            # the filestore's garbage collection takes it, unless another row has the same file
            self.env["ir.attachment"]._file_delete(name)
        self._note(table, len(gone), sorted(failed), result.failures)
        return len(gone)

    def _still_own(self, table, ids, known):
        """Those of some ids of the list that no other company was given since the search.

        What hangs on a document is the document's, whatever company it names itself.
        """
        if any(pair.table == table for pair in self._pairs(known)):
            return ids
        theirs = {
            row
            for [row] in self.env.execute_query(
                SQL(
                    "SELECT t.id FROM %s t WHERE t.id IN %s AND %s",
                    SQL.identifier(table),
                    tuple(ids),
                    departure.foreign(
                        table, known["columns"], known["companies"], of=known["parents"]
                    ),
                )
            )
        }
        return [row for row in ids if row not in theirs]

    def _note(self, table, done, failed, failures):
        """Write down how far a table got."""
        # sudo: places are written by these methods alone
        place = self.sudo().place_ids.filtered(
            lambda each: each.table_name == table and each.fate == "go"
        )
        reasons = {columns.describe_error(error) for _id, error in failures}
        place.write(
            {
                "done_count": place.done_count + done,
                "failed_count": place.failed_count + len(failed),
                "failed_ids": [*(place.failed_ids or []), *failed][:100] or False,
                "error": "; ".join(sorted(reasons))[:500] or place.error,
            }
        )
