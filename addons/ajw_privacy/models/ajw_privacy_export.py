import tempfile
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.orm.models import NO_ACCESS

from ..engine import columns, export, guard

#: Rows read at a time.
BATCH_SIZE = 1000
#: Types of fields that say what a row is about without telling of anybody.
FACT_TYPES = frozenset({"date", "datetime", "selection", "monetary"})
#: Models whose records stand for a person: rows that point to one concern that person.
STAND_INS = {"ajw.consent.subject": "partner_id"}


class Place(NamedTuple):
    """A model with rows about people, and which fields of it are given.

    :param model: name
    :param links: fields that point to the person (res.partner or a stand-in)
    :param people: all links to contacts: whom a row concerns
    :param fields: name → ``give``, ``owned`` or ``review``
    """

    model: str
    links: tuple
    people: tuple
    fields: dict


class Subject(NamedTuple):
    """The person a copy is made for.

    :param partner_ids: the contact and its nameless addresses
    :param owner: res.company the contact belongs to; empty where several share it
    :param stand_ins: model → ids of records that stand for the person
    :param known: identifiers, to compare with
    """

    partner_ids: tuple
    owner: object
    stand_ins: dict
    known: frozenset


class AjwPrivacyExport(models.AbstractModel):
    """Makes a copy of a person's data out of the data map.

    Rows are found by the links the map knows, read in batches, and judged value by value in
    :mod:`~..engine.export`. What is held back is counted and named, never dropped in silence.
    """

    _name = "ajw.privacy.export"
    _description = "Copy of a person's data"

    # -- where -----------------------------------------------------------------------------------

    @api.model
    def _places(self):
        """The places where rows about people lie, the contact itself first.

        :return: list of :class:`Place`
        """
        # sudo: the map does not depend on who asks
        rows, _findings = self.env["ajw.privacy.data.map"].sudo()._picture()
        by_model = {}
        for (model_name, name), values in rows.items():
            if not values["is_transient"]:
                by_model.setdefault(model_name, {})[name] = values
        for model_name in self.env["ajw.privacy.data.map"]._own_tables(list(self.pool)):
            if any(
                field.comodel_name in STAND_INS and field.store
                for field in self.pool[model_name]._fields.values()
                if field.type == "many2one"
            ):
                by_model.setdefault(model_name, {})
        places = [self._place(name, entries) for name, entries in sorted(by_model.items())]
        places = [place for place in places if place.links or place.model == "res.partner"]
        return sorted(places, key=lambda place: place.model != "res.partner")

    def _place(self, model_name, entries):
        model_fields = self.pool[model_name]._fields
        people = [
            name
            for name, values in entries.items()
            if values["target"] == "res.partner" and values["field_type"] != "one2many"
        ]
        stand_ins = [
            name
            for name, field in model_fields.items()
            if field.type == "many2one" and field.store and field.comodel_name in STAND_INS
        ]
        given = {}
        for name, values in entries.items():
            field = model_fields[name]
            if field.relational or field.type in ("reference", "many2one_reference"):
                continue
            how = export.handling(
                name,
                field.type,
                values["category"] or "",
                values["erase"] or "",
                field.groups == NO_ACCESS,
            )
            if values["erase"] == "none" and name == self.pool[model_name]._rec_name:
                how = "give"  # the number of a document
            if how != "skip" and not (field.type == "integer" and name.endswith("_id")):
                given[name] = how
        for name, field in model_fields.items():
            if (
                field.store
                and name not in entries
                and name not in ("write_date", "message_main_attachment_id")
                and not field.groups
                and not field.company_dependent
                and not export.is_secret(name)
                and (
                    field.type in FACT_TYPES
                    or (name == self.pool[model_name]._rec_name and field.type == "char")
                )
            ):
                given.setdefault(name, "give")
        links = [] if model_name == "res.partner" else [*people, *stand_ins]
        return Place(model_name, tuple(links), tuple(people), given)

    # -- who -------------------------------------------------------------------------------------

    @api.model
    def _subject(self, partner, company):
        """The person behind a contact: with nameless addresses, without the contacts below it.

        :param partner: res.partner
        :param company: the controller's company
        """
        # sudo: officers need not see every contact's addresses and users
        partner = partner.sudo().with_context(active_test=False)
        addresses = partner.child_ids.filtered(lambda child: not child.name)
        persons = partner | addresses
        users = partner.user_ids
        # whatever the data map knows about the contact itself, and its company's name
        rows, _findings = self.env["ajw.privacy.data.map"].sudo()._picture(["res.partner"])
        names = {"name", "email", "phone", "street"} | {
            name
            for (_model, name), values in rows.items()
            if values["category"] in export.OWNED_CATEGORIES
            and values["field_type"] in ("char", "text")
        }
        company_name = partner.commercial_partner_id.filtered("is_company").mapped("name")
        known = export.identifiers(
            [
                *(value for name in names for value in persons.mapped(name)),
                *persons.bank_ids.mapped("acc_number"),
                *users.mapped("login"),
                *company_name,
            ]
        )
        stand_ins = {
            model: tuple(
                self.env[model]
                .sudo()
                .search(
                    [(name, "in", persons.ids), ("company_id", "in", self._companies(company).ids)]
                )
                .ids
            )
            for model, name in STAND_INS.items()
        }
        return Subject(tuple(persons.ids), partner.company_id, stand_ins, known)

    def _companies(self, company):
        """The controller: the head company with all its branches."""
        # sudo: branches the officer does not see belong to the same controller
        return self.env["res.company"].sudo().with_context(active_test=False).search(
            [("id", "child_of", company.root_id.id)]
        )  # fmt: skip

    def _is_shared_database(self):
        # sudo: only to count controllers
        return self.env["res.company"].sudo().search_count([("parent_id", "=", False)], limit=2) > 1

    def _domains(self, place, subject, companies, shared):
        """Which rows concern the person: (those of the controller, those nobody can attribute).

        In a database with several controllers a row without a company may be another's.
        """
        model = self.pool[place.model]
        if place.model == "res.partner":
            return Domain("id", "in", subject.partner_ids), Domain.FALSE
        links = Domain.OR(
            Domain(name, "in", subject.stand_ins.get(model._fields[name].comodel_name)
                   if model._fields[name].comodel_name in STAND_INS else subject.partner_ids)
            for name in place.links
        )  # fmt: skip
        if place.model == "res.users":
            return links, Domain.FALSE
        company = model._fields.get("company_id")
        if company and company.store and company.comodel_name == "res.company":
            ours = links & Domain("company_id", "in", companies.ids)
            nobodys = links & Domain("company_id", "=", False)
        else:
            ours, nobodys = Domain.FALSE, links
        if not shared:
            return ours | nobodys, Domain.FALSE
        if subject.owner and subject.owner in companies:
            # the contact is this controller's own, and so is a row that is about nobody else
            alone = Domain.AND(self._is_alone(place.model, name, subject) for name in place.people)
            return ours | (nobodys & alone), nobodys & ~alone
        return ours, nobodys

    def _is_alone(self, model_name, name, subject):
        """Rows of which a link to contacts names nobody but the person."""
        if self.pool[model_name]._fields[name].type == "many2many":
            return ~Domain(name, "any", [("id", "not in", subject.partner_ids)])
        return Domain(name, "=", False) | Domain(name, "in", subject.partner_ids)

    # -- the copy --------------------------------------------------------------------------------

    @api.model
    def _make(self, request):
        """Make the copy for a verified request.

        :param request: ajw.privacy.request with a contact
        :return: (open temporary file with the ZIP, number of rows given, number held back)
        """
        company, partner = request.company_id, request.partner_id
        subject = self._subject(partner, company)
        companies = self._companies(company)
        shared = self._is_shared_database()
        lang = partner.lang or self.env.lang
        # sudo: the officer need not be able to open every document; what is given is decided here
        self = self.sudo().with_context(
            active_test=False,
            lang=lang,
            allowed_company_ids=companies.ids,
            bin_size=True,
            prefetch_fields=False,
        )
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        package = export.Package(file, self._head(request, lang), self._words(request, lang))
        left_out = []
        for place in self._places():
            ours, nobodys = self._domains(place, subject, companies, shared)
            target = self.env[place.model]
            label = target._description or place.model
            if guard.is_machinery(place.model) and not place.model.startswith(
                ("res.users", "ajw.consent.", "ajw.privacy.request")
            ):
                nobodys, ours = ours | nobodys, Domain.FALSE
            self._copy_place(place, ours, subject, package, left_out, label, company)
            count = 0 if nobodys.is_false() else target.search_count(nobodys)
            if count:
                left_out.append(
                    self._left_out(
                        label,
                        self.env._("whole rows"),
                        count,
                        self.env._("They cannot be attributed to this controller by themselves."),
                    )
                )
        self._name_attached(subject, left_out)
        package.finish(left_out)
        return file, package.row_count, sum(item["rows"] for item in left_out)

    def _left_out(self, place, what, rows, why=None):
        return {
            "place": place,
            "what": what,
            "rows": rows,
            "why": why or self.env._("It may tell of other people; an officer has to look at it."),
        }

    def _copy_place(self, place, domain, subject, package, left_out, label, company):
        """Write the rows of one place, batch by batch; note what was held back."""
        if domain.is_false():
            return
        target = self.env[place.model].with_company(company)
        names = [name for name, how in place.fields.items() if how != "review"]
        reviewed = [name for name, how in place.fields.items() if how == "review"]
        labels = {
            name: target._fields[name]._description_string(self.env) or name for name in names
        }
        choices = {
            name: dict(target._fields[name]._description_selection(self.env))
            for name in names
            if target._fields[name].type == "selection"
        }
        own = place.model in ("res.partner", "res.users")  # the row is the person
        held, foreign, last_id, started = dict.fromkeys(reviewed, 0), {}, 0, False
        while True:
            records = target.search_fetch(
                domain & Domain("id", ">", last_id),
                names,
                order="id",
                limit=BATCH_SIZE,
            )
            if not records:
                break
            if not started:
                started = True
                package.section(label, place.model, labels, self._kept(place.model, company))
            for values in records.read(names, load=None):
                row = {}
                for name in names:
                    value = values[name]
                    if place.fields[name] == "owned" and not own:
                        value, held_back = export.theirs(value, subject.known)
                        if held_back:
                            foreign[name] = foreign.get(name, 0) + 1
                            if not value:
                                continue
                    row[name] = export.plain(choices.get(name, {}).get(value, value))
                package.row(row)
            for name, count in self._count_filled(target, reviewed, records.ids).items():
                held[name] += count
            last_id = records[-1].id
            target.env.invalidate_all()
        for counts, why in (
            (held, None),
            (foreign, self.env._("It is not known to be yours, and may be somebody else's.")),
        ):
            left_out += [
                self._left_out(
                    label, target._fields[name]._description_string(self.env) or name, count, why
                )
                for name, count in counts.items()
                if count
            ]

    def _count_filled(self, target, names, ids):
        """In how many of the rows each field that is not looked at holds something.

        :return: name → count
        """
        if not names:
            return {}
        files = {
            name
            for name in names
            if target._fields[name].type in ("binary", "image") and target._fields[name].attachment
        }
        counts = dict.fromkeys(names, 0)
        if files:
            counts |= dict(
                self.env["ir.attachment"]._read_group(
                    [
                        ("res_model", "=", target._name),
                        ("res_field", "in", list(files)),
                        ("res_id", "in", ids),
                    ],
                    ["res_field"],
                    ["__count"],
                )
            )
        stored = [name for name in names if name not in files]
        if stored:
            target.flush_model(stored)
            # SQL: whether a column is empty, whatever its type, without reading it
            [row] = self.env.execute_query(columns.filled_statement(target._table, stored, ids))
            counts |= dict(zip(stored, row, strict=True))
        return counts

    def _name_attached(self, subject, left_out):
        """What hangs on the contact without a link: files and what colleagues wrote about it."""
        for model, field, what in (
            ("ir.attachment", "res_model", self.env._("files")),
            ("mail.message", "model", self.env._("notes and messages on the contact")),
        ):
            count = self.env[model].search_count(
                [(field, "=", "res.partner"), ("res_id", "in", subject.partner_ids)]
            )
            if count:
                left_out.append(self._left_out(self.env[model]._description, what, count))

    # -- what is said beside the data ------------------------------------------------------------

    def _head(self, request, lang):
        """Who answers, to what, and what the person has a right to be told beside the data."""
        _ = self.env._
        controller = request.company_id.root_id
        notice = self.env["ajw.consent.notice"]._get_published(controller, lang)
        purposes = self.env["ajw.consent.purpose"].search([])
        head = {
            _("Controller"): notice.legal_entity or controller.name,
            _("Your request"): f"{request.name}, {request.received_on}",
            _("Made on"): f"{fields.Datetime.now():%Y-%m-%d %H:%M} UTC",
            _("Contact for data protection"): notice.officer_contact or controller.email or "",
            _("Purposes of messages"): ", ".join(purposes.mapped("name")),
            _("Recipients"): notice.recipients or "",
            _("Transfer to other countries"): notice.transfer or "",
            _("Where the data comes from"): _(
                "From you, and from the documents we exchanged, where nothing else is said."
            ),
            _("Your further rights"): _(
                "You can ask for correction, deletion or restriction, object, and withdraw a "
                "consent at any time."
            ),
            _("Complaint"): notice.how_to_complain or "",
        }
        return {title: text for title, text in head.items() if text}

    def _words(self, request, lang):
        _ = self.env._
        return {
            "lang": (lang or "en").partition("_")[0],
            "title": _("Your data at %s", request.company_id.name),
            "rows_left": _("%s further rows are in data.json."),
            "left_out": _("Left out for review"),
            "nothing": _("We hold no rows about you that this copy covers."),
        }

    def _kept(self, model_name, company):
        """How long rows of a model are kept, as far as policies in force say.

        :return: one sentence a policy: which rows, what goes, and when
        """
        policies = self.env["ajw.privacy.policy"].search(
            [
                ("model_name", "=", model_name),
                ("active", "=", True),
                ("company_id", "in", (False, *self._companies(company).ids)),
            ]
        )
        return " ".join(policy._in_words() for policy in policies if policy.status == "ready")
