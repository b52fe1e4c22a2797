import os
import re
import time

from odoo import models
from odoo.tools import SQL

from ..engine import files, scan, schema
from ..engine.file_reading.limits import BUDGET
from ..engine.file_reading.reader import Read

#: Contents that are asked for at a time.
BATCH = 200
#: So many files are looked into that have nothing to do with the person as far as is known, and
#: are older than the plan. May be set: 0 for none.
PARAMETER = "ajw_privacy.scan_files"
MOST = 50_000
#: The order in which files are looked into.
_STAGES = ("linked", "rest", "stored", "named", "disk", "settle")
_FOLDER = re.compile("[0-9a-f]{2}")


class AjwPrivacyErasure(models.Model):
    """Scan every file: those of attachments, and those that lie in the filestore for nobody.

    A content is read once, however many attachments share it. Files that are linked with the
    person's rows come first, then all others up to a limit; whatever is left out is counted.
    """

    _inherit = "ajw.privacy.erasure"

    def _scan_files(self, known):
        """Look into the next files; after the last, end."""
        until = self._until()
        found = dict(self.residue)
        stage, _colon, after = (self.cursor or f"{_STAGES[0]}:").partition(":")
        with self._reader(known) as known["reader"]:
            while True:
                after = getattr(self, f"_files_{stage}")(after, found, known, until)
                if after is None:
                    if stage == _STAGES[-1]:
                        break
                    stage, after = _STAGES[_STAGES.index(stage) + 1], ""
                if time.monotonic() > until or stage == _STAGES[-1]:
                    self._step(cursor=f"{stage}:{after}", residue=found)
                    return
        self._step(phase=False, cursor=False, residue=found)
        self._end()

    # -- each of these: (where it goes on, …) → where it goes on, or None: there is no more ------

    def _files_linked(self, after, found, known, until):
        """Files of the person's rows, of those that tell of them, and of their messages."""
        names = self.env.execute_query(
            SQL(
                """
                SELECT store_fname FROM (
                    SELECT a.store_fname FROM ajw_privacy_erasure_row h
                      JOIN ir_attachment a ON a.res_model = h.model_name AND a.res_id = h.res_id
                     WHERE h.erasure_id = %(erasure)s
                     UNION
                    SELECT a.store_fname FROM ajw_privacy_erasure_row h
                      JOIN ir_attachment a ON a.id = h.res_id
                     WHERE h.erasure_id = %(erasure)s AND h.model_name = 'ir.attachment'
                ) files
                 WHERE store_fname > %(after)s ORDER BY store_fname LIMIT %(batch)s
                """,
                erasure=self.id,
                after=after,
                batch=BATCH,
            )
        )
        for [name] in names:
            self._look_into(name, found, known)
            if time.monotonic() > until:
                return name
        return names[-1][0] if len(names) == BATCH else None

    def _files_rest(self, after, found, known, until):
        """All other files: those written since the plan was made, and as many of the rest."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT a.store_fname, max(a.create_date) >= %(planned)s,
                       bool_or(EXISTS (SELECT FROM ajw_privacy_erasure_row h
                                        WHERE h.erasure_id = %(erasure)s
                                          AND h.model_name = a.res_model AND h.res_id = a.res_id)
                            OR EXISTS (SELECT FROM ajw_privacy_erasure_row h
                                        WHERE h.erasure_id = %(erasure)s
                                          AND h.model_name = 'ir.attachment' AND h.res_id = a.id))
                  FROM ir_attachment a
                 WHERE a.store_fname IN (
                       SELECT DISTINCT store_fname FROM ir_attachment
                        WHERE store_fname > %(after)s ORDER BY store_fname LIMIT %(batch)s)
                 GROUP BY a.store_fname ORDER BY a.store_fname
                """,
                erasure=self.id,
                planned=self.planned_at,
                after=after,
                batch=BATCH,
            )
        )
        for name, is_new, is_linked in rows:
            if not is_linked:  # those were looked into
                self._look_into(name, found, known, is_rest=not is_new)
            if time.monotonic() > until:
                return name
        return rows[-1][0] if len(rows) == BATCH else None

    def _files_stored(self, after, found, known, until):
        """Files that the database holds itself, the first attachment with each content."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT a.id, a.checksum FROM ir_attachment a
                 WHERE a.db_datas IS NOT NULL AND octet_length(a.db_datas) > 0 AND a.id > %s
                   AND NOT EXISTS (SELECT FROM ir_attachment b
                                    WHERE b.checksum = a.checksum AND b.id < a.id
                                      AND b.db_datas IS NOT NULL)
                 ORDER BY a.id LIMIT %s
                """,
                int(after or 0),
                BATCH,
            )
        )
        for row_id, checksum in rows:
            if not self._is_within(found, True):
                self._note_read(found, Read("other", BUDGET, False))
                continue
            [[data]] = self.env.execute_query(
                SQL("SELECT db_datas FROM ir_attachment WHERE id = %s", row_id)
            )
            read = known["reader"].read_bytes(bytes(data))
            same = (
                SQL("checksum = %s AND db_datas IS NOT NULL", checksum)
                if checksum
                else SQL("id = %s", row_id)
            )
            self._note_file(found, known, read, "ir_attachment", same)
            if time.monotonic() > until:
                return str(row_id)
        return str(rows[-1][0]) if len(rows) == BATCH else None

    def _files_named(self, _after, found, known, _until):
        """Files that no attachment names, and another table does."""
        tables = files.stores(schema.by_table(self.env.execute_query(schema.columns_statement())))
        for table in tables:
            if table == "ir_attachment":
                continue
            names = self.env.execute_query(
                SQL(
                    "SELECT DISTINCT store_fname FROM %s t WHERE store_fname IS NOT NULL "
                    "AND NOT EXISTS (SELECT FROM ir_attachment a "
                    "WHERE a.store_fname = t.store_fname)",
                    SQL.identifier(table),
                )
            )
            for [name] in names:
                self._look_into(name, found, known, table)

    def _files_disk(self, after, found, known, until):
        """Files that lie in the filestore and that nothing names: theirs are taken from there."""
        root = self.env["ir.attachment"]._filestore()
        tables = files.stores(schema.by_table(self.env.execute_query(schema.columns_statement())))
        # sudo: nobody has rights on what an erasure does
        spool = self.env["ajw.privacy.erasure.spool"].sudo()
        folders = sorted(name for name in self._names_in(root) if _FOLDER.fullmatch(name))
        for folder in self._after(folders, after):
            names = [f"{folder}/{name}" for name in self._names_in(os.path.join(root, folder))]
            used = {
                name for [name] in self.env.execute_query(files.used_statement(tables, names))
            } if names else set()  # fmt: skip
            theirs = []
            for name in names:
                if name in used:
                    continue
                if not self._is_within(found, True):
                    self._note_read(found, Read("other", BUDGET, False))
                    continue
                read = known["reader"].read_file(self._path_of(name))
                self._note_read(found, read)
                if read.found:
                    theirs.append(name)
            spool._add(self.id, "file", theirs)
            if time.monotonic() > until:
                return folder
        return None

    def _files_settle(self, _after, found, _known, _until):
        """Wait until what nobody names is taken from the disk; what stays there is told."""
        waiting, stuck = self._count_on_disk()
        if waiting:
            return ""  # it goes between two steps
        if stuck:
            found["places"] = [*found["places"], ["filestore", "file", "other", stuck, []]]
        return None

    # -- one file --------------------------------------------------------------------------------

    def _look_into(self, name, found, known, table="ir_attachment", is_rest=False):
        """Look into a file of the filestore.

        :param str name: in the filestore
        :param dict found: what the scan has found so far; is added to
        :param dict known: with the ``reader`` of this step
        :param str table: whose rows name it
        :param bool is_rest: whether it is one of those of which only so many are looked into
        """
        if not self._is_within(found, is_rest):
            read = Read("other", BUDGET, False)
        else:
            read = known["reader"].read_file(self._path_of(name))
        self._note_file(found, known, read, table, SQL("store_fname = %s", name))

    def _is_within(self, found, is_rest):
        """Whether one more file may be looked into; it is counted where it may."""
        if not is_rest:
            return True
        # sudo: the number is a setting of the database
        text = self.env["ir.config_parameter"].sudo().get_param(PARAMETER) or ""
        if found["rest"] >= (int(text) if text.isdigit() else MOST):
            return False
        found["rest"] += 1
        return True

    def _note_file(self, found, known, read, table, same):
        """Note what became of a file, and of the rows that name it those no law keeps.

        :param same: condition on the rows that name it
        """
        self._note_read(found, read)
        if not read.found:
            return
        has_id = table == "ir_attachment"
        rows = self.env.execute_query(
            SQL(
                "SELECT %s FROM %s WHERE %s",
                SQL("id") if has_id else SQL("0"),
                SQL.identifier(table),
                same,
            )
        )
        if "excused" not in known:
            known["excused"] = {row_id for _name, row_id in self._excused("ir_attachment")}
        ids = [i for [i] in rows if not has_id or i not in known["excused"]]
        if ids:
            places = [list(place) for place in found["places"]]
            place = next((each for each in places if each[:3] == [table, "raw", read.kind]), None)
            if place is None:
                place = [table, "raw", read.kind, 0, []]
                places.append(place)
            place[3] += len(ids)
            place[4] = (place[4] + ids)[: scan.NAMED] if has_id else []
            found["places"] = places

    def _names_in(self, folder):
        """Names in a folder, none where there is no such folder."""
        try:
            return os.listdir(folder)
        except OSError:
            return []
