from dateutil.relativedelta import relativedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import date_utils, format_date

from odoo.addons.ajw_consent.models.ajw_consent_invitation_screening import ASKABLE

#: The number of the contact cannot be used: no question to the gate.
NO_NUMBER = "no_number"


class AjwWhatsappCoverage(models.TransientModel):
    """How many of the customers invoiced in a month may get their invoices over WhatsApp."""

    _name = "ajw.whatsapp.coverage"
    _description = "Coverage of Invoiced Customers"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    month = fields.Date(
        required=True,
        default=lambda self: (
            fields.Date.context_today(self).replace(day=1) - relativedelta(months=1)
        ),
        help="Any day of the month to look at.",
    )
    line_ids = fields.One2many(
        "ajw.whatsapp.coverage.line",
        "coverage_id",
        compute="_compute_line_ids",
        store=True,
        readonly=True,
    )
    customer_count = fields.Integer("Customers Invoiced", compute="_compute_counts")
    allowed_count = fields.Integer("May Get Them", compute="_compute_counts")
    askable_count = fields.Integer("Can Be Asked", compute="_compute_counts")
    rate = fields.Float("Coverage (%)", compute="_compute_counts")

    @api.depends("month")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for coverage in self:
            coverage.display_name = self.env._(
                "Coverage of %s", format_date(self.env, coverage.month, date_format="MMMM y")
            )

    @api.constrains("company_id")
    def _check_company(self):
        self.company_id._ajw_check_switched_on()

    @api.depends("month", "company_id")
    def _compute_line_ids(self):
        for coverage in self:
            coverage.line_ids = [
                Command.clear(),
                *(Command.create(values) for values in coverage._survey()),
            ]

    @api.depends("line_ids.allowed", "line_ids.askable")
    def _compute_counts(self):
        for coverage in self:
            lines = coverage.line_ids
            coverage.customer_count = len(lines)
            coverage.allowed_count = len(lines.filtered("allowed"))
            coverage.askable_count = len(lines.filtered("askable"))
            coverage.rate = 100 * coverage.allowed_count / len(lines) if lines else 0

    def _survey(self):
        """Look at everybody invoiced in the month, with the user's own rights.

        The number of queries does not grow with the customers.

        :return: values of the lines, those who may get invoices last
        :rtype: list[dict]
        :raises UserError: the company is not one the user works in now
        """
        self.ensure_one()
        self.company_id._ajw_check_switched_on()
        controller = self.company_id.ajw_consent_controller_id
        companies = self.env.companies.filtered(
            lambda company: company.ajw_consent_controller_id == controller
        )
        start = self.month.replace(day=1)
        rows = self.env["account.move"]._read_group(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("company_id", "in", companies.ids),
                ("invoice_date", ">=", start),
                ("invoice_date", "<=", date_utils.end_of(start, "month")),
                ("partner_id", "!=", False),
            ],
            ["partner_id"],
            ["__count", "invoice_date:max"],
        )
        partners = self.env["res.partner"].union(*(partner for partner, *_rest in rows))
        recipients = partners._ajw_whatsapp_recipients()
        gate = self.env["ajw.consent.gate"]
        answers = gate._check(
            controller,
            self.env["account.move"]._ajw_whatsapp_purpose(),
            "whatsapp",
            [(pid, each.number) for pid, each in recipients.items() if each.number],
        )
        lines = []
        for partner, count, last in rows:
            recipient = recipients[partner.id]
            answer = answers.get((partner.id, recipient.number))
            allowed = bool(answer and answer.allowed)
            reason = answer.reason if answer else NO_NUMBER
            lines.append(
                {
                    "partner_id": partner.id,
                    "number": recipient.number or recipient.raw,
                    "invoice_count": count,
                    "last_date": last,
                    "allowed": allowed,
                    "reason": gate._reason_short(reason) if answer else self.env._("No number"),
                    "sentence": gate._reason_label(reason)
                    if answer
                    else partner._ajw_whatsapp_number_problem(recipient),
                    "askable": reason in ASKABLE,
                }
            )
        return sorted(lines, key=lambda line: (line["allowed"], line["reason"]))

    def action_open_lines(self):
        """Open the customers as a list, to search, group and invite."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Customers Invoiced"),
            "res_model": "ajw.whatsapp.coverage.line",
            "view_mode": "list,graph,pivot",
            "domain": [("coverage_id", "=", self.id)],
            "context": {"search_default_group_reason": 1},
        }

    def action_invite(self):
        """Open the wizard that invites those who were not asked yet.

        :raises UserError: there is nobody to ask
        :raises AccessError: the user may not invite
        """
        self.ensure_one()
        self.check_access("read")
        return self.line_ids.action_invite()


class AjwWhatsappCoverageLine(models.TransientModel):
    """One customer who was invoiced."""

    _name = "ajw.whatsapp.coverage.line"
    _description = "Coverage of Invoiced Customers: Customer"
    _order = "allowed, reason, id"

    _ajw_personal_data = {
        "partner_id": {"category": "link", "erase": "delete"},
        "number": {"category": "phone", "erase": "delete"},
        "reason": {
            "category": "technical",
            "erase": "none",
            "reason": "Names no person; written by us.",
        },
        "sentence": {"category": "free_text", "erase": "delete"},
    }

    coverage_id = fields.Many2one("ajw.whatsapp.coverage", required=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, ondelete="cascade")
    number = fields.Char(readonly=True)
    invoice_count = fields.Integer("Invoices", readonly=True)
    last_date = fields.Date("Last Invoice", readonly=True)
    allowed = fields.Boolean("May Get Invoices", readonly=True)
    reason = fields.Char("Answer", readonly=True)
    sentence = fields.Char("What to Do", readonly=True)
    askable = fields.Boolean("Can Be Asked", readonly=True)

    def action_invite(self):
        """Open the wizard that invites those of these customers who were not asked yet.

        :raises UserError: there is nobody to ask
        :raises AccessError: the user may not invite
        """
        self.check_access("read")
        self.env["ajw.consent.invite"].check_access("create")
        partners = self.filtered("askable").partner_id
        partners.check_access("read")
        if not partners:
            raise UserError(self.env._("There is nobody here who can still be asked."))
        return partners._ajw_action_invite()
