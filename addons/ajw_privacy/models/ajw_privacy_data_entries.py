from odoo import api, models

from ..engine import classify, roles, vocabulary

#: What columns of every table are, wherever nobody says otherwise.
_MAGIC = vocabulary.Entry(
    "link", "pseudonymise", "names the user account, which is anonymised in place"
)


class AjwPrivacyDataMap(models.Model):
    """Who classifies a field, and who of several counts."""

    _inherit = "ajw.privacy.data.map"

    @api.model
    def _entries(self, model_name):
        """How the fields of a model are classified now.

        :param str model_name: name of a model of the registry
        :return: ``{field name: (Entry, source key)}``
        """
        # sudo: the answer must not depend on who asks
        overrides, lines = self.sudo()._recorded_entries([model_name])
        return self._merge(model_name, overrides, lines)[0]

    @api.model
    def _all_entries(self):
        """How the fields of all models of the registry are classified now.

        :return: ``{model name: {field name: (Entry, source key)}}``
        """
        # sudo: the answer must not depend on who asks
        overrides, lines = self.sudo()._recorded_entries()
        return {name: self._merge(name, overrides, lines)[0] for name in self.pool}

    @api.model
    def _declared_entries(self, model_name):
        """How apps, shipped lines and general rules classify a model, overrides left aside.

        :return: ``{field name: (Entry, source key)}``
        """
        # sudo: the answer must not depend on who asks
        _overrides, lines = self.sudo()._recorded_entries([model_name])
        return self._merge(model_name, {}, lines)[0]

    @api.model
    def _stand_ins(self, entries=None):
        """Models whose records stand for people, and the links that say for whom.

        :param dict entries: from :meth:`_all_entries`, asked for if not given
        :return: ``{model name: {field name: model it points to}}``, in the order of their names
        """
        found = {}
        for model_name, fields in sorted((entries or self._all_entries()).items()):
            for name, (entry, _source) in fields.items():
                field = self.pool[model_name]._fields.get(name)
                if (
                    roles.parse(entry.role).kind == "standin"
                    and field is not None
                    and field.type == "many2one"
                    and field.store
                    and not field.inherited
                ):
                    found.setdefault(model_name, {})[name] = field.comodel_name
        tables = self._own_tables(list(found))
        return {name: links for name, links in found.items() if name in tables}

    def _recorded_entries(self, model_names=None):
        domain = [("model_name", "in", model_names)] if model_names is not None else []
        result = []
        for name in ("ajw.privacy.data.override", "ajw.privacy.data.line"):
            entries = {}
            for record in self.env[name].search(domain):
                entries.setdefault(record.model_name, {})[record.field_name] = record._entry()
            result.append(entries)
        return result

    def _merge(self, model_name, overrides, lines):
        """Classification of a model by precedence: override, declaration, shipped line, rule.

        An override that loosens what is declared does not count; an app may have brought its
        declaration after the override was made. Where a link leads and which law asks for keeping
        a field is taken from whoever says it.
        """
        model_class = self.pool[model_name]
        declared, problems = vocabulary.collect(model_class)
        merged = {
            name: (_MAGIC, "rule") for name in classify.MAGIC_LINKS & model_class._fields.keys()
        }
        for source, entries in (
            ("line", lines.get(model_name, {})),
            ("declaration", declared),
            ("override", overrides.get(model_name, {})),
        ):
            for name, entry in entries.items():
                known = merged.get(name, (None, ""))[0]
                if known is None:
                    merged[name] = (entry, source)
                elif source != "override" or not vocabulary.loosens(known.erase, entry.erase):
                    merged[name] = (entry.over(known), source)
        return merged, problems
