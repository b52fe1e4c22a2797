from odoo import models

from ..engine import accounts, classify, schema, unmapped
from .ajw_privacy_data_map import Finding


class AjwPrivacyDataMap(models.Model):
    """What the registry does not tell: columns without a field, and what columns hold."""

    _inherit = "ajw.privacy.data.map"

    def _whole_picture(self, model_names=None):
        """Compute the map from its sources, the database's own columns and samples included.

        :param list model_names: models, and tables without one, to look at; all when None
        :return: as :meth:`_picture` does
        """
        rows, findings = self._picture(model_names)
        entries = {}
        for recorded in reversed(self._recorded_entries(model_names)):  # lines, then overrides
            for name, fields_ in recorded.items():
                entries.setdefault(name, {}).update(fields_)
        columns = {
            each.key: each
            for each in self._unmapped()
            if model_names is None or each.key[0] in model_names
        }
        for key, found in columns.items():
            rows[key] = self._column_row(found, entries.get(key[0], {}).get(key[1]))
            if rows[key]["state"] == "open":
                findings.append(Finding(*key, "unclassified", self._sentence(found.suspicion)))
        # what is classified for a column is no mistake because there is no field of that name
        findings = [
            each
            for each in findings
            if each.kind != "unknown_field" or (each.model, each.field) not in columns
        ]
        # sudo: the samples are for the map to read; whoever calls it was checked before
        samples = self.env["ajw.privacy.data.sample"].sudo()
        domain = [("kind", "!=", False)]
        if model_names is not None:
            domain.append(("model_name", "in", model_names))
        for sample in samples.search(domain):
            key = (sample.model_name, sample.field_name)
            row = rows.get(key)
            if row is None and sample.field_name not in entries.get(sample.model_name, {}):
                row = rows[key] = self._sampled_row(sample)
                findings.append(Finding(*key, "unclassified", f"sampled: holds {sample.kind}"))
            if row and row["state"] == "open":
                row.update(
                    sample_kind=sample.kind,
                    sample_hits=sample.hit_count,
                    sample_values=sample.value_count,
                )
        return rows, findings

    def _sentence(self, suspicion):
        return f"{suspicion.level}: looks like {suspicion.category}"

    def _relations(self):
        """Tables of many2many fields: name → the two columns."""
        found = {}
        for model_class in self.pool.values():
            for field in model_class._fields.values():
                if field.type == "many2many" and field.store and field.relation:
                    found.setdefault(field.relation, set()).update((field.column1, field.column2))
        return found

    def _unmapped(self):
        """Columns that no field knows: list of :class:`~..engine.unmapped.Unmapped`."""
        tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
        known = {}
        for name in self._own_tables(list(self.pool)):
            model_class = self.pool[name]
            table = model_class._table
            _first, names = known.setdefault(table, (name, set(accounts.SECRETS)))
            names.update(model_class._fields)
            if self._is_vacuumed(model_class):  # its rows are gone soon, whatever they hold
                names.update(tables.get(table, ()))
        links = self.env.execute_query(unmapped.links_statement())
        return list(unmapped.find(tables, known, self._relations(), links))

    def _column_row(self, found, entry):
        model_class = self.pool.get(found.model)
        suspicion = found.suspicion
        return {
            "model_label": (model_class and model_class._description) or found.column.table,
            "field_label": found.column.name,
            "app": False,
            "field_type": found.column.type,
            "target": found.target or False,
            "category": (entry.category if entry else suspicion.category) or False,
            "erase": entry.erase if entry else False,
            "reason": entry and entry.reason or False,
            "law": entry and entry.law or False,
            "source": self._source_of(found.key) if entry else "none",
            "level": suspicion.level,
            "clue": suspicion.why,
            "state": "classified" if entry else "open",
            "is_transient": False,
            "is_copy": False,
            "is_unknown": True,
            **self._no_sample(),
        }

    def _source_of(self, key):
        own = self.env["ajw.privacy.data.override"].sudo()  # sudo: the map counts for everybody
        domain = [("model_name", "=", key[0]), ("field_name", "=", key[1])]
        return "override" if own.search_count(domain, limit=1) else "line"

    def _sampled_row(self, sample):
        """The row of a column that only its contents give away."""
        model_class = self.pool.get(sample.model_name)
        field = model_class._fields.get(sample.field_name) if model_class is not None else None
        suspicion = classify.Suspicion("sampled", sample._category(), "sample")
        if field is not None:
            return self._row(model_class, field, None, "none", suspicion)
        return {
            "model_label": (model_class and model_class._description) or sample.model_name,
            "field_label": sample.field_name,
            "app": False,
            "field_type": False,
            "target": False,
            "category": suspicion.category,
            "erase": False,
            "reason": False,
            "law": False,
            "source": "none",
            "level": "sampled",
            "clue": "sample",
            "state": "open",
            "is_transient": False,
            "is_copy": False,
            "is_unknown": True,
            **self._no_sample(),
        }

    def _no_sample(self):
        return {"sample_kind": False, "sample_hits": 0, "sample_values": 0}
