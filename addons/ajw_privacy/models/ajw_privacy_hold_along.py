from odoo import api, models
from odoo.fields import Domain
from odoo.tools import ormcache

from ..engine import guard

#: What is deleted with the document it hangs on: model → (field with the model, field with the id).
HUNG = {
    "mail.message": ("model", "res_id"),
    "mail.scheduled.message": ("model", "res_id"),
    "mail.activity": ("res_model", "res_id"),
    "rating.rating": ("res_model", "res_id"),
    "ir.attachment": ("res_model", "res_id"),
}

#: Where ``unlink`` is known to delete nothing but what is named here. Ours is ours to know.
KNOWN_UNLINK = frozenset(
    {
        "odoo.orm.models",
        "odoo.addons.mail.models.models",
        "odoo.addons.mail.models.mail_message",
        "odoo.addons.mail.models.mail_thread",
        "odoo.addons.mail.models.mail_activity_mixin",
        "odoo.addons.rating.models.mail_thread",
    }
)
OWN_MODULES = "odoo.addons.ajw_"


class AjwPrivacyHold(models.Model):
    """What goes along when a row is deleted, asked about before."""

    _inherit = "ajw.privacy.hold"

    @api.model
    @ormcache("model_name")
    def _cascades(self, model_name):
        """Rows the database deletes with a row of the model: tuple of (model, link).

        Asked for each batch, and the same as long as the registry is.
        """
        return tuple(
            (name, field.name)
            for name, model in self.pool.items()
            if not model._abstract and model._auto
            for field in model._fields.values()
            if field.type == "many2one"
            and field.store
            and field.column_type
            and not field.inherited
            and field.comodel_name == model_name
            and field.ondelete == "cascade"
        )

    @api.model
    def _spared(self, model_name):
        """What must never go, and hangs directly on rows of a model: such rows are left alone.

        :return: list of (table, column that points to the row)
        """
        return [
            (self.pool[child]._table, link)
            for child, link in self._cascades(model_name)
            if child != model_name and guard.is_out_of_reach(child)
        ]

    @api.model
    def _goes_along_problem(self, model_name):
        """The first model of which a deletion would take rows that have to stay.

        :return: (reason, model): ``parent`` or ``child`` the data map keeps, or ``unknown`` where
            the app deletes in its own way; None when all is known
        """
        data_map = self.env["ajw.privacy.data.map"]
        model = self.pool[model_name]
        for parent in model._inherits:
            if guard.is_out_of_reach(parent) or not guard.may_delete_rows(
                parent, data_map._entries(parent)
            ):
                return "parent", parent
            if self._spared(parent):
                return "parent", parent
            if problem := self._goes_along_problem(parent):
                return problem
        for layer in model.__mro__:
            unlink = layer.__dict__.get("unlink")
            where = getattr(unlink, "__module__", "")
            if unlink and where not in KNOWN_UNLINK and not where.startswith(OWN_MODULES):
                return "unknown", model_name
        seen, waiting = {model_name}, [model_name]
        spared = {table for table, _link in self._spared(model_name)}
        while waiting:
            parent = waiting.pop()
            for child, _link in self._cascades(parent):
                if parent == model_name and self.pool[child]._table in spared:
                    continue  # rows that have one are left alone
                if (
                    child == model_name
                    or guard.is_out_of_reach(child)
                    or guard.has_to_stay(data_map._entries(child))
                ):
                    return "child", child
                if child not in seen:
                    seen.add(child)
                    waiting.append(child)
        return None

    @api.model
    def _held_along(self, model_name, company, within, cache=None, _path=()):
        """Rows that are held because something that would be deleted with them is.

        :param str model_name: model of which rows are to be deleted
        :param company: as for :meth:`_held`
        :param within: ids or Query: rows to look at
        :param dict cache: what :meth:`_held` found before, by model and company
        :return: set of ids
        """
        cache = {} if cache is None else cache
        # sudo: who is held is not for the reader of a policy to see
        env = self.sudo().with_context(active_test=False, skip_res_field_check=True).env
        ways = [(child, link, Domain.TRUE) for child, link in self._cascades(model_name)]
        if not _path:  # what the database deletes by itself leaves its chatter behind
            ways += [
                (name, link, Domain(by, "=", model_name))
                for name, (by, link) in HUNG.items()
                if name in env and name != model_name
            ]
        path = (*_path, model_name)
        found = set()
        for child_name, link, condition in ways:
            if child_name in path:
                continue
            child = env[child_name]
            rows = condition & Domain(link, "in", within)
            key = (child_name, company.id)
            if key not in cache:
                cache[key] = self._held(child_name, company)
            held = cache[key]
            deeper = self._held_along(child_name, company, child._search(rows), cache, path)
            if deeper:
                held |= Domain("id", "in", list(deeper))
            if held.is_false():
                continue
            for row in child.search_fetch(rows & held, [link], order="id"):
                value = row[link]
                found.add(value if isinstance(value, int) else value.id)
        return found
