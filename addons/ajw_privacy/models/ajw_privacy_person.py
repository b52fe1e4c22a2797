from collections import defaultdict
from typing import NamedTuple

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.mail import email_split

from odoo.addons.ajw_consent.tools.address import address_variants

from ..engine.identifiers import identify
from ..engine.namesakes import weaken_by
from ..engine.phones import known_numbers
from .ajw_privacy_export import STAND_INS

#: Names of fields with the identifier of a person at somebody else's service.
IDS = frozenset({"wa_user_id", "business_scoped_id"})
#: Fields of a contact or user by the kind of identifier they hold, where their category in the data
#: map says too little. ``""``: none, a job title is nobody's.
KINDS = {
    "name": "names",
    "complete_name": "",
    "company_name": "",
    "function": "",
    "website": "",
    "vat": "tax",
    "company_registry": "tax",
    "ref": "ids",
    "barcode": "ids",
    "login": "logins",
}
#: What tracking notes under the name of a field that is not stored.
TRACKED = {"contact_address_inline": "addresses"}
#: What the log of changes writes for an empty value.
_NOTHING = frozenset({"False", "None"})
CATEGORY_KINDS = {"email": "emails", "phone": "phones", "address": "addresses", "name": "names"}


class Person(NamedTuple):
    """Somebody as this database knows them.

    :param partner_ids: the contact and its nameless addresses
    :param user_ids: their logins
    :param guest_ids: guests that are known to be them
    :param stand_ins: model → ids of records that stand for them
    """

    partner_ids: tuple
    user_ids: tuple = ()
    guest_ids: tuple = ()
    stand_ins: dict = {}

    def ids(self):
        """Model → ids of all records that are the person or stand for them."""
        return {
            "res.partner": self.partner_ids,
            "res.users": self.user_ids,
            "mail.guest": self.guest_ids,
            **self.stand_ins,
        }


class AjwPrivacyPerson(models.AbstractModel):
    """Who a person is in this database, and by what a text names them."""

    _name = "ajw.privacy.person"
    _description = "Person in the database"

    @api.model
    def _resolve(self, partner):
        """The records that are a person: with nameless addresses, without the contacts below.

        Stand-ins of every controller count: the person is pseudonymised for all of them.

        :param partner: res.partner, one record
        :rtype: Person
        """
        # sudo: officers need not see every contact's addresses and users
        partner = partner.sudo().with_context(active_test=False)
        partners = partner | partner.child_ids.filtered(lambda child: not child.name)
        known = {"res.partner": partners.ids, "res.users": partners.user_ids.ids}
        stand_ins = self._find_stand_ins({name: set(ids) for name, ids in known.items()})
        return Person(tuple(partners.ids), tuple(partners.user_ids.ids), (), stand_ins)

    def _find_stand_ins(self, ids):
        """Records that stand for the person, and those that stand for such a record.

        :param dict ids: model → set of ids of who they are
        :return: model → tuple of ids; every model whose records stand for people is there
        """
        links = self.env["ajw.privacy.data.map"]._stand_ins()
        found = {model: set() for model in links}
        for _step in range(len(links) + 1):
            known = {**found, **ids}
            grown = {}
            for model, names in links.items():
                # sudo: what stands for a person does not depend on who asks
                records = self.env[model].sudo().with_context(active_test=False)
                domain = Domain.OR(
                    Domain(name, "in", tuple(known[target]))
                    for name, target in names.items()
                    if known.get(target)
                )
                grown[model] = set() if domain.is_false() else set(records.search(domain)._ids)
            if grown == found:
                break
            found = grown
        return {model: tuple(sorted(each)) for model, each in found.items()}

    @api.model
    def _identifiers(self, person):
        """What a text names the person by: values of today and, from tracking, of before.

        :param Person person: from :meth:`_resolve`
        :return: tuple of :class:`~..engine.identifiers.Identifier`; those that others go by as well
            are weak
        """
        # sudo: what a person is recognised by does not depend on who asks
        self = self.sudo().with_context(active_test=False)
        found = defaultdict(set)
        partners = self.env["res.partner"].browse(person.partner_ids)
        for model, ids in person.ids().items():
            if ids and model not in person.stand_ins:
                self._add_own(found, self.env[model].browse(ids))
        found["bank"].update(filter(None, partners.bank_ids.mapped("acc_number")))
        self._add_tracked(found, person)
        self._add_logged(found, person)
        self._add_linked(found, person)
        self._add_variants(found, partners[:1].country_id.code or None)
        if partners[:1].is_company:
            found["companies"] |= found.pop("names", set())
        identifiers = identify(**found, country=partners[:1].country_id.code or None)
        return weaken_by(identifiers, self._values_of_others(identifiers, person))

    # -- values ----------------------------------------------------------------------------------

    def _kinds_of(self, model_name, recorded=None):
        """Fields of a model with an identifier: name → argument of ``identify``.

        :param recorded: (overrides, lines) of the data map, where many models are asked
        """
        data_map = self.env["ajw.privacy.data.map"]
        kinds = {}
        if recorded is None:
            entries = data_map._entries(model_name)
        else:
            entries = data_map._merge(model_name, *recorded)[0]
        for name, (entry, _source) in entries.items():
            field = self.pool[model_name]._fields.get(name)
            if field and field.store and not field.inherited and field.type in ("char", "text"):
                kind = KINDS.get(name, CATEGORY_KINDS.get(entry.category, ""))
                if kind and entry.erase != "none":
                    kinds[name] = kind
        return kinds

    def _add(self, found, kind, value):
        if not isinstance(value, str) or not value.strip():
            return
        if kind == "emails":
            found[kind].update(email_split(value))
        else:
            found[kind].add(value)

    def _add_own(self, found, records):
        """Values on the contact, the user and the guest themselves."""
        for name, kind in self._kinds_of(records._name).items():
            if records._fields[name].company_dependent:
                for value in self._of_every_company(records, name):
                    self._add(found, kind, value)
                continue
            for record in records:
                self._add(found, kind, record[name])

    def _of_every_company(self, records, name):
        """Values of a field that each company has for itself."""
        records.flush_model([name])
        return [
            value
            for [value] in self.env.execute_query(
                SQL(
                    "SELECT DISTINCT v.value FROM %s t CROSS JOIN LATERAL jsonb_each_text(t.%s) v "
                    "WHERE t.id IN %s AND jsonb_typeof(t.%s) = 'object'",
                    SQL.identifier(records._table),
                    SQL.identifier(name),
                    records._ids,
                    SQL.identifier(name),
                )
            )
        ]

    def _add_variants(self, found, country):
        """Numbers of countries that once wrote them in another way."""
        for phone in tuple(found["phones"]):
            for number in known_numbers(phone, country):
                if number.startswith("+"):
                    found["phones"] |= address_variants("whatsapp", number)

    def _add_tracked(self, found, person):
        """Former values, as tracking noted them."""
        for model, ids in person.ids().items():
            if not ids or model in person.stand_ins:
                continue
            kinds = TRACKED | self._kinds_of(model)
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT f.name, u.value
                      FROM mail_tracking_value v
                      JOIN mail_message m ON m.id = v.mail_message_id
                      JOIN ir_model_fields f ON f.id = v.field_id
                     CROSS JOIN LATERAL (VALUES (v.old_value_char), (v.new_value_char)) u (value)
                     WHERE m.model = %s AND m.res_id IN %s AND u.value <> ''
                    """,
                    model,
                    tuple(ids),
                )
            )
            for name, value in rows:
                if kinds.get(name):
                    self._add(found, kinds[name], value)

    def _add_logged(self, found, person):
        """Former values, as the log of changes noted them: logins too, which nothing tracks."""
        if "auditlog.log.line" not in self.env:
            return
        for model, ids in person.ids().items():
            if not ids or model in person.stand_ins:
                continue
            kinds = self._kinds_of(model)
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT DISTINCT l.field_name, u.value
                      FROM auditlog_log_line l
                      JOIN auditlog_log g ON g.id = l.log_id
                      LEFT JOIN ir_model o ON o.id = g.model_id
                     CROSS JOIN LATERAL (VALUES (l.old_value), (l.new_value)) u (value)
                     WHERE COALESCE(o.model, g.model_model) = %s AND g.res_id IN %s
                       AND l.field_name IN %s AND u.value <> ''
                    """,
                    model,
                    tuple(ids),
                    tuple(kinds) or ("",),
                )
            )
            for name, value in rows:
                if value not in _NOTHING:
                    self._add(found, kinds[name], value)

    def _add_linked(self, found, person):
        """Numbers, addresses and ids on rows that are about this person alone."""
        hold = self.env["ajw.privacy.hold"]
        ids = person.ids()
        recorded = self.env["ajw.privacy.data.map"]._recorded_entries()
        for model_name in self.env["ajw.privacy.data.map"]._own_tables(list(self.pool)):
            model_class = self.pool[model_name]
            if model_name in ("res.partner", "res.users") or model_class._transient:
                continue
            link = self._link_about(model_name, ids, recorded) or hold._person_link(model_name)
            targets = ids.get(model_class._fields[link].comodel_name) if link else ()
            if not targets:
                continue
            kinds = {
                name: CATEGORY_KINDS[category]
                for name, category in hold._reachable(model_name).items()
            }
            kinds |= {name: "ids" for name in IDS & model_class._fields.keys()}
            if model_class._fields[link].comodel_name in person.stand_ins:
                if model_class._fields[link].comodel_name in STAND_INS:
                    kinds |= {"name": "names"} if "name" in model_class._fields else {}
                # where they live: an employee's private address is on no contact
                kinds |= {
                    name: kind
                    for name, kind in self._kinds_of(model_name, recorded).items()
                    if kind == "addresses"
                }
            records = self.env[model_name].with_context(active_test=False)
            for name, kind in kinds.items():
                field = model_class._fields[name]
                if field.type != "char" or not field.store:
                    continue
                for [value] in records._read_group([(link, "in", targets)], [name]):
                    if kind != "emails" or len(email_split(value or "")) == 1:
                        self._add(found, kind, value)
