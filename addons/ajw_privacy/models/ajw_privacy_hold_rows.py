from odoo import api, models
from odoo.fields import Domain
from odoo.tools.mail import email_split

from ..engine import classify, holds
from .ajw_privacy_export import STAND_INS

TEXT_TYPES = ("char", "text", "html", "json", "properties")
#: Models whose rows are about the user who made them.
BY_CREATOR = frozenset({"res.users.log"})


class AjwPrivacyHold(models.Model):
    """Which rows of a model the holds in force keep."""

    _inherit = "ajw.privacy.hold"

    @api.model
    def _held(self, model_name, company):
        """Which rows of a model are held.

        A row is held when a link to a contact, user or consent subject points to a held person,
        when it hangs on the contact or on a document of theirs, when its text names one of their
        addresses or numbers, or when the row it is built on (``_inherits``) is held; and when a
        hold on documents keeps it (:meth:`_held_by_rows`).

        :param str model_name: model a policy treats
        :param company: the company whose rows are treated; empty for rows without one
        :return: Domain; nothing is held when it is false
        """
        in_force = self._in_force(company)
        # sudo: who is held is not for the reader of a policy to see
        model = self.env[model_name].sudo().with_context(active_test=False)
        held = Domain.OR(each._held_by_rows(model) for each in in_force if each.kind != "person")
        persons = in_force._persons() if in_force else in_force.partner_id
        if not persons:
            return held
        return held | self._held_of(model, persons, self._patterns(persons))

    def _held_of(self, model, persons, wanted):
        """Rows of a model held because of the persons.

        :param wanted: what their addresses look like in a text, from :meth:`_patterns`
        """
        held = Domain("id", "in", persons.ids) if model._name == "res.partner" else Domain.FALSE
        held |= self._held_by_link(model, persons)
        for name, field in model._fields.items():
            if field.store and field.type == "many2one_reference" and field.model_field:
                held |= self._held_by_document(model, name, field.model_field, persons)
        for parent_name, link in model._inherits.items():
            parent = model.env[parent_name]
            found = self._held_of(parent, persons, wanted)
            if not found.is_false():
                held |= Domain(link, "in", parent._search(found))
        return held | self._held_by_text(model, wanted)

    def _held_by_link(self, model, persons):
        """Rows of which a stored link points to one of the persons."""
        users = persons.user_ids
        targets = {"res.partner": persons.ids, "res.users": users.ids}
        for stand_in, link in STAND_INS.items():
            records = self.env[stand_in].sudo().search([(link, "in", persons.ids)])
            targets[stand_in] = records.ids
        return Domain.OR(
            Domain(name, "in", targets[field.comodel_name])
            for name, field in model._fields.items()
            if field.type in ("many2one", "many2many")
            and field.store
            and (name not in classify.MAGIC_LINKS or model._name in BY_CREATOR)
            and targets.get(field.comodel_name)
        )

    def _held_by_document(self, model, name, model_field, persons):
        """Rows that hang on a held contact, or on a document that points to one."""
        names = {value for [value] in model._read_group([], [model_field]) if value}
        parts = [Domain.FALSE]
        for target_name in names & set(self.pool):
            if self.pool[target_name]._abstract or self.pool[target_name]._transient:
                continue
            target = self.env[target_name].sudo().with_context(active_test=False)
            found = self._held_by_link(target, persons)
            if target_name == "res.partner":
                found |= Domain("id", "in", persons.ids)
            if not found.is_false():
                parts.append(
                    Domain(model_field, "=", target_name)
                    & Domain(name, "in", target._search(found))
                )
        return Domain.OR(parts)

    def _held_by_text(self, model, wanted):
        """Rows whose text names an address or number of one of the persons.

        An officer's own classification adds columns to look at and takes none away.
        """
        data_map = self.env["ajw.privacy.data.map"]
        declared = data_map._declared_entries(model._name)
        others = {
            *data_map._entries(model._name),
            *classify.suspect_model(data_map._facts(type(model)), set()),
        }
        names = [
            name
            for name, field in model._fields.items()
            if field.store
            and field.column_type
            and not field.inherited
            and field.type in TEXT_TYPES
            and (declared[name][0].erase != "none" if name in declared else name in others)
        ]
        if not wanted or not names:
            return Domain.FALSE
        return Domain.custom(
            to_sql=lambda _model, alias, _query: holds.mentions(alias, names, wanted)
        )

    # -- addresses -------------------------------------------------------------------------------

    @api.model
    def _patterns(self, persons):
        """What addresses of the persons look like in a text.

        Looked for are all numbers and addresses the data map knows on the contact, and those on
        rows that point to it alone: the number a message went to, the one a consent was given for.
        What belongs to our companies or colleagues is not theirs.

        :param persons: res.partner
        :return: see :func:`~..engine.holds.patterns`
        """
        found = self._addresses_on(persons)
        for emails, phones in self._addresses_of_links(persons):
            found[0].update(emails)
            found[1].update(phones)
        found[0].update(persons.user_ids.mapped("login"))
        # sudo: colleagues of every company, former ones and the system's own user too
        env = self.sudo().with_context(active_test=False).env
        ours = env["res.company"].search([]).partner_id
        ours |= env["res.users"].search([("share", "=", False)]).partner_id
        own = self._addresses_on(ours - persons)
        mine = self._addresses_on(persons)
        emails = {email.lower() for email in found[0]} - (own[0] - mine[0])
        digits = {holds.digits(phone) for phone in own[1] - mine[1]}
        phones = {phone for phone in found[1] if holds.digits(phone) not in digits}
        return holds.patterns(emails, phones)

    def _reachable(self, model_name):
        """Stored fields with a number or an address: name → ``phone`` or ``email``."""
        data_map = self.env["ajw.privacy.data.map"]
        entries = data_map._entries(model_name) | data_map._declared_entries(model_name)
        model_fields = self.pool[model_name]._fields
        return {
            name: entry.category
            for name, (entry, _source) in entries.items()
            if entry.category in ("phone", "email")
            and (field := model_fields.get(name))
            and field.store
            and field.type == "char"
            and not field.inherited
            and not classify.is_of_others(name)
        }

    def _addresses_on(self, partners):
        """(emails, phone numbers) of contacts."""
        found = {"email": set(), "phone": set()}
        names = {"email_normalized": "email", "phone_sanitized": "phone", "phone": "phone"}
        for name, category in {**names, **self._reachable("res.partner")}.items():
            values = filter(None, partners.mapped(name))
            if category == "email":
                values = {part.lower() for value in values for part in email_split(value)}
            found[category].update(values)
        return found["email"], found["phone"]

    def _addresses_of_links(self, persons):
        """(emails, phone numbers) on rows of other models that point to the persons."""
        targets = {"res.partner": persons.ids}
        for stand_in, link in STAND_INS.items():
            # sudo: subjects of every company
            targets[stand_in] = self.env[stand_in].sudo().search([(link, "in", persons.ids)]).ids
        for model_name in self.env["ajw.privacy.data.map"]._own_tables(list(self.pool)):
            if model_name in ("res.partner", "res.users") or self.pool[model_name]._transient:
                continue
            link = self._person_link(model_name)
            reachable = self._reachable(model_name) if link else {}
            if not reachable or not targets[self.pool[model_name]._fields[link].comodel_name]:
                continue
            # sudo: rows the officer does not see are held all the same
            model = self.env[model_name].sudo().with_context(active_test=False)
            rows = Domain(link, "in", targets[model._fields[link].comodel_name])
            for name, category in reachable.items():
                values = [value for [value] in model._read_group(rows, [name]) if value]
                if category == "phone":
                    yield (), values
                else:  # of several addresses nobody can say which is theirs
                    parts = map(email_split, values)
                    yield [part[0].lower() for part in parts if len(part) == 1], ()

    def _person_link(self, model_name):
        """The one link that says who a row is about; None where several could."""
        links = [
            name
            for name, field in self.pool[model_name]._fields.items()
            if field.type == "many2one"
            and field.store
            and not field.inherited
            and (field.comodel_name == "res.partner" or field.comodel_name in STAND_INS)
        ]
        if "partner_id" in links:
            return "partner_id"
        return links[0] if len(links) == 1 else None
