from odoo import models
from odoo.fields import Domain

from ..engine import filters
from . import ajw_privacy_run


class AjwPrivacyRun(models.Model):
    """Which rows come next: old enough, free by law, under no hold, nobody active, people told."""

    _inherit = "ajw.privacy.run"

    def _next_ids(self, known):
        """The next rows to treat: due, after the last one looked at, and not under a hold.

        :return: (model, ids, ids of them that are held by what would be deleted with them)
        """
        target = self._target()
        holds = self.env["ajw.privacy.hold"]
        mark = holds._mark()
        if (
            known.get("mark") != mark
        ):  # a hold was placed or lifted: what was known no longer counts
            known.clear()
            known["mark"] = mark
        key = (self.model_name, self.company_id.id)
        if key not in known:
            known[key] = holds._held(self.model_name, self.company_id)
        held = known[key]
        free = self._free(known)
        due = self._due()
        if self.state == "running" and not self.last_id:
            if not held.is_false():
                self.rows_held = target.search_count(due & held)
            if not free.is_true():
                self.rows_law = target.search_count(due & ~held & ~free)
        due &= free & ~held & Domain("id", ">", self.last_id)
        ids = target.search(due, order="id", limit=ajw_privacy_run.BATCH_SIZE).ids
        along = set()
        if ids and self.action == "delete" and mark[0]:
            along = holds._held_along(self.model_name, self.company_id, ids, known)
        return target, ids, along

    def _free(self, known):
        """Rows that no law keeps: worked out once for all batches."""
        key = ("law", self.model_name, self.company_id.id, self.duty_codes, self.document_field)
        if key not in known:
            known[key] = self.env["ajw.privacy.policy"]._law_domain(
                self.model_name,
                self.document_field,
                (self.duty_codes or "").split(),
                self.company_id,
            )
        return known[key]

    def _due(self, cutoff=None):
        """Rows the rule is about, in the company the run works for, law and holds left aside.

        People are told of it before: so those who soon will be due are among them.

        :param cutoff: another moment
        """
        policies = self.env["ajw.privacy.policy"]
        names = (
            filters.split_names(self.field_names)
            if self.action in ("clear", "pseudonymise")
            else ()
        )
        domain = policies._due_domain(
            self.model_name,
            self.domain,
            self.clock_field,
            cutoff or self.policy_id._candidates_cutoff(self.cutoff),
            names,
            self.action,
            self.clock,
        )
        if policies._company_field(self.pool[self.model_name]):
            domain &= Domain("company_id", "=", self.company_id.id)
        return domain

    def _may_treat(self, target, ids):
        """Those of some due rows that may be treated now: nobody was active, and people were told.

        :return: (ids, dict of counts to add to the run)
        """
        policy, counts = self.policy_id, {}
        cutoff = policy._candidates_cutoff(self.cutoff)
        if self.clock == "activity":
            active = policy._still_active(self.model_name, ids, cutoff)
            counts["rows_active"] = len(active)
            ids = [row_id for row_id in ids if row_id not in active]
        if ids and (policy.notice_days or self.model_name == "res.partner"):
            restricted = self._restricted(target, ids)
            counts["rows_restricted"] = len(restricted)
            ids = [row_id for row_id in ids if row_id not in restricted]
        if ids and (policy.notice_days or self.action == "erase"):
            due_now = set(ids)
            if cutoff != self.cutoff:
                due_now = set(target.search(self._due(self.cutoff) & Domain("id", "in", ids)).ids)
                if self.clock == "activity":
                    due_now -= policy._still_active(self.model_name, due_now, self.cutoff)
            if policy.notice_days:
                ids, more = policy._may_act(target, ids, self.cutoff, due_now, self.company_id)
                counts.update(more)
        return ids, counts

    def _restricted(self, target, ids):
        """Rows of people whose data is restricted: it is stored, and nothing else (Art. 18(2))."""
        policy = self.policy_id
        controller = policy._controller(self.company_id)
        persons = policy._persons_of(target.browse(ids))
        everybody = target.env["res.partner"].browse(
            {person.id for person in persons.values() if person}
        )
        # sudo: companies of every controller where nobody can say whose the row is
        companies = controller or controller.sudo().search([("parent_id", "=", False)])
        restricted = everybody.browse()
        for company in companies:
            restricted |= self.env["ajw.consent.restriction"]._restricted(company, everybody)
        return {row_id for row_id, person in persons.items() if person in restricted}
