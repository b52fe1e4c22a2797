import itertools
import json

from odoo import models
from odoo.tools import SQL

from ..engine import roles, walk
from ..engine.classify import MAGIC_LINKS
from ..engine.identifiers import single_words
from ..engine.matcher import Matcher
from ..engine.namesakes import nobody_elses

#: Kinds by which somebody is reached: they tell whether a row without a contact is the person's.
_REACHED = frozenset({"emails", "phones", "logins"})
#: Rows of these models are people by themselves, whatever addresses they share.
_PEOPLE = frozenset({"res.partner", "res.users", "mail.guest", "res.partner.bank"})
#: Who a row of these models is, where no link of the usual kind says so.
_LINKS = {"res.partner": "id", "res.users": "id", "mail.guest": "id"}


class AjwPrivacyPerson(models.AbstractModel):
    """Who else goes by the same name, number or address: a text that says no more is theirs too."""

    _inherit = "ajw.privacy.person"

    def _values_of_others(self, identifiers, person):
        """Names, addresses and numbers of other people that look like the person's.

        Leads, applicants, subscribers and the like that are reached at an address of the person are
        the person, linked to the contact or not; at an address of their own they are a namesake.

        :return: iterator of str; a namesake, a household's number, a mailbox of several
        """
        wanted = walk.wanted(identifiers)
        if not wanted:
            return
        reached = Matcher([each for each in identifiers if each.kind in ("email", "phone")])
        for model, kinds, links in self._models_of_people(person):
            self.env[model].flush_model()
            names = list(kinds)
            others = SQL(" AND ").join(
                SQL("(%(link)s IS NULL OR %(link)s NOT IN %(ids)s)",
                    link=SQL.identifier("t", link), ids=tuple(ids))
                for link, ids in links if ids
            )  # fmt: skip
            rows = self.env.execute_query(
                SQL(
                    "SELECT %s FROM %s t WHERE %s AND %s",
                    SQL(", ").join(SQL("%s::text", SQL.identifier("t", name)) for name in names),
                    SQL.identifier(self.env[model]._table),
                    others or SQL("TRUE"),
                    walk.text_condition(names, wanted),
                )
            )
            for row in rows:
                if model == "mail.guest" and self._is_reached_there(row, kinds, reached):
                    continue  # who joins a chat without signing in, under their own address
                if model in _PEOPLE or self._is_somebody_else(row, list(kinds.values()), reached):
                    yield from filter(None, row)

    def _own_words(self, person, identifiers):
        """Single words of a person's names, of those that nobody and nothing else is called by.

        "Zephyrsson-2026-1" on an order of theirs is a reference to them; where a second
        Zephyrsson, or a thing of that name, is in the database it may be to those.

        :param Person person: from :meth:`_resolve`
        :param identifiers: from :meth:`_identifiers`
        :return: tuple of :class:`~..engine.identifiers.Identifier`, all ``own``
        """
        # sudo: who else goes by a name does not depend on who asks
        self = self.sudo().with_context(active_test=False)
        words = single_words(identifiers)
        if not words:
            return ()
        looked_for = tuple(word._replace(strength="weak") for word in words)
        others = self._values_of_others((*identifiers, *looked_for), person)
        return nobody_elses(words, itertools.chain(self._names_of_things(looked_for), others))

    def _names_of_things(self, words):
        """Names of products in which some words stand, in all languages."""
        if "product.template" not in self.env:
            return
        self.env["product.template"].flush_model(["name"])
        # SQL: in the words that every other text is searched by
        rows = self.env.execute_query(
            SQL(
                "SELECT t.name::text FROM product_template t WHERE %s",
                walk.text_condition(["name"], walk.wanted(words)),
            )
        )
        for [names] in rows:
            yield from json.loads(names).values()

    def _is_reached_there(self, values, kinds, reached):
        """Whether a row has addresses, and all of them are the person's.

        :param dict kinds: field → argument of ``identify``, in the order of the values
        """
        where = [
            value
            for value, kind in zip(values, kinds.values(), strict=True)
            if value and kind in _REACHED
        ]
        return bool(where) and all(reached.is_email(value.strip()) for value in where)

    def _is_somebody_else(self, values, kinds, reached):
        """Whether a row that no contact stands behind is reached elsewhere than the person."""
        where = [
            value for value, kind in zip(values, kinds, strict=True) if value and kind in _REACHED
        ]
        return bool(where) and not any(reached.found_in(value) for value in where)

    def _models_of_people(self, person):
        """Models whose rows are people, or say how somebody is called and reached.

        :return: iterator of (model, field → argument of ``identify``, list of (link, their ids))
        """
        ids = person.ids()
        data_map = self.env["ajw.privacy.data.map"]
        recorded = data_map._recorded_entries()
        for model in sorted(data_map._own_tables(list(self.pool))):
            model_class = self.pool[model]
            if model_class._transient or model.startswith("ajw."):
                continue
            # users have their name and addresses from their contact, which is asked as well
            kinds = {
                name: kind
                for name, kind in self._kinds_of(model, recorded).items()
                if not model_class._fields[name].company_dependent
            }
            if model == "res.partner.bank":
                kinds = {"acc_number": "bank"}
            elif model not in _PEOPLE and not (
                "names" in kinds.values() and _REACHED & set(kinds.values())
            ):
                continue
            if model in _LINKS:
                links = [(_LINKS[model], ids[model])]
            else:
                links = [
                    (name, ids[field.comodel_name])
                    for name, field in model_class._fields.items()
                    if field.type == "many2one" and field.store and not field.company_dependent
                    and field.comodel_name in ids
                    and name not in MAGIC_LINKS
                ]  # fmt: skip
            if kinds:
                yield model, kinds, links

    def _link_about(self, model_name, ids, recorded):
        """The one link of which the data map says that it leads to whom a row is about.

        :param dict ids: model → ids of the person's records
        :param recorded: overrides and lines of the data map
        :return: name of the field, None: none is said to, or several are
        """
        links = [
            name
            for name, (entry, _source) in self.env["ajw.privacy.data.map"]
            ._merge(model_name, *recorded)[0]
            .items()
            if roles.parse(entry.role).kind == "subject"
            and (field := self.pool[model_name]._fields.get(name))
            and field.type == "many2one"
            and field.store
            and not field.inherited
            and field.comodel_name in ids
        ]
        return links[0] if len(links) == 1 else None
