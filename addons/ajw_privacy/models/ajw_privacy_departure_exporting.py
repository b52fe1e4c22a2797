import tempfile

from odoo import models
from odoo.orm.models import NO_ACCESS
from odoo.tools import SQL

from ..engine import departure_export as export

#: In which order it is copied.
PHASES = ("rows", "relations", "files")


class AjwPrivacyDeparture(models.Model):
    """The copy of everything, one volume a step."""

    _inherit = "ajw.privacy.departure"

    def _step_rows(self, known):
        """Fill the next volume with what comes next: rows, relations, files; the last one ends."""
        self._ground(known)
        # sudo: packages are written by these methods alone
        packages = self.sudo().package_ids
        number = max(packages.mapped("number"), default=0) + 1
        with tempfile.TemporaryFile() as file:
            volume = export.Volume(file, number)
            phase, cursor = self.phase, self.cursor or ""
            for phase in PHASES[PHASES.index(phase) :]:  # noqa: B020 - it begins where it was
                cursor = getattr(self, f"_export_{phase}")(volume, cursor, known)
                if cursor is not None:
                    break
            ended = cursor is None
            # sudo: the name of the company, whoever runs it
            about = {"departure": self.name, "company": self.company_id.sudo().name}
            digest = volume.finish(about, self._index(packages, known) if ended else None)
            file.seek(0)
            self.env["ajw.privacy.departure.package"]._add(self, number, file, volume, digest)
        if ended:
            self._forget()
            self._step(state="exported", phase=False, cursor=False, exported_at=self._now())
        else:
            self._step(phase=phase, cursor=cursor)
        return volume.row_count

    # a run that was interrupted goes on in the phase it had reached
    _step_relations = _step_files = _step_rows

    def _index(self, packages, known):
        """What the whole copy consists of: earlier volumes, and how many rows of what."""
        return {
            "format": export.FORMAT,
            "volumes": [
                {"name": each.filename, "sha256": each.digest} for each in packages.sorted("number")
            ],
            "rows": {
                name: sum(place.row_count for place in self.place_ids
                          if place.model_name == name and place.fate != "shared"
                          and not self._is_transient(name))
                for name in sorted(set(self.place_ids.mapped("model_name")))
            },
            "left_out": sorted(
                f"{table}.{name}"
                for table in set(self.place_ids.mapped("table_name"))
                for name in known["tables"][table]
                if self._is_secret(table, name, known)
            ),
        }  # fmt: skip

    def _is_transient(self, model_name):
        model = self.env.get(model_name)
        return model is not None and model._transient

    def _is_secret(self, table, name, known):
        """Whether a column is left out: it grants access, or nobody may read it."""
        model = known["models"].get(table)
        field = self.pool[model]._fields.get(name) if model else None
        return export.is_left_out(name) or (field is not None and field.groups == NO_ACCESS)

    def _export_rows(self, volume, cursor, known):
        """Copy rows table by table.

        :param str cursor: ``table|last id``, empty at the start
        :return: where to go on, None at the end
        """
        done, _bar, last = cursor.partition("|")
        for table in sorted(set(self.place_ids.mapped("table_name"))):
            model = known["models"].get(table)
            if table < done or (model and self._is_transient(model)):
                continue
            names = [
                name
                for name in known["tables"][table]
                if name != "id" and not self._is_secret(table, name, known)
            ]
            if not names:
                continue
            after = int(last or 0) if table == done else 0
            while True:
                rows = self.env.execute_query(
                    export.rows_statement(self.id, table, names, after, export.BATCH)
                )
                if rows:
                    values = [dict(zip(["id", *names], row, strict=True)) for row in rows]
                    volume.add_rows(model or table, values)
                    after = rows[-1][0]
                if volume.is_full:
                    return f"{table}|{after}"
                if len(rows) < export.BATCH:
                    break
        return None

    def _export_relations(self, volume, cursor, known):
        """Copy the relations of the rows; see :meth:`_export_rows`."""
        done, _bar, last = cursor.partition("|") if self.phase == "relations" else ("", "", "")
        hits = set(self.place_ids.mapped("table_name"))
        by_table = {}
        for link in known["links"]:
            if "id" not in known["tables"].get(link.table, {"id": 1}):
                by_table.setdefault(link.table, []).append((link.column, link.target))
        for table, sides in sorted(by_table.items()):
            if table < done or len(sides) != 2 or not hits.intersection(t for _c, t in sides):
                continue
            offset = int(last or 0) if table == done else 0
            while True:
                rows = self.env.execute_query(
                    export.relation_statement(self.id, table, *sides, export.BATCH, offset)
                )
                if rows:
                    names = [column for column, _target in sides]
                    volume.add_rows(table, [dict(zip(names, row, strict=True)) for row in rows])
                    offset += len(rows)
                if volume.is_full:
                    return f"{table}|{offset}"
                if len(rows) < export.BATCH:
                    break
        return None

    def _export_files(self, volume, cursor, known):
        """Copy the files, large ones in parts; the cursor is ``attachment id|part``."""
        done, _bar, part = cursor.partition("|") if self.phase == "files" else ("", "", "")
        after, part = int(done or 0), int(part or 0)
        while True:
            rows = self.env.execute_query(
                SQL(
                    "SELECT t.id, t.name, t.store_fname FROM ir_attachment t "
                    "JOIN ajw_privacy_departure_row h ON h.departure_id = %s "
                    "AND h.table_name = 'ir_attachment' AND h.res_id = t.id "
                    "WHERE t.store_fname IS NOT NULL AND t.id >= %s ORDER BY t.id LIMIT 200",
                    self.id,
                    after,
                )
            )
            for row_id, name, store_fname in rows:
                for number, content, is_last in self._parts(store_fname, part):
                    suffix = "" if is_last and not number else f".part{number:05}"
                    volume.add_file(
                        f"{row_id}-{export.safe_name(name)}{suffix}", [content], is_last
                    )
                    if volume.is_full:
                        return f"{row_id + 1}|0" if is_last else f"{row_id}|{number + 1}"
                part, after = 0, row_id + 1
            if len(rows) < 200:
                return None

    def _parts(self, store_fname, first):
        """The parts of a stored file from one on: (number, content, whether it is the last)."""
        path = self.env["ir.attachment"]._full_path(store_fname)
        try:
            with open(path, "rb") as file:
                file.seek(first * export.PART_BYTES)
                content = file.read(export.PART_BYTES)
                while True:
                    following = file.read(export.PART_BYTES)
                    yield first, content, not following
                    if not following:
                        return
                    first, content = first + 1, following
        except FileNotFoundError:
            return
