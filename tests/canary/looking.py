"""Looking at a database in which the people acted: where they stand, and what others' rows are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.canary import scanner, snapshot
from tests.canary.people import NAMES, Person

#: Where many people meet: what hangs on such a row is not about one of them.
SHARED_TABLES = {"res_partner", "res_users", "product_product", "product_template", "res_company"}


class Looking:
    """The part of a play that only reads."""

    def _tokens(self, person: Person) -> dict[str, str]:
        """What must be gone; what somebody else goes by as well is theirs, too."""
        shared = {"one of two": NAMES, "here": (*NAMES, "mailbox", "phone", "street")}
        return person.tokens(*shared.get(person.key, ()))

    def _look(self) -> dict[str, list[scanner.Hit]]:
        """Where the erased stand: key → hits."""
        from odoo.tools import config

        words = {person.key: self._tokens(person) for person in self.erased}
        folders = {
            "filestore": Path(config.filestore(self.env.cr.dbname)),
            "sessions": Path(config.session_dir),
        }
        files = scanner.scan_files_for(folders, words)
        found = scanner.scan_tables_for(self.env.cr._obj, words)
        for key, hits in files.items():
            owned = map(self._owned, hits)
            found[key] += [hit for hit in owned if hit[:1] + hit[2:3] not in self.earlier]
        return found

    def _sessions_on_disk(self) -> Iterator[tuple[str, str]]:
        from odoo.tools import config

        folder = Path(config.session_dir)
        for path in folder.rglob("*"):
            yield "sessions", str(path.relative_to(folder))

    def _owned(self, hit: scanner.Hit) -> scanner.Hit:
        """A file of the filestore under what it hangs on, as the list of what may stay names it."""
        self.env.cr.execute(
            "SELECT concat_ws('.', res_model, res_field) FROM ir_attachment WHERE store_fname = %s "
            "ORDER BY res_model LIMIT 1",
            [hit.row],
        )
        found = self.env.cr.fetchone()
        if hit.table != "filestore":
            return hit
        return hit._replace(
            table=f"filestore of {found[0] or 'a message'}" if found else "filestore"
        )

    def look(self, when: str) -> None:
        """Count where everybody stands."""
        self.env.flush_all()
        with self._timed(f"scan {when}"):
            found = self._look()
            for person in self.erased:
                hits = found[person.key]
                person.records[when] = hits
                told = self.result["people"].setdefault(person.key, {})
                told[when] = scanner.summary(hits) | {"places": scanner.by_place(hits)}
                if when == "after":
                    lawless = [hit for hit in hits if not self._law_of(person, hit)]
                    told["lawless"] = scanner.by_place(lawless)
                    told["laws"] = self._laws(person, hits)
                    told["lawless_rows"] = sorted({(*hit[:3],) for hit in lawless})[:40]

    def _law_of(self, person: Person, hit: scanner.Hit) -> str:
        """The law of which the database says that it keeps what is left, ``""``: none does."""
        erasure = person.records.get("erasure")
        if not erasure:
            return ""
        if "kept" not in person.records:
            self.env.cr.execute(
                """SELECT k.model_name, k.field_name, k.res_id::text, a.store_fname, k.article
                     FROM ajw_privacy_kept k LEFT JOIN ir_attachment a ON a.id = k.file_id
                    WHERE k.erasure_id = %s AND k.state = 'kept' AND k.article <> ''
                      AND (k.until IS NOT NULL OR k.no_end IS NOT NULL)""",
                [erasure.id],
            )
            kept: dict[Any, str] = {}
            for model, field, row, file, article in self.env.cr.fetchall():
                kept[self.env[model]._table, field, row] = article
                kept[file] = article
            person.records["kept"] = kept
        kept = person.records["kept"]
        if hit.column == "file":
            return kept.get(hit.row, "")
        row = kept.get((hit.table, None, hit.row), "")
        return kept.get((hit.table, hit.column, hit.row), row)

    def _laws(self, person: Person, hits: list[scanner.Hit]) -> dict[str, list[str]]:
        """Place → articles that the database names for what is left there."""
        found: dict[str, set[str]] = {}
        for hit in hits:
            if article := self._law_of(person, hit):
                found.setdefault(f"{hit.table}.{hit.column}", set()).add(article)
        return {place: sorted(articles) for place, articles in sorted(found.items())}

    def look_at_others(self, when: str) -> None:
        """Note every row, and which are the bystanders'."""
        self.env.flush_all()
        cursor = self.env.cr._obj
        with self._timed(f"snapshot {when}"):
            self.__dict__[when] = snapshot.take(cursor)
            if when != "before":
                return
            about = set()
            for person in self.erased:
                about |= snapshot.rows_of(person.records["before"])
                about |= snapshot.linked(cursor, self._records_of(person))
            self.about = about
            # what hangs on documents of theirs is told apart: it may go with them
            self.around = snapshot.linked(
                cursor, _by_table(row for row in about if row[0] not in SHARED_TABLES)
            )
            shared = {person.key: self._shared_words(person) for person in self.erased}
            own = {person.key: self._own_words(person) for person in self.bystanders}
            hits = scanner.scan_tables_for(cursor, shared | own)
            # where only a name stands that a namesake has too, on rows that are linked somehow
            for key in shared:
                self.around |= snapshot.rows_of(hits[key])
            # what their rows are built on, as a mail is on a message
            self.around |= snapshot.built_on(cursor, about | self.around, self._built_on())
            self.theirs = {
                person.key: (
                    snapshot.linked(cursor, self._records_of(person))
                    | snapshot.rows_of(hits[person.key])
                ) - about
                for person in self.bystanders
            }  # fmt: skip

    def _built_on(self) -> list[snapshot.Key]:
        """Links to the rows that rows of a model are built on."""
        names = {
            (model._table, column)
            for model in self.env.registry.values()
            for column in model._inherits.values()
        }
        return [
            key for key in snapshot.keys(self.env.cr._obj)
            if (key.table, key.column) in names and key.target not in SHARED_TABLES
        ]  # fmt: skip

    def _shared_words(self, person: Person) -> dict[str, str]:
        mine = self._tokens(person)
        return {kind: word for kind, word in person.tokens().items() if kind not in mine}

    def _own_words(self, person: Person) -> dict[str, str]:
        same = {"the other of two": NAMES, "there": (*NAMES, "mailbox", "phone", "street")}
        return person.tokens(*same.get(person.key, ()))

    def _records_of(self, person: Person) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        partner = person.partner.with_context(active_test=False)
        partners = partner | partner.child_ids
        found["res_partner"] = partners.ids
        found["res_users"] = partners.user_ids.ids
        for name in ("employee", "visitor"):
            if record := person.records.get(name):
                found[record._table] = record.ids
        return found

    def compare(self) -> None:
        """Which rows of others were changed, and in which columns."""
        before, after = self.__dict__["before"], self.__dict__["after"]
        changed = snapshot.changed(before, after)

        def told(rows: Iterable[tuple]) -> list[list]:
            return [[*row, snapshot.differences(before, after, row)] for row in sorted(rows)]

        self.result["bystanders"] = {
            key: {"rows": len(rows), "changed": told(rows & changed)}
            for key, rows in self.theirs.items()
        }
        self.result["changed_elsewhere"] = told(changed - self.about - self.around)

    def integrity(self, when: str) -> None:
        """Whether the hash chains of the books hold."""
        if "account.move" not in self.env:
            return
        told = {}
        for company in self.stage.company | self.stage.other_company:
            books = company.with_env(self.stage.as_clerk(company))
            results = books._check_hash_integrity()["results"]
            told[company.name] = sorted({row["status"] for row in results})
        self.result.setdefault("integrity", {})[when] = told


def _by_table(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return found
