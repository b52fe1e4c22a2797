from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ..engine import batch, filters, keeping, retention

#: Actions that leave everything where it is: no law stands against them.
HARMLESS = frozenset({"archive"})


class AjwPrivacyPolicy(models.Model):
    """What the law keeps, whatever a policy says: the longest duty wins, row by row."""

    _inherit = "ajw.privacy.policy"

    duty_ids = fields.Many2many(
        "ajw.privacy.keeping.duty",
        string="Duties to keep",
        help="Laws that ask for keeping these rows, by the country of their company. What a law "
        "keeps is left alone until its day has passed, whatever the maximum says.",
    )
    document_field = fields.Char(
        "The law counts from",
        tracking=True,
        help="The date of the document, where it is another than the clock's: its technical name.",
    )
    law_days = fields.Integer(
        "Kept by law (days)",
        compute="_compute_law_days",
        help="How old rows of today's companies have to be before no law keeps them. 36,500: no "
        "end can be given.",
    )

    @api.depends("model_name", "field_names", "action", "duty_ids", "company_id")
    def _compute_law_days(self):
        today = fields.Date.context_today(self)
        law = self.env["ajw.privacy.keeping.duty"]._law()
        for policy in self:
            codes = policy._duty_codes()
            policy.law_days = max(
                (
                    self._days_kept(codes, law, company, today)
                    for company in policy._law_companies(policy.company_id)
                ),
                default=0,
            ) if codes else 0  # fmt: skip

    @api.model
    def _days_kept(self, codes, law, company, on):
        """For how many days the law keeps a row, counted back from a day; a century at most.

        :param company: :class:`~..engine.keeping.Company`
        """
        spans = retention.free_spans(codes, law, company, on)
        if not spans:
            return batch.MAX_DAYS
        return min(max((on - spans[-1].end).days - 1, 0), batch.MAX_DAYS)

    def _duty_codes(self):
        """Codes of the duties that concern what the policy takes away, sorted.

        Those the officer chose, and those the data map names for the fields that go.
        """
        self.ensure_one()
        if self.action in HARMLESS:
            return []
        codes = set(self.duty_ids.mapped("code"))
        if self.model_name in self.pool and self.action != "erase":
            names = filters.split_names(self.field_names)
            entries = self.env["ajw.privacy.data.map"]._entries(self.model_name)
            for name, (entry, _source) in entries.items():
                if self.action == "delete" or name in names:
                    codes.update(entry.duty.split())
        return sorted(code for code in codes if code)

    @api.model
    def _law_companies(self, company):
        """Whose law counts for rows of a company, each kind once; of no company, everybody's.

        :param company: res.company, may be empty
        :return: list of :class:`~..engine.keeping.Company`
        """
        # sudo: the country and the fiscal year of a company are no secret of its users
        everyone = self.env["res.company"].sudo()
        chosen = company.sudo() or everyone.search([], order="id")
        found = {}
        for each in chosen:
            month = each["fiscalyear_last_month"] if "fiscalyear_last_month" in each else False
            end = (int(month), each["fiscalyear_last_day"]) if month else None
            found.setdefault(keeping.Company(each.country_id.code or "", end), each)
        return list(found)

    @api.model
    def _law_domain(self, model_name, field_name, codes, company):
        """Rows that no law keeps today.

        A day is left on either side: where the document was dated need not be the server's zone.

        :param field_name: the date of the document; empty where nobody can say it for each row
        :param codes: codes of the duties
        :param company: res.company whose rows are treated; empty for rows without one
        :return: Domain; rows without that date are not in it, unless nothing is asked for
        """
        if not codes:
            return Domain.TRUE
        law = self.env["ajw.privacy.keeping.duty"]._law()
        months = max(
            retention.months_after(codes, law, each) for each in self._law_companies(company)
        )
        free = ~self.env["ajw.privacy.hold"]._held_after(model_name, company, months)
        return free & self._free_days(model_name, field_name, codes, company, law)

    @api.model
    def _free_days(self, model_name, field_name, codes, company, law):
        """Rows whose date no law keeps any more; all where the date is not what it counts from."""
        if not field_name:
            return Domain.TRUE
        today = fields.Date.today()
        is_date = self.pool[model_name]._fields[field_name].type == "date"
        margin = timedelta(days=0 if is_date else 1)

        def moment(day):
            return day if is_date else fields.Datetime.to_datetime(day)

        domain = Domain.TRUE
        for each in self._law_companies(company):
            free = Domain.FALSE
            for start, end in retention.free_spans(codes, law, each, today - timedelta(days=1)):
                span = Domain(field_name, "<", moment(end - margin + timedelta(days=1)))
                if start:
                    span &= Domain(field_name, ">=", moment(start + margin))
                free |= span
            domain &= free
        return domain

    def _document_field(self):
        """The date the law counts from: of the document, else the clock's.

        Empty with the clock of last activity: :meth:`_lawful_cutoff` counts with that.
        """
        self.ensure_one()
        return self.document_field or (self.clock == "date" and self.clock_field) or ""

    def _lawful_cutoff(self, company):
        """The moment before which something must have happened last, law and policy both heard.

        By a date the law is asked row by row (:meth:`_law_domain`). By last activity it counts from
        that, so the moment moves back: everything before it is free.

        :param company: res.company whose rows are treated; empty for rows without one
        :return: UTC, naive datetime
        """
        self.ensure_one()
        cutoff, codes = self._cutoff(), self._duty_codes()
        if self.clock == "date" or not codes:
            return cutoff
        law = self.env["ajw.privacy.keeping.duty"]._law()
        yesterday = fields.Date.today() - timedelta(days=1)
        for each in self._law_companies(company):
            spans = retention.free_spans(codes, law, each, yesterday)
            free = spans[0].end if spans and spans[0].start is None else retention.FIRST
            # the day itself is left: it need not have been that day in the server's zone
            cutoff = min(cutoff, fields.Datetime.to_datetime(free))
        return cutoff

    def _document_problems(self, model):
        """Why the law could not count from the date that is named."""
        if not self.document_field:
            return []
        field = model._fields.get(self.document_field)
        if field is not None and field.store and field.type in ("date", "datetime"):
            return []
        return [
            self.env._(
                "“%(field)s” is no stored date of “%(model)s”, so no law can be counted from it. "
                "Leave it empty, or name a date the row has.",
                field=self.document_field,
                model=self.model_name,
            )
        ]
