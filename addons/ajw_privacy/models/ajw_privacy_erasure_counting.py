import time

from odoo import models
from odoo.tools import SQL

from ..engine import graph, plan
from ..engine.accounts import TOKENS
from ..engine.erase import count_statement, filled, pseudonym
from ..engine.graph import KEPT, OWN
from ..engine.hits import in_own_thread
from ..engine.keeping_rows import is_kept
from ..engine.walk import by_company, names


class AjwPrivacyErasure(models.Model):
    """Count what there is to do in each place: the plan as it is shown and worked through."""

    _inherit = "ajw.privacy.erasure"

    def _count_on(self, known):
        """Count, model by model, what there is to do; note it as places.

        :return: whether the counting is finished
        """
        survey, until = self._survey(known), self._until()
        hits = {}
        for model_name, ownership in self.env.execute_query(
            SQL(
                "SELECT DISTINCT model_name, ownership FROM ajw_privacy_erasure_row "
                "WHERE erasure_id = %s",
                self.id,
            )
        ):
            hits.setdefault(model_name, set()).add(ownership)
        for model_name in self._after(sorted(hits.keys() & survey.keys()), self.cursor):
            for ownership in sorted(hits[model_name]):
                self._count_model(model_name, survey[model_name], ownership, known)
            if time.monotonic() > until:
                self._step(cursor=model_name)
                return False
        self._order_places(survey)
        self._describe_kept()
        return True

    def _treatments(self, survey, ownership):
        """What is done with rows of a model: list of (field or None for the row, action)."""
        known = list(survey.fields.values())
        if ownership == KEPT:
            return [(None, "keep")]
        if survey.is_passing:
            return [(None, "delete")]  # a wizard's row or a notice: nobody misses it
        if ownership == OWN and plan.deletes_rows(known):
            return [(None, "delete")]
        found = []
        for field in known:
            actions = [plan.decide(field, ownership)]
            if actions != [None] and self._duties_of(field) is not None:
                # a law keeps some rows; the others are treated as if none did
                actions = ["keep", plan.decide(self._ending_of(field), ownership)]
            found += [
                (field, action)
                for action in actions
                if action and self._is_treated(field, action, survey)
            ]
        return found

    def _is_treated(self, field, action, survey):
        """Links count where they lead to a person, or are to be emptied whoever they lead to."""
        if field.type not in plan.LINK_TYPES or field.name in survey.targets:
            return True
        return action == "clear" and field.type == "many2one"

    def _condition(self, field, action, ownership, survey, known, noted=True):
        """Condition on ``t``: something is to be done in the row. See ``engine.erase.filled``.

        :param noted: whether it was noted already which rows a law keeps
        """
        if field is None:
            return SQL("TRUE")
        strong, everything = self._wanted(known)
        wanted = None
        if action == "redact" or (action == "keep" and field.type in plan.TEXT_TYPES):
            ends = self._ending_of(field).erase
            if action == "redact" or ownership != OWN or ends == "redact":
                wanted = everything if plan.uses_weak(ownership) else strong
                wanted = known["wanted own"] if ownership == OWN else wanted
        people = self._people(known)
        condition = filled(
            "file" if action == "keep" and not field.in_table else action,
            field.name,
            wanted=wanted,
            value=self._pseudonym(field),
            required=field.required,
            relation=survey.relations.get(field.name, ("", "", "")),
            people=people.get(survey.targets.get(field.name), ()),
            model=field.model,
            as_json=field.as_json,
        )
        if wanted and self._has_threads(field.model, ownership):
            condition = SQL(
                "(%s OR (%s AND %s))", condition, names("t", field.name, known["wanted own"]),
                in_own_thread(self.id),
            )  # fmt: skip
        if (field.model, field.name, action) == ("res.partner", "parent_id", "clear"):
            condition = SQL("%s AND %s", condition, self._may_leave_parent(people))
        if action == "clear" and field.type == "many2one":
            # a row of theirs may link others as well: only the link to them goes
            mine = people.get(survey.targets.get(field.name), ())
            if field.name in survey.targets and field.model not in people and mine:
                leads = (
                    by_company(field.name, mine)
                    if field.as_json
                    else SQL("%s IN %s", SQL.identifier("t", field.name), tuple(mine))
                )
                condition = SQL("%s AND %s", condition, leads)
        if noted and self._duties_of(field) is not None:
            kept = is_kept(self.id, field.model, field.name)
            condition = SQL(
                "%s AND %s%s", condition, SQL() if action == "keep" else SQL("NOT "), kept
            )
        return condition

    def _may_leave_parent(self, people):
        """The books name the person's company through the contact above it: there it stays."""
        condition = SQL("t.parent_id NOT IN %s", tuple(people["res.partner"]) or (0,))
        if "account.move.line" in self.env:
            condition = SQL(
                "%s AND NOT EXISTS (SELECT FROM account_move_line l WHERE l.partner_id = t.id)",
                condition,
            )
        return condition

    def _pseudonym(self, field):
        """The expression that stands where a value of the field stood."""
        kind = "identifier" if field.category in ("identifier", "financial") else "name"
        if field.name in TOKENS:
            kind = "token"
        return pseudonym(kind, self.subject_ref, self._pseudonym_label())

    def _count_model(self, model_name, survey, ownership, known):
        """Note the places of one model and ownership."""
        treatments = self._treatments(survey, ownership)
        if not treatments:
            return
        for field, action in treatments:
            if action == "keep" and field is not None:
                self._record_kept(model_name, survey, ownership, field, known)
        conditions = [
            self._condition(field, action, ownership, survey, known) for field, action in treatments
        ]
        [counts] = self.env.execute_query(
            count_statement(self.id, model_name, survey.table, ownership, conditions)
        )
        self._add_places(
            [
                self._place_values(model_name, field, ownership, action, count, known)
                for (field, action), count in zip(treatments, counts, strict=True)
                if count
            ]
        )

    def _place_values(self, model_name, field, ownership, action, count, known):
        reason, law = (field.reason, field.law) if field is not None else ("", "")
        if ownership == KEPT:
            reason = self._why_kept(model_name)
        app = self.pool[model_name]._original_module
        # a column may be left of a field that is gone
        known_field = self.pool[model_name]._fields.get(field.name) if field is not None else None
        return {
            "erasure_id": self.id,
            "app": (known_field is not None and known_field._module) or app,
            "model_name": model_name,
            "field_name": field.name if field is not None else False,
            "ownership": str(OWN if ownership == KEPT else ownership),
            "action": action,
            "row_count": count,
            "reason": reason or False,
            "law": law or False,
            "state": "open" if action in plan.WORKING else "none",
        }

    def _why_kept(self, model_name):
        """Why rows that are the person's wait."""
        if model_name == "ir.attachment":
            return self.env._("It belongs to a document that is kept.")
        return self.env._("The request is to be answered first.")

    def _add_places(self, rows):
        """Create places; those there are already are opened again.

        In a later round more rows may be found; which of the texts found again were looked at and
        name nobody, only the redaction tells.
        """
        # sudo: nobody may write plans
        places = self.env["ajw.privacy.erasure.place"].sudo()
        known = {
            (place.model_name, place.field_name or "", place.ownership, place.action): place
            for place in places.search([("erasure_id", "=", self.id)])
        }
        new = []
        for vals in rows:
            place = known.get(
                (vals["model_name"], vals["field_name"] or "", vals["ownership"], vals["action"])
            )
            if not place:
                new.append(vals)
                continue
            again = {"last_id": 0, "state": vals["state"]}
            if vals["action"] not in ("redact", "leave"):
                again["row_count"] = max(place.row_count, place.done_count + vals["row_count"])
            place.write(again)
        places.create(new)

    def _order_places(self, survey):
        """Rows that go come first, who points before what is pointed to; the contact comes last."""
        # sudo: nobody may write plans
        places = self.sudo().place_ids
        deleting = {place.model_name for place in places if place.action == "delete"}
        order = graph.order_for_delete(
            deleting, {name: survey[name].parents for name in deleting if name in survey}
        )
        last = {"mail.guest": 1, "res.users": 2, "res.partner": 3}
        for place in places:
            rank = plan.ORDER.index(place.action) if place.action in plan.ORDER else len(plan.ORDER)
            if place.action == "delete":
                sequence = order.index(place.model_name)
            else:
                sequence = 1000 + 100_000 * last.get(place.model_name, 0) + rank
            if place.sequence != sequence:
                place.sequence = sequence
