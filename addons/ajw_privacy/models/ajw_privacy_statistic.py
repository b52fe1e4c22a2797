from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import statistics

#: An object cannot arrive by RPC: numbers are counted, and nobody writes them.
BUILD = object()


class AjwPrivacyStatistic(models.Model):
    """Numbers that may stay when people and companies go: they hold nobody's data."""

    _name = "ajw.privacy.statistic"
    _description = "Statistic without personal data"
    _order = "month desc, model_name, kind"

    _ajw_personal_data = {
        "model_name": {"erase": "none", "reason": "name of a model"},
        "kind": {"erase": "none", "reason": "key of a selection"},
    }

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="restrict",
        help="Whose documents were counted.",
    )  # fmt: skip
    operator_id = fields.Many2one(
        "res.company", readonly=True, index=True, ondelete="restrict",
        help="Who keeps the number when the company has left.",
    )  # fmt: skip
    month = fields.Date(required=True, readonly=True, index=True)
    model_name = fields.Char("Model", required=True, readonly=True)
    model_label = fields.Char("Documents", compute="_compute_model_label")
    kind = fields.Char(
        required=True, readonly=True, help="A status or type of the documents; all: of any."
    )
    row_count = fields.Integer("Number", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(readonly=True, help="Their sum, in the company's currency.")
    least_persons = fields.Integer(
        "About at least",
        readonly=True,
        aggregator=None,
        help="The number is about so many people or more; smaller ones are left out.",
    )

    _cell_uniq = models.UniqueIndex("(company_id, month, model_name, kind)")
    _least = models.Constraint(
        "CHECK(least_persons >= 2)", "A number about one person is personal data."
    )

    @api.depends("model_name")
    def _compute_model_label(self):
        for row in self:
            model = self.env.get(row.model_name)
            row.model_label = model._description if model is not None else row.model_name

    @api.depends("month", "model_name", "kind")
    def _compute_display_name(self):
        for row in self:
            row.display_name = f"{row.month:%Y-%m} · {row.model_label} · {row.kind}"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_build()
        return super().create(vals_list)

    def write(self, vals):
        self._check_build()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_by_building(self):
        self._check_build()

    def _check_build(self):
        if self.env.context.get("ajw_build") is not BUILD:
            raise UserError(self.env._("Statistics are counted by Odoo and stay as they are."))

    # -- building --------------------------------------------------------------------------------

    @api.model
    def _cron_build(self):
        """Count the months that are over, company by company. Runs as superuser."""
        cron = self.env["ir.cron"]
        companies = self.env["res.company"].search([])
        for at, company in enumerate(companies, 1):
            self._build(company)
            cron._commit_progress(1, remaining=len(companies) - at)

    @api.model
    def _build(self, companies, departure=None):
        """Count the documents of some companies, month by month.

        Months that were counted stay as they are: what they counted may have been erased since. A
        month that is not over is counted when the company leaves, and not before.

        :param companies: res.company
        :param departure: ajw.privacy.departure, if they leave
        :return: the new numbers
        """
        # sudo: numbers are counted over documents the officer need not see
        self = self.sudo().with_context(ajw_build=BUILD)
        today = fields.Date.today()
        created = self.browse()
        for company in companies:
            mine = self.search([("company_id", "=", company.id)])
            known = {(row.model_name, row.month) for row in mine}
            for source in statistics.SOURCES:
                cells = self._cells(source, company)
                for month in sorted(cells):
                    if (source.model, month) in known:
                        continue
                    if not departure and month >= today.replace(day=1):
                        continue
                    created |= self._keep(source, company, month, cells[month], departure)
        return created

    def _keep(self, source, company, month, cells, departure):
        return self.create(
            [
                {
                    "company_id": company.id,
                    "operator_id": departure.operator_id.id if departure else False,
                    "month": month,
                    "model_name": source.model,
                    "kind": cell.kind,
                    "row_count": cell.rows,
                    "amount": round(cell.amount),
                    "least_persons": statistics.MIN_PERSONS,
                }
                for cell in statistics.suppress(cells)
            ]
        )

    def _cells(self, source, company):
        """Month → cells of a company's documents; empty where the app is missing.

        :rtype: dict[date, list[statistics.Cell]]
        """
        model = self.env.get(source.model)
        names = [source.day, source.person, *filter(None, [source.kind])]
        if model is None or not all(
            name in model._fields and model._fields[name].store for name in names
        ):
            return {}
        condition = self._condition(source, company)
        if condition is None:
            return {}
        self.env.flush_all()
        kinds = set(dict(model._fields[source.kind]._description_selection(self.env))
                    if source.kind else ())  # fmt: skip
        found = {}
        statement = statistics.cells_statement(source, model._table, condition)
        for month, kind, rows, amount, persons in self.env.execute_query(statement):
            if kind is not None and (kind not in kinds or not statistics.KIND.fullmatch(kind)):
                continue
            cell = statistics.Cell(kind or statistics.TOTAL, rows, float(amount), persons)
            found.setdefault(month, []).append(cell)
        return found
