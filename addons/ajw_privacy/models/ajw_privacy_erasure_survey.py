from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ..engine import accounts, classify, graph, plan, roles, schema
from ..engine.graph import FieldLink, Link
from ..engine.plan import Field

_JSON_TYPES = ("json", "properties")
#: Odoo's own types of fields. An app may bring others: the arguments of a job are stored as text.
_KNOWN_TYPES = frozenset(
    {
        "binary", "boolean", "char", "date", "datetime", "float", "html", "image", "integer",
        "json", "many2many", "many2one", "many2one_reference", "monetary", "one2many", "properties",
        "properties_definition", "reference", "selection", "text",
    }
)  # fmt: skip
#: Models that are the erasure itself.
OWN_MODELS = frozenset(
    {
        "ajw.privacy.erasure.identifier", "ajw.privacy.erasure.place", "ajw.privacy.erasure.row",
        "ajw.privacy.certificate", "ajw.privacy.erasure.spool", "ajw.privacy.kept",
    }
)  # fmt: skip
#: Models whose rows are gone in minutes anyway.
PASSING = frozenset({"bus.bus"})


class Survey(NamedTuple):
    """A model with a table, as an erasure sees it.

    :param table: name of the table
    :param fields: name → :class:`~..engine.plan.Field`
    :param links: columns that lead from a person to a row
    :param relations: many2many field → (relation table, column of the row, column of the person)
    :param targets: link field → model it points to
    :param parents: models its many2one fields point to
    :param values: (column, kind of identifier): rows with an address of theirs there are theirs
    :param is_passing: whether rows live for minutes or hours, so that one that names the person
        goes as a whole: wizards, notices to browsers
    """

    table: str
    fields: dict
    links: list
    relations: dict
    targets: dict
    parents: frozenset
    values: tuple = ()
    is_passing: bool = False


class AjwPrivacyErasureSurvey(models.Model):
    """What there is to walk through: each model with its columns, links and classifications."""

    _inherit = "ajw.privacy.erasure"

    def _survey(self, known):
        """All models with a table.

        :param dict known: kept by the caller from batch to batch: the map does not change meanwhile
        :return: model → :class:`Survey`, in the order of their names
        """
        if "survey" not in known:
            # sudo: the map does not depend on who asks
            data_map = self.env["ajw.privacy.data.map"].sudo()
            tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
            entries = data_map._all_entries()
            known["tables"] = tables
            known["stand_ins"] = data_map._stand_ins(entries)
            known["survey"] = {
                name: self._survey_model(name, entries[name], tables, known["stand_ins"])
                for name in sorted(data_map._own_tables(list(self.pool)))
                if name not in OWN_MODELS and "id" in tables.get(self.pool[name]._table, ())
            }
        return known["survey"]

    def _survey_model(self, model_name, entries, tables, stand_ins):
        model = self.pool[model_name]
        columns = tables[model._table]
        found, links, relations, targets, parents = {}, [], {}, {}, set()
        values = []
        for name, field in model._fields.items():
            if not field.store or field.inherited or name in classify.MAGIC_LINKS or name == "id":
                continue
            entry = entries[name][0] if name in entries else None
            column = columns.get(name)
            found[name] = Field(
                model_name,
                name,
                self._type_of(field, column),
                in_table=column is not None,
                as_json=bool(column and column.is_json) and field.type not in _JSON_TYPES,
                required=bool(column and column.required),
                category=entry.category if entry else "",
                erase=entry.erase if entry else "",
                law=entry.law if entry else "",
                reason=entry.reason if entry else "",
                role=entry.role if entry else "",
                duty=entry.duty if entry else "",
            )  # fmt: skip
            if field.type == "many2one" and column is not None:
                parents.add(field.comodel_name)
            role = roles.parse(entry.role if entry else "")
            if role.text == "value" and column is not None:
                values.append((name, entry.category))
            links += self._links_of(
                model_name, field, found[name], tables, relations, targets, stand_ins
            )
        for name, column in columns.items():
            kind = self._type_of_column(column)
            if kind and name not in found and name not in accounts.SECRETS:
                # left of a field that is gone, or written by hand: its text is nobody's to keep
                found[name] = Field(model_name, name, kind, required=column.required)
        is_passing = bool(model._transient) or model_name in PASSING
        return Survey(
            *(model._table, found, links, relations, targets, frozenset(parents)),
            *(tuple(values), is_passing),
        )

    def _type_of(self, field, column):
        """Odoo's type of a field, or of what apps store under a type of their own."""
        if field.type in _KNOWN_TYPES or column is None:
            return field.type
        return self._type_of_column(column) or field.type

    def _type_of_column(self, column):
        """The type of field that a column would be: ``json``, ``text``, None for anything else."""
        if column.is_json:
            return "json"
        return "text" if column.type in schema.TEXT_TYPES else None

    def _links_of(self, model_name, field, known, tables, relations, targets, stand_ins):
        """The ways from a person to rows of a model by one field."""
        relational = field.comodel_name if field.type in ("many2one", "many2many") else ""
        facts = FieldLink(
            model_name, field.name, field.type, relational or "",
            getattr(field, "ondelete", None) or "", known.erase, known.role,
        )  # fmt: skip
        if not graph.is_link(facts, stand_ins):
            return
        role = graph.role_of(facts)
        if field.type == "many2many":
            if not {field.column1, field.column2} <= tables.get(field.relation, {}).keys():
                return
            relations[field.name] = (field.relation, field.column1, field.column2)
            targets[field.name] = relational
            yield Link(
                field.column2, relational, "many2many", role,
                relation=(field.relation, field.column1), alone=known.erase == "delete",
            )  # fmt: skip
            return
        if not known.in_table:
            return
        if field.type == "many2one":
            targets[field.name] = relational
            kind = "by_company" if known.as_json else "many2one"
            yield Link(field.name, relational, kind, role)
            return
        kind, model_column = self._stored_as(model_name, field, known.role)
        for target in (*sorted(classify.PERSON_MODELS), *sorted(stand_ins)):
            if kind:
                yield Link(field.name, target, kind, role, model_column=model_column)

    def _stored_as(self, model_name, field, role):
        """How a field that may point to any model does: (kind of link, column with the model).

        :return: ``("", "")`` where the model it points to lies in no column
        """
        role = roles.parse(role)
        if field.type == "reference" or role.reference:
            return "reference", ""
        column = role.pair or getattr(field, "model_field", None) or ""
        beside = self.pool[model_name]._fields.get(column.partition(".")[0])
        return ("pair", column) if beside is not None and beside.store else ("", "")

    def _searched(self, survey):
        """Names of the columns of a model in which the person is looked for."""
        if survey.is_passing:
            return [
                field.name
                for field in survey.fields.values()
                if field.type in plan.TEXT_TYPES and field.in_table
            ]
        return [field.name for field in survey.fields.values() if plan.is_searched(field)]

    def _searched_blobs(self, survey):
        """Names of the binary columns of a wizard: its rows go whole, whatever is in them."""
        if not survey.is_passing:
            return []
        return [
            field.name
            for field in survey.fields.values()
            if field.type in plan.FILE_TYPES and field.in_table
        ]

    def _last_id(self, table):
        """The highest id of a table."""
        [[last]] = self.env.execute_query(SQL("SELECT max(id) FROM %s", SQL.identifier(table)))
        return last or 0
