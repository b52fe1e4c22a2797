from odoo import api, models
from odoo.tools import SQL

from ..engine import classify

#: Odoo's own types of fields. An app may bring others, which are stored as one of these.
_KNOWN_TYPES = frozenset(
    {
        "binary", "boolean", "char", "date", "datetime", "float", "html", "image", "integer",
        "json", "many2many", "many2one", "many2one_reference", "monetary", "one2many", "properties",
        "properties_definition", "reference", "selection", "text",
    }
)  # fmt: skip
#: Columns of the types that apps bring along that can hold a text.
_AS_TEXT = {"varchar": "text", "text": "text", "jsonb": "json", "json": "json"}

#: Fields by which a person is called.
_NAMES = frozenset({"name", "display_name", "complete_name", "commercial_company_name"})


class AjwPrivacyDataMap(models.Model):
    """What the registry says of a model, in the words of the classifier."""

    _inherit = "ajw.privacy.data.map"

    @api.model
    def _own_tables(self, model_names):
        """Those of the models whose rows lie in a table of their own (not abstract, not a view)."""
        candidates = {
            name: self.pool[name]._table
            for name in model_names
            if name in self.pool and not self.pool[name]._abstract
        }
        if not candidates:
            return []
        # a model with _auto = False may be a view or (API keys) a real table: only PostgreSQL knows
        tables = {
            table
            for [table] in self.env.execute_query(
                SQL(
                    "SELECT relname FROM pg_class WHERE relname IN %s AND relkind IN ('r', 'p') "
                    "AND relnamespace = current_schema::regnamespace",
                    tuple(set(candidates.values())),
                )
            )
        }
        return [name for name, table in candidates.items() if table in tables]

    def _facts(self, model_class):
        """The stored fields of a model, for the classifier."""
        return [
            classify.FieldFacts(
                name=name,
                type=self._plain_type(field),
                comodel=field.comodel_name if field.relational else None,
                translate=bool(getattr(field, "translate", False)),
                copy_of=self._copied_category(field),
                is_inverse=self._is_inverse(field),
            )
            for name, field in model_class._fields.items()
            # binary fields kept as attachments are stored, though not in a column
            if field.store and not field.inherited
        ]

    def _is_vacuumed(self, model_class):
        """Odoo deletes rows of a wizard by age or number, unless the model switched both off."""
        return model_class._transient and bool(
            model_class._transient_max_hours or model_class._transient_max_count
        )

    def _plain_type(self, field):
        """The type of a field, or what a type that an app brings along is stored as."""
        if field.type in _KNOWN_TYPES or not field.column_type:
            return field.type
        return _AS_TEXT.get(field.column_type[0], field.type)

    def _is_inverse(self, field):
        """Whether a field of people is where another model's link to them is stored."""
        if field.model_name not in classify.PERSON_MODELS or not field.relational:
            return False
        inverses = self.pool.field_inverses[field]
        if field.type == "many2one":
            return any(inverse.type == "one2many" for inverse in inverses)
        # of two many2many fields on one table, the one that points to people tells of both; where
        # the table is a model's own, its link to people does
        return (
            field.type == "many2many"
            and not any(inverse.type == "many2many" for inverse in inverses)
            and not any(
                model._table == field.relation
                for model in self.pool.values()
                if not model._abstract
            )
        )

    def _copied_category(self, field):
        """Category of the personal field that this one repeats in a column of its own."""
        if not field.compute or field.type not in classify.TEXT_TYPES:
            return ""
        paths = [field.related] if field.related else self.pool.field_depends.get(field, ())
        for path in paths:
            category = self._category_at(field.model_name, path)
            if category:
                return category
        return ""

    def _category_at(self, model_name, path):
        """What kind of a person's data lies at the end of a path that leads to somebody."""
        *steps, last = path.split(".")
        for step in steps:
            field = self.pool[model_name]._fields.get(step)
            if field is None or not field.relational:
                return ""
            model_name = field.comodel_name
        if model_name not in classify.PERSON_MODELS:
            return ""
        field = self.pool[model_name]._fields.get(last)
        if not steps or field is None or field.relational:
            return ""
        if last in _NAMES:
            return "name"
        found = classify.suspect(classify.FieldFacts(last, field.type))
        return found.category if found and found.level == "personal" else ""
