import json
from pathlib import Path

from odoo import models
from odoo.tools import SQL
from odoo.tools.misc import file_path

from ..engine import scan, shipped


class AjwPrivacyErasure(models.Model):
    """What an add-on brought along is nobody's data, even where its example has somebody's name."""

    _inherit = "ajw.privacy.erasure"

    def _shipped(self, table, column, ids, matcher):
        """Which of some rows name the person only in the words of the add-on they came with.

        :param str column: that was searched
        :param list[int] ids: of rows in which the person was found
        :param matcher: :class:`~..engine.matcher.Matcher`
        :rtype: set[int]
        """
        if table == "ir_model_fields":
            return self._shipped_fields(column, ids, matcher)
        source = shipped.SOURCES.get(table)
        if not source:
            return set()
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s::text, %s FROM %s WHERE id = ANY(%s) AND %s IS NOT NULL",
                SQL.identifier(column),
                SQL.identifier(source),
                SQL.identifier(table),
                ids,
                SQL.identifier(source),
            )
        )
        return {
            row_id
            for row_id, text, path in rows
            if shipped.is_shipped(_readable(text), _file(path), matcher)
        }

    def _shipped_fields(self, column, ids, matcher):
        """The same for labels and help of fields, which come with an add-on's code."""
        # sudo: what the code says does not depend on who asks
        fields = self.env["ir.model.fields"].sudo().browse(ids).filtered(
            lambda row: row.state == "base" and row.model in self.env
        )  # fmt: skip
        found = set()
        for row in fields:
            field = self.env[row.model]._fields.get(row.name)
            text = row.with_context(lang=None)[column]
            said = f"{field.string}\n{field.help or ''}" if field else ""
            if isinstance(text, str) and shipped.is_shipped(text, said, matcher):
                found.add(row.id)
        return found


def _readable(text):
    """The text of a column as it was written; one that is translated is stored as JSON."""
    try:
        return "\n".join(scan.strings(json.loads(text)))
    except (ValueError, RecursionError):
        return text


def _file(path):
    """What a file of an add-on says, ``""`` where there is none."""
    try:
        return Path(file_path(path)).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
