from functools import partial

from odoo import models
from odoo.tools import SQL

from ..engine import (
    departure,
    departure_rows,
    departure_staying,
    keeping,
    keeping_cells,
    keeping_rows,
)
from ..engine.departure import Task
from .ajw_privacy_departure_collecting import MAX_ROUNDS
from .ajw_privacy_erasure_keeping import KEEP

#: What an entry is, whatever the data map says of its fields.
ENTRY = ("account.move", frozenset({"books"}))
#: Of these a row without a company is no document of anybody: files hang on theirs.
_UNSHARED = departure.NEVER | departure.PROOF | {"ir_attachment", "ir_default"}


class AjwPrivacyDeparture(models.Model):
    """Which rows of the company stay: kept by a law, needed by those, used by another company."""

    _inherit = "ajw.privacy.departure"

    def _step_keep(self, known):
        """Go on with what stays; when a pass changes nothing more, write down what becomes of all.

        The first pass asks the law, the following ones what those rows need, until nothing more
        does.
        """
        self._ground(known)
        found = self._work_off(self._needs(known) if self.round else self._laws(known), known)
        if found is None:
            return 1
        if (found or not self.round) and self.round < MAX_ROUNDS:
            self._step(round=self.round + 1, cursor=False)
            return found
        self._make_places(known)
        phase = "rows" if self.state == "exporting" else "count"
        self._step(phase=phase, cursor=False, round=0)
        return found

    # -- what the law keeps, and who else uses it ------------------------------------------------

    def _laws(self, known):
        """Tasks of the first pass."""
        hits, tasks = self._hit_tables(known), []
        duties = self._duties(known)
        for name, codes in sorted(duties.items()):
            table = self.pool[name]._table
            if table in hits - departure.PROOF - departure.NEVER:
                tasks.append(
                    Task(f"law {name}", table, partial(self._keep_rows, name, codes, known))
                )
        for name in sorted(duties):
            table = self.pool[name]._table
            if table in hits and "ir_attachment" in hits:
                statement = partial(departure_staying.files_statement, self.id, name, table)
                tasks.append(Task(f"vouchers {name}", "ir_attachment", statement))
        for link in known["links"]:
            if link.target not in hits or link.table in departure.PROOF:
                continue
            if link.table in {*known["columns"], *known["parents"], *departure.NEVER}:
                statement = partial(
                    departure_staying.used_statement,
                    self.id, link, known["columns"], known["companies"], known["parents"],
                )  # fmt: skip
                tasks.append(Task(f"used {link.table}.{link.column}", link.table, statement))
        return tasks + self._shared(known)

    def _shared(self, known):
        """Tasks: rows that have no company where they could have one, made by its logins."""
        users, tasks = self._own_users().ids, []
        for table, column in sorted(known["columns"].items()):
            columns = known["tables"][table]
            if columns[column].required or "create_uid" not in columns or table in _UNSHARED:
                continue
            statement = partial(departure_rows.shared_rows_statement, self.id, table, column, users)
            tasks.append(Task(f"shared {table}", table, statement))
        return tasks

    def _duties(self, known):
        """Model → codes of the duties that keep its rows, as the data map says for their fields."""
        if "duties" not in known:
            erasures, found = self.env["ajw.privacy.erasure"], {}
            for name, survey in erasures._survey(known).items():
                if survey.is_passing:
                    continue
                for field in survey.fields.values():
                    if field.erase == KEEP or name in keeping_rows.AUDITED:
                        codes = erasures._duties_of(field) or ()
                        found.setdefault(name, set()).update(codes)
            name, codes = ENTRY
            if name in self.env:
                found.setdefault(name, set()).update(codes)
            known["duties"] = {name: codes for name, codes in found.items() if codes}
        return known["duties"]

    def _keep_rows(self, name, codes, known, window):
        """Statement that marks what a law keeps of a model's hits in a window.

        :return: SQL, None where nothing is kept
        """
        table, erasures = self.pool[name]._table, self.env["ajw.privacy.erasure"]
        found = erasures._facts(name, None, known, self.company_id)
        if name == ENTRY[0]:
            # a number that was given and cancelled is in the books as well
            bound = SQL("(%s OR (t.state = 'cancel' AND COALESCE(t.posted_before, FALSE)))",
                        found.bound)  # fmt: skip
            found = found._replace(bound=bound)
        rows = self.env.execute_query(
            departure_staying.to_decide_statement(self.id, table, found, window)
        )
        law, today, decisions = erasures._law(known), erasures._today(), {}
        codes = [code for code in codes if code in law.duties]
        for case in rows if codes else ():
            company_id, day, _sealed, ended = case
            answer = keeping_cells.still_kept(
                codes, law, keeping.Dates(day, day, proceedings_end=ended),
                erasures._keeper(company_id or self.company_id.id, known), today, is_sealed=False,
            )  # fmt: skip
            if answer:
                decisions[case] = answer
        if not decisions:
            return None
        return departure_staying.keep_statement(self.id, table, found, decisions, window)

    # -- what that needs -------------------------------------------------------------------------

    def _needs(self, known):
        """Tasks of a later pass: what belongs to a row that stays, and what it points to."""
        hits, tasks = self._hit_tables(known), []
        for link in known["links"]:
            name = f"{link.table}.{link.column}"
            if link.table not in hits or link.target not in hits:
                continue
            if self._is_part(link):
                statement = partial(departure_staying.along_statement, self.id, link)
                tasks.append(Task(f"along {name}", link.table, statement))
            if link.table not in departure.NEVER and "id" in known["tables"].get(link.table, ()):
                statement = partial(departure_staying.needed_statement, self.id, link)
                tasks.append(Task(f"needed {name}", link.table, statement))
        for link, other in self._book_relations(known):
            if link.target in hits and other.target in hits:
                statement = partial(departure_staying.related_statement, self.id, link, other)
                tasks.append(
                    Task(f"related {link.table}.{link.column}", link.table, statement, link.column)
                )
        return tasks

    def _is_part(self, link):
        """Whether a row is part of the entry it points to: lines, and what reconciles them."""
        return (
            link.table.startswith("account_")
            and link.target in ("account_move", "account_move_line")
            and link.required
        )

    def _book_relations(self, known):
        """Relations within the books, in both directions: the taxes of a line."""
        by_table = {}
        for link in known["links"]:
            if "id" not in known["tables"].get(link.table, {"id": 1}):
                by_table.setdefault(link.table, []).append(link)
        pairs = [sides for sides in by_table.values() if len(sides) == 2]
        return [
            (link, other)
            for sides in pairs
            if all(each.target.startswith("account_") for each in sides)
            for link, other in (sides, sides[::-1])
        ]

    # -- what is shown ---------------------------------------------------------------------------

    def _make_places(self, known):
        """Write down how many rows of each kind there are and what becomes of them."""
        # SQL: one line a kind, of a list without records
        rows = self.env.execute_query(
            SQL(
                "SELECT table_name, fate, duty, article, until, reason, count(*) "
                "FROM ajw_privacy_departure_row WHERE departure_id = %s GROUP BY 1,2,3,4,5,6",
                self.id,
            )
        )
        # sudo: places are written by these methods alone
        self.sudo().place_ids.unlink()
        self.sudo().env["ajw.privacy.departure.place"].create(
            [
                {
                    "departure_id": self.id,
                    "table_name": table,
                    "model_name": known["models"].get(table, table),
                    "fate": fate,
                    "duty": duty,
                    "article": article,
                    "until": until,
                    "reason": reason,
                    "row_count": count,
                }
                for table, fate, duty, article, until, reason, count in rows
            ]
        )
