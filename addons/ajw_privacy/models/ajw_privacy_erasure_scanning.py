import time

from odoo import models
from odoo.tools import SQL, split_every

from ..engine import scan, schema, walk
from ..engine.file_reading.limits import TOO_LARGE, Limits
from ..engine.file_reading.reader import Read, Reader
from ..engine.graph import KEPT
from ..engine.matcher import Matcher


class AjwPrivacyErasure(models.Model):
    """Scan every table for the person: texts, JSON, lists and bytes."""

    _inherit = "ajw.privacy.erasure"

    def _step_scanning(self, known):
        """Scan the next tables; after the last, the files; after those, end.

        :return: number of rows changed: none
        """
        if self.phase == "files":
            self._scan_files(known)
            return 0
        until = self._until()
        self.env.flush_all()
        self.env.cr.execute(walk.costly_statement())
        if "scanned" not in known:
            known["scanned"] = schema.by_table(self.env.execute_query(schema.columns_statement()))
        tables = known["scanned"]
        found = scan.nothing_found() | (self.residue or {})
        with self._reader(known) as reader:
            for table in self._after(sorted(tables), self.cursor):
                columns = scan.scanned(tables[table])
                if columns:
                    found["tables"] += 1
                    found["columns"] += len(columns)
                    self._scan_table(table, columns, "id" in tables[table], known, found, reader)
                if time.monotonic() > until:
                    self._step(cursor=table, residue=found)
                    return 0
        self._step(phase="files", cursor=False, residue=found)
        return 0

    def _looked_for(self, known):
        """What is looked for: (:class:`~..engine.matcher.Matcher`, :class:`~..engine.walk.Wanted`).

        Only what is the person's alone: what others go by as well may be theirs.
        """
        if "scan" not in known:
            self._wanted(known)
            strong = [each for each in known["identifiers"] if each.is_strong]
            known["scan"] = Matcher(strong, weak=False), walk.wanted(strong)
        return known["scan"]

    def _reader(self, known):
        """What looks into files; it starts a process with the first one."""
        matcher, _wanted = self._looked_for(known)
        return Reader(lambda text: scan.stands_in(text, matcher), matcher.is_whole, Limits())

    def _scan_table(self, table, columns, has_id, known, found, reader):
        """Note where the person still stands in a table.

        :param dict found: what the scan has found so far; is added to, see
            :func:`~..engine.scan.nothing_found`
        :param reader: :class:`~..engine.file_reading.reader.Reader`
        """
        matcher, wanted = self._looked_for(known)
        if not wanted:
            return
        left = {}
        excused = self._excused(table)

        def settle(batch):
            """Count what is left of a batch: of its rows only the first few are remembered."""
            by_column = {}
            for column, row_id in batch:
                if (column, row_id) not in excused and (None, row_id) not in excused:
                    by_column.setdefault(column, []).append(row_id)
            for column, ids in by_column.items():
                shipped = self._shipped(table, column, ids, matcher)
                if ids := [row_id for row_id in ids if row_id not in shipped]:
                    count, named = left.get(column, (0, []))
                    left[column] = count + len(ids), (named + ids)[: scan.NAMED]

        if texts := [column for column in columns if not scan.is_binary(column)]:
            after = 0
            while True:
                rows = self.env.execute_query(
                    scan.scan_statement(table, texts, has_id, after, wanted)
                )
                settle((each.column, each.id) for each in scan.judge(texts, rows, matcher))
                if not has_id or len(rows) < scan.BATCH:
                    break
                after = rows[-1][0]
        for column in columns:
            # files that the database holds itself are looked into with the other files
            if scan.is_binary(column) and (table, column.name) != ("ir_attachment", "db_datas"):
                ids = self._scan_bytes(column, has_id, found, reader)
                for batch in split_every(scan.BATCH, ids):
                    settle((column.name, row_id) for row_id in batch)
        kinds = {column.name: column.type for column in columns}
        for name, (count, named) in sorted(left.items()):
            found["places"].append([table, name, kinds[name], count, named if has_id else []])

    def _scan_bytes(self, column, has_id, found, reader):
        """Ids of the rows in whose bytes the person stands."""
        after = 0
        while True:
            rows = self.env.execute_query(scan.sizes_statement(column, has_id, after))
            for row_id, size in rows:
                if not size:
                    continue
                if size > reader.limits.size:
                    read = Read("other", TOO_LARGE, False)
                else:
                    [[data]] = self.env.execute_query(scan.bytes_statement(column, row_id))
                    read = reader.read_bytes(bytes(data))
                self._note_read(found, read)
                if read.found:
                    yield row_id
            if not has_id or len(rows) < scan.BINARY_BATCH:
                return
            after = rows[-1][0]

    def _note_read(self, found, read):
        """Count a file among those looked into, or those not, by what it is or why not."""
        name, key = ("unread", read.problem) if read.problem else ("kinds", read.kind)
        found[name] = found[name] | {key: found[name].get(key, 0) + 1}

    def _excused(self, table):
        """What a law keeps in a table: set of (column, or None for the whole row; id)."""
        # views of the same table may be models of their own
        names = [name for name, model in self.env.registry.items() if model._table == table]
        rows = self.env.execute_query(
            SQL(
                """
                SELECT NULL, res_id FROM ajw_privacy_erasure_row
                 WHERE erasure_id = %(erasure)s AND model_name = ANY(%(names)s)
                   AND ownership = %(KEPT)s
                 UNION ALL
                SELECT field_name, res_id FROM ajw_privacy_kept
                 WHERE erasure_id = %(erasure)s AND model_name = ANY(%(names)s)
                """,
                erasure=self.id,
                names=names,
                KEPT=KEPT,
            )
        )
        if table == "ir_attachment":
            rows += self._excused_files()
        return set(rows)

    def _excused_files(self):
        """Files of fields and of rows that a law keeps: list of (None, id of the attachment)."""
        return self.env.execute_query(
            SQL(
                """
                SELECT NULL, file_id FROM ajw_privacy_kept
                 WHERE erasure_id = %(erasure)s AND file_id > 0
                 UNION ALL
                SELECT NULL, a.id FROM ajw_privacy_erasure_row h
                  JOIN ir_attachment a ON a.res_model = h.model_name AND a.res_id = h.res_id
                 WHERE h.erasure_id = %(erasure)s AND h.ownership = %(KEPT)s
                """,
                erasure=self.id,
                KEPT=KEPT,
            )
        )
