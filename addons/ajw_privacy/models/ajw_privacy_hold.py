from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from .scope import acts_for_every_company

#: What a hold is about and who placed it: never changed afterwards.
LASTING = frozenset(
    {"user_id", "kind", "partner_id", "model_name", "res_id", "domain", "lifted_on"}
)


class AjwPrivacyHold(models.Model):
    """A legal hold: while it is in force, nothing takes away what it keeps.

    On a person it covers the contact and everything below it (its addresses and, on a company, its
    contacts), because documents often hang on an address; never the colleagues of a person. A hold
    of one company keeps the rows of its controller (head company and branches), and rows of no
    company. What a hold on a row or on a filter keeps: ``ajw_privacy_hold_kind``.
    """

    _name = "ajw.privacy.hold"
    _description = "Legal hold"
    _inherit = ["ajw.privacy.shared", "ajw.privacy.filtered", "ajw.privacy.thread"]
    _order = "active desc, date_from desc, id desc"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "reference of a case"},
        "partner_id": {
            "category": "link",
            "erase": "keep",
            "role": "mention",
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
        index=True,
        ondelete="restrict",
        help="The hold covers this contact and all addresses and contacts below it.",
    )
    company_id = fields.Many2one(
        "res.company",
        index=True,
        tracking=True,
        ondelete="restrict",
        default=lambda self: self.env.company,
        help="Keeps the rows of this company, its head company and all branches, and rows of no "
        "company. Empty: the rows of every company.",
    )
    reason = fields.Text(required=True, help="Why the data must stay, for example a claim.")
    authority = fields.Char(tracking=True, help="The court or authority that asks, if one does.")
    date_from = fields.Date("From", required=True, default=fields.Date.context_today, tracking=True)
    date_until = fields.Date("Until", tracking=True, help="The last day. Empty: until lifted.")
    lifted_on = fields.Date(readonly=True, copy=False, help="The day on which it was archived.")
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
        today = fields.Date.context_today(self)
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
        if self.company_id - self.env.user.company_ids:
            raise AccessError(self.env._("This hold belongs to a company you do not act for."))
        if all(hold.company_id for hold in self):
            return
        if not acts_for_every_company(self.env):
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
            vals["lifted_on"] = False
        created = super().create(vals_list)
        created._check_scope()
        return created

    def write(self, vals):
        self._check_scope()
        if any(
            self._fields[name].convert_to_write(hold[name], hold) != vals[name]
            for hold in self
            for name in LASTING & vals.keys()
        ):
            raise UserError(
                self.env._(
                    "What is held and who placed the hold stays. Place another, then lift it."
                )
            )
        if "active" in vals:
            # some laws count from the day it ended
            lifted_on = False if vals["active"] else fields.Date.context_today(self)
            vals = {**vals, "lifted_on": lifted_on}
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
    def _in_force(self, company):
        """The holds that count now for rows of a company: those of its controller.

        :param company: res.company; empty for rows without a company, which every hold keeps
        """
        # The first and the last day count wherever it is that day: between UTC-12 and UTC+14.
        now = fields.Datetime.now()
        latest, earliest = (now + timedelta(hours=14)).date(), (now - timedelta(hours=12)).date()
        domain = (
            Domain("active", "=", True)
            & Domain("date_from", "<=", latest)
            & (Domain("date_until", "=", False) | Domain("date_until", ">=", earliest))
        )
        # sudo: a policy asks for all holds, whoever runs it
        return self.sudo().search(domain & self._of_controller(company))

    @api.model
    def _of_controller(self, company):
        """Holds that count for rows of a company, as a Domain; see :meth:`_in_force`."""
        if not company:
            return Domain.TRUE
        # sudo: a head company and its branches are one controller, whoever asks
        root = company.sudo().root_id
        return Domain("company_id", "=", False) | Domain("company_id", "child_of", root.id)

    @api.model
    def _mark(self):
        """What tells that other rows may be held than before: compare it to ask again.

        :return: tuple of (hold, company) ids in force, and of the ids of the contacts they cover
        """
        in_force = self._in_force(self.env["res.company"])
        return (
            tuple((hold.id, hold.company_id.id) for hold in in_force),
            tuple(in_force._persons().ids) if in_force else (),
        )
