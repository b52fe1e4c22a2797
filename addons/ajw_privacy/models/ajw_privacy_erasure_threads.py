from odoo import models
from odoo.tools import SQL

from ..engine import erase, hits, plan, walk
from ..engine.graph import OWN, SHARED


class AjwPrivacyErasure(models.Model):
    """Texts on the person's documents: messages, wizards about them, copies on their lines."""

    _inherit = "ajw.privacy.erasure"

    def _walk_threads(self, known):
        """Messages on documents of theirs in which a single word of their name stands."""
        survey = self._survey(known).get("mail.message")
        self._wanted(known)
        if survey and len(known["own"]) > len(known["identifiers"]):
            text = walk.text_condition(self._searched(survey), known["wanted own"])
            self.env.cr.execute(hits.thread_statement(self.id, text))

    def _walk_wizards(self, known):
        """Lines of a wizard that names the person go with it, and those on documents of theirs.

        On what they share with others: those that name them, be it by what others go by as well.
        """
        survey, (_strong, everything) = self._survey(known), self._wanted(known)
        passing = {name: each for name, each in survey.items() if each.is_passing}
        for name, each in passing.items():
            for field in each.fields.values():
                kind, model_column = (
                    self._stored_as(name, self.pool[name]._fields[field.name], field.role)
                    if field.in_table and field.name in self.pool[name]._fields
                    else ("", "")
                )
                if kind == "pair" and field.erase != "none":
                    self.env.cr.execute(
                        hits.pointing_statement(
                            self.id,
                            name,
                            each.table,
                            field.name,
                            model_column,
                            walk.text_condition(self._searched(each), everything),
                        )
                    )
        for _step in range(2):  # lines, and what hangs on them
            for name, each in passing.items():
                for field in each.fields.values():
                    parent = self.pool[name]._fields[field.name].comodel_name if (
                        field.type == "many2one" and field.in_table
                    ) else None  # fmt: skip
                    if parent in passing and parent != name:
                        self.env.cr.execute(
                            hits.lines_statement(self.id, name, each.table, field.name, parent)
                        )

    def _has_threads(self, model_name, ownership):
        """Whether rows may belong to a document that is the person's own though they are not."""
        return model_name == "mail.message" and ownership == SHARED

    def _do_redact(self, table, field, rows, ownership, known):
        mine = self._on_own_documents(field, rows, ownership)
        changed = erase.redact_rows(
            [row for row in rows if row[0] not in mine], plan.writing(field),
            self._matcher(ownership, known), self._beside(ownership, known),
        )  # fmt: skip
        changed += erase.redact_rows(
            [row for row in rows if row[0] in mine], plan.writing(field), self._matcher(OWN, known)
        )
        if not changed:
            return 0
        is_json = field.as_json or field.type in ("json", "properties")
        count = self._do_sql(erase.texts_statement(table, field.name, changed, is_json))
        if not is_json:
            self._redact_copies(table, field, [row_id for row_id, _text in changed], known)
        return count

    def _on_own_documents(self, field, rows, ownership):
        """Ids of those rows that are messages on documents of the person."""
        if not rows or not self._has_threads(field.model, ownership):
            return frozenset()
        # SQL: asks the hit list, which has no records anybody works with
        found = self.env.execute_query(
            SQL(
                "SELECT t.id FROM mail_message t WHERE t.id IN %s AND %s",
                tuple(row_id for row_id, _text in rows), hits.in_own_thread(self.id),
            )
        )  # fmt: skip
        return frozenset(row_id for [row_id] in found)

    def _copies_of(self, field, known):
        """Stored copies of a text: list of (table, column, its link to the row it is copied from).

        A line has its document's reference, and may name the person's company instead of them.
        """
        key = ("copies", field.model, field.name)
        if key not in known:
            known[key] = [
                (survey.table, copy.name, link)
                for name, survey in self._survey(known).items()
                for copy in survey.fields.values()
                if copy.in_table and not copy.as_json and plan.is_searched(copy)
                and copy.erase not in ("", "keep")
                and (link := self._copied_by(self.pool[name], copy.name, field))
            ]  # fmt: skip
        return known[key]

    def _copied_by(self, model, name, field):
        """The link through which a field of a model is a copy of another, ``""``: it is none."""
        copy = model._fields.get(name)
        link, _dot, source = (copy and copy.related or "").partition(".")
        if source != field.name:
            return ""
        through = model._fields[link]
        if through.type == "many2one" and through.store and through.comodel_name == field.model:
            return link
        return ""

    def _redact_copies(self, table, field, ids, known):
        """Bring copies of texts in line with what was redacted."""
        for copy in self._copies_of(field, known):
            self._do_sql(erase.copies_statement(table, field.name, copy, ids))
