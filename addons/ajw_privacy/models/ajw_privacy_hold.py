from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..engine import holds
from .ajw_privacy_export import STAND_INS

TEXT_TYPES = ("char", "text", "html", "json")


class AjwPrivacyHold(models.Model):
    """A legal hold: while it is in force, no policy touches what concerns the person.

    It covers the contact and everything below it (its addresses and, on a company, its contacts),
    because documents often hang on an address; never the colleagues of a person. A hold of one
    company keeps that company's rows, and rows that belong to no company.
    """

    _name = "ajw.privacy.hold"
    _description = "Legal hold"
    _inherit = ["mail.thread"]
    _order = "active desc, date_from desc, id desc"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "reference of a case"},
        "partner_id": {
            "category": "link",
            "erase": "keep",
            "reason": "says whose data must stay while the hold is in force",
        },
        "reason": {"category": "free_text", "erase": "redact"},
        "user_id": {"category": "link", "erase": "pseudonymise"},
    }

    name = fields.Char("Case", required=True, tracking=True, help="File or case reference.")
    active = fields.Boolean(default=True, tracking=True)
    partner_id = fields.Many2one(
        "res.partner",
        "Person or company",
        required=True,
        index=True,
        ondelete="restrict",
        help="The hold covers this contact and all addresses and contacts below it.",
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        tracking=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
        help="Keeps this company's rows, and rows of no company. Empty: the rows of every company.",
    )
    reason = fields.Text(required=True, help="Why the data must stay, for example a claim.")
    authority = fields.Char(tracking=True, help="The court or authority that asks, if one does.")
    date_from = fields.Date("From", required=True, default=fields.Date.context_today, tracking=True)
    date_until = fields.Date("Until", tracking=True, help="The last day. Empty: until lifted.")
    user_id = fields.Many2one(
        "res.users", "Placed by", readonly=True, default=lambda self: self.env.uid, copy=False
    )
    state = fields.Selection(
        [("planned", "Planned"), ("force", "In force"), ("ended", "Ended")],
        "Status",
        compute="_compute_state",
    )
    contact_count = fields.Integer(
        "Contacts covered", compute="_compute_contact_count", help="This contact and those below."
    )

    _date_order = models.Constraint(
        "CHECK(date_until >= date_from)", "A hold cannot end before it begins."
    )

    @api.depends("active", "date_from", "date_until")
    def _compute_state(self):
        today = fields.Date.today()
        for hold in self:
            if not hold.active or (hold.date_until and hold.date_until < today):
                hold.state = "ended"
            else:
                hold.state = "planned" if (hold.date_from or today) > today else "force"

    @api.depends("partner_id")
    def _compute_contact_count(self):
        for hold in self:
            hold.contact_count = len(hold._persons())

    # -- rights ----------------------------------------------------------------------------------

    def _check_scope(self):
        """A hold on every company's rows is placed by who acts for every company.

        :raises AccessError: otherwise
        """
        if self.env.su:
            return
        mine = self.env.user.company_ids
        if self.company_id - mine:
            raise AccessError(self.env._("This hold belongs to a company you do not act for."))
        if all(hold.company_id for hold in self):
            return
        # sudo: only to count the companies the user does not see
        if self.env["res.company"].sudo().search([]) - mine.sudo():
            raise AccessError(
                self.env._(
                    "This hold covers every company, and you do not act for all of them. Choose "
                    "your company on the hold, or ask an officer of all companies."
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            # Said explicitly, so that no default says otherwise.
            if vals.setdefault("user_id", self.env.uid) != self.env.uid:
                raise UserError(self.env._("A hold names the officer who placed it."))
        created = super().create(vals_list)
        created._check_scope()
        return created

    def write(self, vals):
        self._check_scope()
        if {"user_id", "partner_id"} & vals.keys() and any(
            hold[name].id != vals[name]
            for hold in self
            for name in ("user_id", "partner_id")
            if name in vals
        ):
            raise UserError(
                self.env._("Who is held and who placed the hold stays. Lift it and place another.")
            )
        result = super().write(vals)
        if "company_id" in vals:
            self._check_scope()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A hold explains why data was kept. End or archive it instead."))

    # -- what is held ----------------------------------------------------------------------------

    def _persons(self):
        """The contacts the holds cover, archived ones too."""
        # sudo: contacts the officer does not see are held all the same
        return self.env["res.partner"].sudo().with_context(active_test=False).search(
            [("id", "child_of", self.partner_id.ids)]
        )  # fmt: skip

    @api.model
    def _in_force(self, company, everyone=False):
        """The holds that count for rows of a company.

        :param company: res.company; empty for rows without a company
        :param bool everyone: holds of all companies, because the rows tell of none
        """
        today = fields.Date.today()
        # sudo: a policy asks for all holds, whoever runs it
        domain = (
            Domain("active", "=", True)
            & Domain("date_from", "<=", today)
            & (Domain("date_until", "=", False) | Domain("date_until", ">=", today))
        )
        if company and not everyone:
            domain &= Domain("company_id", "in", (False, company.id))
        return self.sudo().search(domain)

    @api.model
    def _held(self, model_name, company):
        """Which rows of a model are held.

        A row is held when a link to a contact, user or consent subject points to a held person,
        when it hangs on the contact or on a document of theirs, or when its text names their email
        or number.

        :param str model_name: model a policy treats
        :param company: the company whose rows are treated; empty for rows without one
        :return: Domain; nothing is held when it is false
        """
        in_force = self._in_force(company)
        persons = in_force._persons() if in_force else in_force.partner_id
        if not persons:
            return Domain.FALSE
        # sudo: who is held is not for the reader of a policy to see
        model = self.env[model_name].sudo().with_context(active_test=False)
        held = Domain("id", "in", persons.ids) if model_name == "res.partner" else Domain.FALSE
        held |= self._held_by_link(model, persons)
        for name, field in model._fields.items():
            if field.store and field.type == "many2one_reference" and field.model_field:
                held |= self._held_by_document(model, name, field.model_field, persons)
        return held | self._held_by_text(model, persons)

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
            and name not in ("create_uid", "write_uid")
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

    def _held_by_text(self, model, persons):
        """Rows whose mapped text names the email or number of one of the persons."""
        wanted = holds.patterns(
            persons.mapped("email_normalized"),
            [*persons.mapped("phone"), *persons.mapped("phone_sanitized")],
        )
        entries = self.env["ajw.privacy.data.map"]._entries(model._name)
        names = [
            name
            for name, (entry, _source) in entries.items()
            if entry.erase != "none"
            and (field := model._fields.get(name))
            and field.store
            and field.column_type
            and field.type in TEXT_TYPES
        ]
        if not wanted or not names:
            return Domain.FALSE
        return Domain.custom(
            to_sql=lambda _model, alias, _query: holds.mentions(alias, names, wanted)
        )
