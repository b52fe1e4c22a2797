from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine.obstacles import LEVELS, Obstacle, shorten
from .ajw_privacy_erasure import RUNNING
from .selections import OPEN_STATES

#: Contacts of Odoo itself; nobody's.
_SYSTEM_USERS = (
    "base.user_root", "base.public_user", "base.template_portal_user_id", "base.default_user",
)  # fmt: skip


class AjwPrivacyErasure(models.Model):
    """What stands against erasing a person: each with why, and what to do about it."""

    _inherit = "ajw.privacy.erasure"

    def _blockers(self):
        """What stands against erasing the person, whatever anybody says.

        :return: list of sentences
        """
        return [each.text for each in self._obstacles() if each.level == "refuse"]

    def _obstacles(self):
        """All that stands against it or has to be known, the worst first.

        Apps add to it by overriding one of the methods it calls, or by naming their open documents
        on their model (see :data:`~..engine.obstacles.OPEN`).

        :return: list of :class:`~..engine.obstacles.Obstacle`
        """
        self.ensure_one()
        # sudo: contacts, users, holds and documents the officer does not see count all the same
        partner = self.partner_id.sudo().with_context(active_test=False)
        if not partner:
            return [Obstacle("contact", "refuse", self.env._("Choose the person's contact."))]
        person = self.env["ajw.privacy.person"]._resolve(partner)
        partners = partner.browse(person.partner_ids)
        found = [
            *self._obstacles_of_contact(partner),
            *self._obstacles_of_users(partners),
            *self._obstacles_of_employees(partners),
            *self._obstacles_of_holds(partners),
            *self._obstacles_of_requests(partner),
            *self._obstacles_of_documents(partners),
            *self._obstacles_of_duplicates(partners),
        ]
        if problem := self.env["ajw.consent.keyring"]._check():
            found.append(Obstacle("keys", "refuse", problem))
        return sorted(found, key=lambda each: LEVELS.index(each.level))

    # -- the contact -----------------------------------------------------------------------------

    def _obstacles_of_contact(self, partner):
        _ = self.env._
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        if companies.search_count([("partner_id", "=", partner.id)], limit=1):
            yield Obstacle(
                "company", "refuse",
                _("This contact is a company of this database. A company that leaves is removed "
                  "as a whole; no person is erased by that."),
            )  # fmt: skip
        if partner.company_id and partner.company_id not in self._companies():
            yield Obstacle(
                "controller", "refuse",
                _("The contact belongs to another controller. Make the erasure in that company."),
            )  # fmt: skip
        below = partner.child_ids.filtered("name")
        if below:
            yield Obstacle(
                "below", "refuse",
                _("There are contacts below this one who are other people. Move them to another "
                  "company first."),
                "res.partner", below._ids,
            )  # fmt: skip
        if addresses := partner.child_ids - below:
            yield Obstacle(
                "addresses", "note",
                _("%s addresses without a name of their own stand below the contact. They are the "
                  "person's and go along.", len(addresses)),
                "res.partner", addresses._ids,
            )  # fmt: skip
        if partner.parent_id:
            yield Obstacle(
                "parent", "note",
                _("The contact stands below another one that is archived. That one stays as it is: "
                  "make an erasure of its own if it is the same person.")
                if not partner.parent_id.active
                else _("The contact stands below another one, which stays as it is."),
                "res.partner", partner.parent_id._ids,
            )  # fmt: skip
        # an erasure of another company counts all the same
        others = self.sudo().search_count(
            Domain("partner_id", "=", partner.id)
            & Domain("state", "in", (*RUNNING, "planned"))
            & Domain("id", "!=", self.id),
            limit=1,
        )
        if others:
            yield Obstacle(
                "under_way", "refuse",
                _("Another erasure of this person is under way. Finish it first."),
            )  # fmt: skip

    # -- logins ----------------------------------------------------------------------------------

    def _obstacles_of_users(self, partners):
        _ = self.env._
        users = partners.user_ids
        system = self.env["res.users"].sudo()
        for name in _SYSTEM_USERS:
            system |= self.env.ref(name, raise_if_not_found=False) or system
        public = self.env.ref("base.group_public")
        if users & system or users.filtered(lambda user: public in user.all_group_ids):
            yield Obstacle(
                "system", "refuse",
                _("This is a contact of Odoo itself: the system, the visitor of the website, or a "
                  "template for new users. It is nobody's. Choose the person's own contact."),
            )  # fmt: skip
            return
        working = users.filtered(lambda user: user.active and not user.share)
        if working:
            admins = self.env["res.users"].sudo().search(
                [("all_group_ids", "in", self.env.ref("base.group_system").ids)]
            )  # fmt: skip
            if working & admins and not admins - working - system:
                yield Obstacle(
                    "last_administrator", "refuse",
                    _("The person is the last administrator: without them nobody could configure "
                      "Odoo any more. Give somebody else the rights of an administrator first."),
                    "res.users", working._ids,
                )  # fmt: skip
            yield Obstacle(
                "works_here", "refuse",
                _("The person works here with a login. Deactivate the user first, so that what "
                  "they are responsible for is handed over."),
                "res.users", working._ids,
            )  # fmt: skip
        if portal := users.filtered(lambda user: user.active and user.share):
            yield Obstacle(
                "portal", "note",
                _("The person has a login to the portal. It is signed out and closed when the "
                  "erasure begins, and its name is replaced by the pseudonym."),
                "res.users", portal._ids,
            )  # fmt: skip
        if former := users.filtered(lambda user: not user.active and not user.share):
            yield Obstacle(
                "worked_here", "note",
                _("The person worked here with a login that is deactivated. It stays without "
                  "rights and under the pseudonym, so that it is known who answered for what."),
                "res.users", former._ids,
            )  # fmt: skip

    def _obstacles_of_employees(self, partners):
        if "hr.employee" not in self.env:
            return
        _ = self.env._
        employees = self.env["hr.employee"].sudo().with_context(active_test=False).search(
            Domain("work_contact_id", "in", partners.ids)
            | Domain("user_id", "in", partners.user_ids.ids)
        )  # fmt: skip
        if employed := employees.filtered("active"):
            yield Obstacle(
                "employee", "refuse",
                _("The person is employed here: contract, payroll and working time are kept under "
                  "laws of their own. Record the departure in Employees first; erase afterwards "
                  "what no law keeps."),
                "hr.employee", employed._ids,
            )  # fmt: skip
        if former := employees - employed:
            yield Obstacle(
                "former_employee", "confirm",
                _("The person was employed here. Payroll and employment records are kept by law: "
                  "read in the plan what stays, see to the duties to keep, and say why the rest "
                  "goes now."),
                "hr.employee", former._ids,
            )  # fmt: skip

    # -- proceedings and requests ----------------------------------------------------------------

    def _obstacles_of_holds(self, partners):
        if holds := self._holds_on(partners.ids):
            yield Obstacle("hold", "refuse", self._held_sentence(holds))
        for hold, ids in self._row_holds({"res.partner": partners._ids}).items():
            yield Obstacle(
                f"hold:{hold.id}",
                "refuse",
                self._held_rows_sentence(hold, ids),
                hold._name,
                hold._ids,
            )

    def _holds_on(self, partner_ids):
        """Legal holds in force for one of the contacts, of any company.

        :param partner_ids: iterable of ids
        :return: ajw.privacy.hold
        """
        holds = self.env["ajw.privacy.hold"]._in_force(self.env["res.company"])
        people = set(partner_ids)
        if not holds or people.isdisjoint(holds._persons()._ids):
            return holds.browse()
        return holds.filtered(lambda hold: people & set(hold._persons().ids))

    def _held_sentence(self, holds):
        return self.env._(
            "A legal hold is in force for this person: %s. End it first, or wait.",
            ", ".join(holds.mapped("name")),
        )

    def _row_holds(self, people):
        """Legal holds on documents and filters in force that keep rows the plan found.

        :param people: model → ids of records the person is, that are found without a plan
        :return: dict of ajw.privacy.hold → {model: number of rows}
        """
        holds = self.env["ajw.privacy.hold"]._in_force(self.env["res.company"])
        holds = holds.filtered(lambda hold: hold.kind != "person")
        if not holds:
            return {}
        hit = {name: set(ids) for name, ids in people.items()}
        for model_name, ids in self.env.execute_query(
            SQL(
                "SELECT model_name, array_agg(res_id) FROM ajw_privacy_erasure_row "
                "WHERE erasure_id = %s GROUP BY 1 ORDER BY 1",
                self.id or 0,
            )
        ):
            hit.setdefault(model_name, set()).update(ids)
        found = {}
        for hold in holds:
            for model_name, ids in hit.items():
                if model_name not in self.env or self.env[model_name]._abstract:
                    continue
                # sudo: what is held does not depend on who asks
                model = self.env[model_name].sudo().with_context(
                    active_test=False, skip_res_field_check=True
                )  # fmt: skip
                held = hold._held_by_rows(model)
                if held.is_false():
                    continue
                if count := model.search_count(held & Domain("id", "in", list(ids))):
                    found.setdefault(hold, {})[model_name] = count
        return found

    def _held_rows_sentence(self, hold, counts):
        """Which hold keeps rows of the plan, why, and what to do.

        :param counts: model → number of rows
        """
        _ = self.env._
        what = ", ".join(
            f"{self.env[name]._description} ({count})" for name, count in sorted(counts.items())
        )
        until = hold.date_until or _("it is lifted")
        sentence = _(
            "The legal hold “%(name)s” is in force and keeps rows this erasure would change: "
            "%(what)s. It stays in force until %(until)s; its reason is written on it. End it "
            "first, or wait.",
            name=hold.name, what=what, until=until,
        )  # fmt: skip
        return f"{sentence} {hold.problem}" if hold.problem else sentence

    def _obstacles_of_requests(self, partner):
        _ = self.env._
        # sudo: asks only whom it is about, and whether that was verified
        request = self.request_id.sudo()
        if request and (request.partner_id != partner or not request.is_verified):
            yield Obstacle(
                "not_verified", "refuse",
                _("The request is about another contact, or nobody checked yet who asked. Verify "
                  "it first."),
            )  # fmt: skip
        if request.state in ("refused", "withdrawn"):
            yield Obstacle(
                "request_closed", "refuse",
                _("The request was refused, or the person took it back. Take it out of the "
                  "erasure and write into the note why the person is erased, or cancel."),
            )  # fmt: skip
        # sudo: as above
        others = self.env["ajw.privacy.request"].sudo().search(
            Domain("partner_id", "=", partner.id)
            & Domain("state", "in", OPEN_STATES)
            & Domain("kind", "in", ("access", "portability", "restriction", "objection"))
            & Domain("id", "!=", request.id)
        )  # fmt: skip
        if others:
            yield Obstacle(
                "other_requests", "confirm",
                _("The person also asked for something else: %s. Once erased nothing can be given "
                  "or restricted any more. Answer it first, or say why not.",
                  shorten(others.mapped("name"))),
                "ajw.privacy.request", others._ids,
            )  # fmt: skip
