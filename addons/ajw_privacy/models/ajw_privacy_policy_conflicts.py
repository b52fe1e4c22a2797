from odoo import api, fields, models
from odoo.fields import Domain

from ..engine import batch, filters, keeping_rules, retention
from ..engine.keeping_rules import NOTICE

#: More than so many other policies are counted, not named.
MOST_NAMED = 3


class AjwPrivacyPolicy(models.Model):
    """What a policy runs against, said before it is saved, and which rule wins."""

    _inherit = "ajw.privacy.policy"

    conflicts = fields.Text(
        compute="_compute_conflicts",
        help="Laws, holds and other policies that say something else, and which of them wins.",
    )

    @api.depends(
        "model_name", "domain", "clock", "clock_field", "max_age", "max_age_unit", "min_keep_days",
        "min_keep_reason", "action", "field_names", "duty_ids", "company_id", "active",
        "notice_days",
    )  # fmt: skip
    def _compute_conflicts(self):
        law = self.env["ajw.privacy.keeping.duty"]._law()
        for policy in self:
            if policy.model_name not in self.pool:
                policy.conflicts = False
                continue
            policy.conflicts = "\n".join(
                [
                    *policy._own_conflicts(),
                    *policy._law_conflicts(law),
                    *policy._notice_conflicts(law),
                    *policy._other_policies(),
                    *policy._hold_conflicts(),
                ]
            )

    def _age_in_days(self):
        today = fields.Date.context_today(self)
        age = batch.age_in_days(today, self.max_age, self.max_age_unit or "day")
        return max(age, batch.clamp(self.min_keep_days))

    def _own_conflicts(self):
        if not self.minimum_wins:
            return []
        return [
            self.env._(
                "%(reason)s asks for %(minimum)s days, which is longer than the maximum. The "
                "minimum wins.",
                reason=self.min_keep_reason or self.env._("The minimum"),
                minimum=self.min_keep_days,
            )
        ]

    def _law_conflicts(self, law):
        """Sentences on laws that keep rows longer than the policy, today and from a day known."""
        _ = self.env._
        codes, today = self._duty_codes(), fields.Date.context_today(self)
        age, said = self._age_in_days(), []
        for company in self._law_companies(self.company_id) if codes else ():
            for day in (today, *retention.coming(codes, law, company, today)):
                days = self._days_kept(codes, law, company, day)
                if days <= age:
                    continue
                kept = retention.keeps(
                    codes, law, company, day, fields.Date.subtract(day, days=age)
                )
                if not kept:
                    continue
                values = {
                    "country": company.country or _("a company without a country"),
                    "article": kept[0].article or _("a law we do not know yet"),
                    "age": age,
                    "days": days,
                    "until": kept[0].until,
                    "from": fields.Date.to_string(day),
                }
                if kept[0].until is None:
                    text = _(
                        "%(country)s: %(article)s keeps these rows, and no end can be counted. The "
                        "law wins: they stay. Enter the company's country and fiscal year, or the "
                        "missing rule.",
                        **values,
                    )
                elif day == today:
                    text = _(
                        "%(country)s: %(article)s is longer than this policy. The law wins: rows "
                        "go after %(days)s days, not %(age)s; what is %(age)s days old now stays "
                        "until %(until)s.",
                        **values,
                    )
                else:
                    text = _(
                        "%(country)s, from %(from)s: %(article)s will be longer than this policy. "
                        "From that day on the law wins: rows go after %(days)s days, not %(age)s.",
                        **values,
                    )
                if text not in said:
                    said.append(text)
        return said

    def _notice_conflicts(self, law):
        """Sentences on laws that want people told longer before, today and from a day known."""
        _, said = self.env._, []
        today = fields.Date.context_today(self)
        for company in self._law_companies(self.company_id) if self.action == "erase" else ():
            days = {rule.valid_from for rule in law.rules if rule.counted_from == NOTICE}
            for day in (today, *sorted(day for day in days if day and day > today)):
                for rule in keeping_rules.notices(law, company.country, day)[:1]:
                    asked = keeping_rules.days(rule)
                    if self.notice_days >= asked:
                        continue
                    values = {"article": rule.article, "days": asked, "given": self.notice_days,
                              "from": fields.Date.to_string(day)}  # fmt: skip
                    text = _(
                        "%(article)s asks some businesses to tell people at least %(days)s days "
                        "before. This policy gives %(given)s. Raise it, unless you know that the "
                        "rule does not bind you.", **values,
                    ) if day == today else _(
                        "From %(from)s on, %(article)s asks some businesses to tell people at "
                        "least %(days)s days before. This policy gives %(given)s. Raise it by "
                        "then, unless you know that the rule does not bind you.", **values,
                    )  # fmt: skip
                    if text not in said:
                        said.append(text)
        return said

    def _other_policies(self):
        """Sentences on active policies that treat some of the same rows."""
        _ = self.env._
        if not self.active:
            return []
        companies = [False, self.company_id.id] if self.company_id else None
        # sudo: a policy of another company is none of the officer's, unless it treats their rows
        others = self.sudo().search(
            Domain("model_name", "=", self.model_name)
            & Domain("id", "not in", self._origin.ids)
            & (Domain("company_id", "in", companies) if companies else Domain.TRUE)
        )
        said = []
        for other in others.filtered(self._shares_rows_with)[:MOST_NAMED]:
            first, mine = other._age_in_days(), self._age_in_days()
            values = {"name": other.name, "first": first, "mine": mine}
            if first == mine:
                text = _("“%(name)s” treats some of the same rows at the same age.", **values)
            elif first < mine:
                text = _(
                    "“%(name)s” treats some of the same rows after %(first)s days. It comes first; "
                    "this policy finds what it leaves.", **values
                )  # fmt: skip
            else:
                text = _(
                    "“%(name)s” treats some of the same rows after %(first)s days. This policy "
                    "comes first, after %(mine)s.", **values
                )  # fmt: skip
            said.append(text)
        return said

    def _shares_rows_with(self, other):
        """Whether there is a row that both filters take, and both take the same of it."""
        mine, theirs = (set(filters.split_names(one.field_names)) for one in (self, other))
        if self.action == other.action == "clear" and not mine & theirs:
            return False
        try:
            both = Domain(filters.parse_domain(self.domain)) & Domain(
                filters.parse_domain(other.domain)
            )
            # sudo: asks only whether there is one
            target = self.env[self.model_name].sudo().with_context(active_test=False)
            if self._filter_problems() or other._filter_problems():
                return False
            return bool(target.search_count(both, limit=1))
        except (ValueError, TypeError, KeyError):
            return False

    def _hold_conflicts(self):
        holds, said = self._holds(), []
        if holds:
            said.append(
                self.env._(
                    "%s legal holds are in force. They win: what they keep stays.", len(holds)
                )
            )
        broken = holds.filtered("problem")
        if broken:
            said.append(
                self.env._(
                    "The filter of these legal holds cannot be read any more, so everything of the "
                    "model stays: %s. Place a new hold, then lift the old one.",
                    ", ".join(broken.mapped("name")),
                )
            )
        return said
