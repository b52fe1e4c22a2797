from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import filters, guard

#: Actions after which a row is no longer there, or nobody finds it.
SWEEPING = frozenset({"delete", "erase", "archive", "pseudonymise"})


class AjwPrivacyPolicy(models.Model):
    """Policies that people themselves fall under: asked for twice, and never touching our own."""

    _inherit = "ajw.privacy.policy"

    _ajw_personal_data = {
        "switched_on_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for what the policy does, kept as proof",
        },
        "trouble": {"erase": "none", "reason": "our own sentences and names of columns"},
    }

    everything_confirmed = fields.Char(
        "Confirm: everybody",
        copy=False,
        help="The filter takes every row of a model of people. To want that, type the technical "
        "name of the model here.",
    )
    switched_on_by_id = fields.Many2one(
        "res.users",
        "Switched on by",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="Who made the policy as it is, and so asks for the erasures it makes. Somebody else "
        "has to approve them.",
    )

    @api.constrains("domain", "model_name", "action", "active", "everything_confirmed")
    def _check_everything(self):
        if self.env.context.get("install_mode"):
            return  # what is shipped and sweeps is off until somebody switches it on
        for policy in self:
            if (
                policy.active
                and policy.action in SWEEPING
                and (policy.everything_confirmed or "").strip() != policy.model_name
                and policy._takes_everybody()
            ):
                raise ValidationError(
                    self.env._(
                        "“%(policy)s” would take everybody in “%(model)s”, sooner or later. Give "
                        "it a filter, for example [('is_company', '=', False)]. If you want "
                        "everybody, make a dry run first, and then type %(model)s under “Confirm: "
                        "everybody”.",
                        policy=policy.name,
                        model=policy.model_name,
                    )
                )

    def _takes_everybody(self):
        """Whether the rows are people, and the filter leaves nobody out."""
        self.ensure_one()
        if self.model_name not in self.pool or self._problems():
            return False
        entries = self.env["ajw.privacy.data.map"]._entries(self.model_name)
        if self.model_name != "res.partner" and not guard.is_about_people(entries):
            return False
        domain = Domain(filters.parse_domain(self.domain))
        if domain.is_true():
            return True
        # sudo: asks only whether there is one
        target = self.env[self.model_name].sudo().with_context(active_test=False)
        some = target.search_count([], limit=1)
        return bool(some and not target.search_count(~domain, limit=1))

    def _note_who_switched_on(self):
        """Note whose policy it now is. The superuser's stays without a name."""
        if self.env.uid == SUPERUSER_ID:
            return
        # sudo: it is noted for them, whatever they may write
        self.sudo().write({"switched_on_by_id": self.env.uid})

    def write(self, vals):
        if "switched_on_by_id" in vals and not self.env.su:
            raise UserError(
                self.env._("Who switched a policy on is noted by itself, and nobody else's name.")
            )
        return super().write(vals)

    @api.model
    def _people_domain(self, action):
        """Contacts a policy may touch: no company of ours, nobody who works here, nobody twice."""
        # sudo: companies and colleagues of all companies
        companies = self.env["res.company"].sudo().with_context(active_test=False).search([])
        domain = Domain("id", "not in", companies.partner_id.ids) & Domain(
            "partner_share", "=", True
        )
        if action == "erase":
            domain &= Domain.custom(to_sql=_not_erased)
        return domain

    @api.model
    def _controller(self, company):
        """Who answers for rows of a company; for rows of none, the only controller there is.

        :return: res.company, empty where nobody can say
        """
        if company:
            # sudo: the head company answers, whoever asks
            return company.sudo().root_id
        heads = self.env["res.company"].sudo().search([("parent_id", "=", False)], limit=2)
        return heads if len(heads) == 1 else heads.browse()

    def _asker(self):
        """Environment of whoever asks for the erasures: a user that still acts, else Odoo."""
        self.ensure_one()
        user = self.switched_on_by_id
        # sudo: the scheduled action works, in the name of who switched the policy on
        return self.with_user(user).sudo().env if user and user.active else self.env


def _not_erased(_model, alias, _query):
    """Condition: no erasure of the contact is under way, or done already.

    SQL: the pseudonym of an erased contact is the end of its name, found by an index.
    """
    return SQL(
        "(NOT EXISTS (SELECT FROM ajw_privacy_erasure e WHERE e.partner_id = %(id)s"
        " AND e.state NOT IN ('refused', 'cancelled'))"
        " AND NOT EXISTS (SELECT FROM ajw_privacy_erasure e"
        " WHERE e.subject_ref = right(%(name)s, 10) AND e.state NOT IN ('refused', 'cancelled')))",
        id=SQL.identifier(alias, "id"),
        name=SQL.identifier(alias, "name"),
    )
