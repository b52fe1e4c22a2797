from odoo import models
from odoo.tools import SQL, ormcache

#: What a contact is called by, and what its addresses are called by.
_CALLED = frozenset(
    {"name", "parent_id", "is_company", "type", "company_name", "commercial_company_name", "email"}
)


class ResPartner(models.Model):
    """Documents keep the name that a law keeps, whatever the contact is called afterwards."""

    _inherit = "res.partner"

    def write(self, vals):
        # EXTENDS 'base'
        if not _CALLED & vals.keys():
            return super().write(vals)
        with self.env.protecting(self._ajw_kept_copies()):
            return super().write(vals)

    @ormcache()
    def _ajw_copied(self):
        """Stored fields of documents that are computed from what a contact is called.

        :return: tuple of (model, field, links to contacts)
        """
        called = [self._fields[name] for name in ("name", "complete_name", "display_name")]
        found = []
        for field in {one for each in called for one in self.pool.get_dependent_fields(each)}:
            model = self.pool[field.model_name]
            if not field.store or not field.column_type or model._name == self._name:
                continue
            links = tuple(
                name
                for name, link in model._fields.items()
                if link.type == "many2one" and link.store and link.comodel_name == self._name
            )
            if links:
                found.append((model._name, field.name, links))
        return tuple(sorted(found))

    def _ajw_kept_copies(self):
        """Copies of the contacts' names that a law keeps on documents.

        :return: list of ([field], records), see ``Environment.protecting``
        """
        if not self.ids or not (copied := self._ajw_copied()):
            return []
        # sudo: what is called after them does not depend on who asks
        everybody = self.sudo().with_context(active_test=False)
        ids = everybody.search([("id", "child_of", self.ids)])._ids
        found = []
        for model_name, field_name, links in copied:
            model = self.env[model_name]
            # SQL: nobody has rights on all of the list of what is kept
            rows = self.env.execute_query(
                SQL(
                    "SELECT k.res_id FROM ajw_privacy_kept k JOIN %s t ON t.id = k.res_id "
                    "WHERE k.model_name = %s AND k.field_name = %s AND k.state = 'kept' AND (%s)",
                    SQL.identifier(model._table), model_name, field_name,
                    SQL(" OR ").join(
                        SQL("%s IN %s", SQL.identifier("t", link), ids) for link in links
                    ),
                )
            )  # fmt: skip
            if rows:
                records = model.browse(row_id for [row_id] in rows)
                found.append(([model._fields[field_name]], records))
        return found
