from odoo import api, fields, models

from ..engine import deadlines
from .selections import CLOSED_STATES, OPEN_STATES


class AjwPrivacyRequest(models.Model):
    """The clock: which law sets it, until when the answer is due, and why."""

    _inherit = "ajw.privacy.request"

    country_id = fields.Many2one(
        "res.country",
        "Country of the person",
        compute="_compute_country_id",
        store=True,
        readonly=False,
        tracking=True,
        help="Follows the contact while the request is open. Another country needs a reason.",
    )
    country_reason = fields.Char(
        "Reason for the country",
        help="Why the person's country is another than the contact's.",
    )
    manual_jurisdiction_id = fields.Many2one(
        "ajw.privacy.jurisdiction",
        "Decided otherwise",
        tracking=True,
        help="Another law than the countries say. Needs a reason.",
    )
    manual_reason = fields.Char("Reason", help="Why another law applies.")
    jurisdiction_id = fields.Many2one(
        "ajw.privacy.jurisdiction", compute="_compute_deadline", store=True, tracking=True
    )
    rule_id = fields.Many2one(
        "ajw.privacy.jurisdiction.rule", compute="_compute_deadline", store=True
    )
    right = fields.Selection(
        [("statutory", "Statutory"), ("voluntary", "Voluntary")],
        compute="_compute_deadline",
        store=True,
        help="Whether a law gives the person this right, or the company answers of its own will.",
    )
    base_deadline = fields.Date(
        "Tell of an extension until",
        compute="_compute_deadline",
        store=True,
        help="The end of the first period.",
    )
    deadline = fields.Date(
        compute="_compute_deadline", store=True, index=True, tracking=True,
        help="The last day for the answer. It is not put off to the next working day.",
    )  # fmt: skip
    clock_note = fields.Text("Why this deadline", compute="_compute_clock_note")
    urgency = fields.Selection(
        [("overdue", "Overdue"), ("soon", "Due soon"), ("ok", "In time")],
        compute="_compute_urgency",
    )
    days_left = fields.Integer(compute="_compute_urgency")
    extension_told_on = fields.Date(
        "Told of extension", readonly=True, copy=False, tracking=True,
        help="The day the person was told, with the reasons, that the answer takes longer.",
    )  # fmt: skip
    extension_reason = fields.Text("Reasons for extension", readonly=True, copy=False)
    reminder = fields.Selection(
        [("none", "None"), ("soon", "Due soon"), ("overdue", "Overdue")],
        default="none",
        readonly=True,
        copy=False,
        help="The last reminder that was given.",
    )

    @api.depends("partner_id.country_id")
    def _compute_country_id(self):
        for request in self:
            # what was closed, and what somebody decided with a reason, stays
            stays = request.state in CLOSED_STATES or request.country_reason
            theirs = not stays and request.partner_id.country_id
            request.country_id = theirs or request.country_id

    def _laws(self, book=None):
        """The rules that may set the clock: one for each law that applies on the day of receipt.

        :param book: (laws, rules) to choose from, where many requests are looked at
        """
        self.ensure_one()
        known_laws, known_rules = book or (None, None)
        laws = self.manual_jurisdiction_id or self.env["ajw.privacy.jurisdiction"]._applicable(
            self.company_id.country_id | self.country_id, known_laws
        )
        received = self.received_on or fields.Date.context_today(self)
        return self.env["ajw.privacy.jurisdiction.rule"]._in_force(
            laws, self.kind, received, known_rules
        )

    def _decision(self, told=None, book=None):
        """The engine's answer for this request; None where no rule is known.

        :param date told: assume the person was told of an extension on this day
        :param book: see :meth:`_laws`
        """
        self.ensure_one()
        return deadlines.decide(
            self.received_on or fields.Date.context_today(self),
            [rule._clock() for rule in self._laws(book)],
            told or self.extension_told_on or None,
        )

    @api.depends(
        "kind", "received_on", "company_id.partner_id.country_id", "country_id",
        "manual_jurisdiction_id", "extension_told_on",
    )  # fmt: skip
    def _compute_deadline(self):
        book = (
            self.env["ajw.privacy.jurisdiction"].search([]),
            self.env["ajw.privacy.jurisdiction.rule"].search([], order="id"),
        )
        for request in self:
            if request.state in CLOSED_STATES:
                # what was answered keeps the clock it was answered under
                for name in ("rule_id", "jurisdiction_id", "right", "base_deadline", "deadline"):
                    request[name] = request[name]
                continue
            decision = request._decision(book=book) if request.kind else None
            rule = self.env["ajw.privacy.jurisdiction.rule"].browse(
                decision.rule.key if decision else ()
            )
            request.rule_id = rule
            request.jurisdiction_id = rule.jurisdiction_id
            request.right = decision and ("statutory" if decision.statutory else "voluntary")
            request.base_deadline = decision and decision.base
            request.deadline = decision and decision.deadline

    @api.model
    def _follow_rules(self):
        """Compute the clocks of all open requests anew, because the rules of a law changed."""
        # sudo: who may change the rules need not see every company's requests
        requests = self.sudo().search([("state", "in", OPEN_STATES)])
        before = {request: (request.deadline, request.right) for request in requests}
        for name in ("rule_id", "jurisdiction_id", "right", "base_deadline", "deadline"):
            self.env.add_to_compute(self._fields[name], requests)
        requests.flush_recordset()
        for request in requests:
            if before[request] != (request.deadline, request.right):
                request._log_step(
                    self.env._(
                        "The rules of the law changed. Deadline before: %(before)s, now: %(now)s.",
                        before=before[request][0] or "–",
                        now=request.deadline or "–",
                    )
                )

    @api.depends("rule_id", "country_id", "manual_jurisdiction_id", "kind", "received_on")
    def _compute_clock_note(self):
        _ = self.env._
        right = self._fields["right"]
        labels = dict(right._description_selection(self.env))
        for request in self:
            lines = []
            for rule in request._laws() if request.kind else ():
                last = deadlines.extend(request.received_on or fields.Date.today(), rule._clock())
                end = deadlines.add_period(
                    request.received_on or fields.Date.today(), rule.period, rule.unit
                )
                line = _(
                    "%(law)s (%(right)s): until %(end)s",
                    law=f"{rule.jurisdiction_id.name}, {rule.article}"
                    if rule.article
                    else rule.jurisdiction_id.name,
                    right=labels[rule.right],
                    end=end,
                )
                if rule.extension:
                    line += _(", or %s if the person is told within the first period", last)
                if rule.period_set_by == "own":
                    line += _(". The law names no period: our own standard, a target only")
                if rule.certainty == "unverified":
                    line += _(". Not verified: %s", rule.verify or _("have it checked"))
                lines.append(line + ".")
            request.clock_note = "\n".join(lines) or _(
                "No jurisdiction has a rule for this. Add one under Configuration, Jurisdictions."
            )

    @api.depends("deadline", "state")
    def _compute_urgency(self):
        today = fields.Date.context_today(self)
        for request in self:
            is_open = request.deadline and request.state in OPEN_STATES
            request.urgency = is_open and deadlines.urgency(today, request.deadline)
            request.days_left = (request.deadline - today).days if is_open else 0
