from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .selections import QUEUE_STATES, SENDABLE_STATUSES

#: Days that failures are looked back over.
FAILURE_DAYS = 7
#: How many reasons of failure a card shows.
TOP_REASONS = 3
#: Statuses in which Meta has not decided about a template yet.
REVIEW_STATUSES = ("PENDING", "IN_APPEAL")
#: Statuses in which Meta does not let a template be sent.
BLOCKED_STATUSES = ("REJECTED", "PAUSED", "DISABLED", "LIMIT_EXCEEDED")


class AjwWhatsappAccount(models.Model):
    """How an account is doing: the figures of the overview, in a fixed number of queries."""

    _inherit = "ajw.whatsapp.account"

    queue_count = fields.Integer(string="In the queue", compute="_compute_health")
    oldest_queued_at = fields.Datetime(
        string="Oldest in the queue since", compute="_compute_health"
    )
    uncertain_count = fields.Integer(string="Uncertain", compute="_compute_health")
    failure_count = fields.Integer(string="Not delivered, 7 days", compute="_compute_health")
    failure_reasons = fields.Json(
        compute="_compute_health",
        help="The most frequent reasons why messages were not delivered.",
    )
    last_accepted_at = fields.Datetime(string="Last sent", compute="_compute_health")
    template_approved_count = fields.Integer(compute="_compute_template_health")
    template_review_count = fields.Integer(compute="_compute_template_health")
    template_blocked_count = fields.Integer(compute="_compute_template_health")
    health = fields.Selection(
        [("good", "Working"), ("attention", "Needs attention"), ("bad", "Nothing is sent")],
        compute="_compute_health_advice",
    )
    health_advice = fields.Char(string="What to do now", compute="_compute_health_advice")

    def _compute_health(self):
        queues = {}
        for account, state, count, since in self._health_groups(
            [("state", "in", (*QUEUE_STATES, "uncertain"))],
            ["account_id", "state"],
            ["__count", "create_date:min"],
        ):
            queues.setdefault(account, {})[state] = (count, since)
        reasons = {}
        for account, state, code, refusal, count in self._health_groups(
            self._failure_domain(), ["account_id", "state", "error_code", "refusal_reason"]
        ):
            reasons.setdefault(account, []).append((state, code, refusal, count))
        accepted = dict(
            self._health_groups([("accepted_at", "!=", False)], ["account_id"], ["accepted_at:max"])
        )
        for account in self:
            queue = queues.get(account, {})
            waiting = [queue[state] for state in QUEUE_STATES if state in queue]
            rows = sorted(reasons.get(account, ()), key=lambda row: -row[-1])
            account.queue_count = sum(count for count, _since in waiting)
            account.oldest_queued_at = min((since for _count, since in waiting), default=False)
            account.uncertain_count = queue.get("uncertain", (0, None))[0]
            account.failure_count = sum(row[-1] for row in rows)
            account.failure_reasons = [
                {
                    "state": state,
                    "error_code": code,
                    "refusal_reason": refusal,
                    "label": self._failure_label(state, code, refusal),
                    "count": count,
                }
                for state, code, refusal, count in rows[:TOP_REASONS]
            ]
            account.last_accepted_at = accepted.get(account, False)

    def _health_groups(self, domain, groupby, aggregates=("__count",)):
        # sudo: a figure on the account's card, not the messages themselves
        return (
            self.env["ajw.whatsapp.message"]
            .sudo()
            ._read_group(
                Domain([("account_id", "in", self.ids), ("direction", "=", "outbound")])
                & Domain(domain),
                groupby,
                aggregates,
            )
        )

    @api.model
    def _failure_domain(self):
        since = fields.Datetime.now() - timedelta(days=FAILURE_DAYS)
        return [("state", "in", ("failed", "refused")), ("create_date", ">=", since)]

    @api.model
    def _failure_label(self, state, code, refusal):
        """Say in a few words why messages were not delivered."""
        if state == "refused":
            return self.env["ajw.consent.gate"]._reason_label(refusal)
        if not code:
            return self.env._("Stopped by Odoo: the document, its PDF or its template.")
        return f"({code}) {self.env['ajw.whatsapp.error']._hint(code)}"

    def _compute_template_health(self):
        counts = {}
        for account, status, count in self.env["ajw.whatsapp.template"]._read_group(
            [("account_id", "in", self.ids)], ["account_id", "status"], ["__count"]
        ):
            counts.setdefault(account, {})[status] = count
        for account in self:
            mine = counts.get(account, {})
            for name, statuses in (
                ("approved", SENDABLE_STATUSES),
                ("review", REVIEW_STATUSES),
                ("blocked", BLOCKED_STATUSES),
            ):
                account[f"template_{name}_count"] = sum(mine.get(s, 0) for s in statuses)

    @api.depends("state", "active", "stopped_reason", "paused_until", "pause_reason", "setup_done")
    def _compute_health_advice(self):
        for account in self:
            health, advice = "good", False
            if account.state == "draft":
                health, advice = "bad", self.env._("Not connected yet: continue the set-up.")
            elif account.state == "stopped" or account.stopped_reason:
                health = "bad"
                advice = account.stopped_reason or self.env._("Stopped: test the connection.")
            elif account.warning:
                health, advice = "attention", account.warning
            elif pause := account._pause_text():
                health, advice = "attention", pause
            elif not account.has_app_secret:
                health = "attention"
                advice = self.env._(
                    "The app secret is missing: delivery reports and STOP go unnoticed."
                )
            elif not account.template_approved_count:
                health = "attention"
                advice = self.env._("No template is approved, so nothing can be sent yet.")
            elif account.uncertain_count:
                health = "attention"
                advice = self.env._("Some messages are uncertain: find out whether they arrived.")
            account.health = health
            account.health_advice = advice

    # ------------------------------------------------------------------
    # From a figure to what it counts
    # ------------------------------------------------------------------

    def action_view_queue(self):
        """Open what has not left yet."""
        return self._action_desk(self.env._("In the queue"), [("state", "in", list(QUEUE_STATES))])

    def action_view_failures(self, reason=None):
        """Open what was not delivered in the last days.

        :param dict reason: a row of ``failure_reasons``; all reasons if not given
        """
        domain = self._failure_domain()
        if reason:
            domain += [
                (name, "=", reason.get(name) or False)
                for name in ("state", "refusal_reason")
                if reason.get("state") == "refused" or name == "state"
            ]
            if reason.get("state") == "failed":
                domain.append(("error_code", "=", int(reason.get("error_code") or 0)))
        return self._with_views(self._action_desk(self.env._("Not delivered"), domain))

    def action_view_uncertain(self):
        """Open the uncertain messages, with what can be done about them."""
        self.check_access("read")
        return self._desk_action_from("ajw_whatsapp.ajw_whatsapp_message_action_uncertain")

    def action_view_accepted(self):
        """Open what Meta took, newest first."""
        return self._action_desk(
            self.env._("Sent"), [("accepted_at", "!=", False)], ("list", "kanban", "form")
        )

    def action_view_templates_approved(self):
        """Open the templates that may be sent."""
        return self._action_templates(SENDABLE_STATUSES)

    def action_view_templates_review(self):
        """Open the templates Meta has not decided about."""
        return self._action_templates(REVIEW_STATUSES)

    def action_view_templates_blocked(self):
        """Open the templates Meta rejected or paused."""
        return self._action_templates(BLOCKED_STATUSES)

    def action_view_webhook_log(self):
        """Open what Meta reported."""
        return self._action_open("ajw.whatsapp.webhook.event", self.env._("Webhook log"))

    def _action_templates(self, statuses):
        domain = [("status", "in", list(statuses))]
        return self._action_open("ajw.whatsapp.template", self.env._("Templates"), domain)

    def _action_desk(self, name, domain, view_modes=("list", "kanban", "form", "graph", "pivot")):
        action = self._action_open("ajw.whatsapp.message", name, domain)
        return action | {
            "view_mode": ",".join(view_modes),
            # A phone hides the buttons above a list; cards have their own.
            "mobile_view_mode": "kanban",
            "domain": [("direction", "=", "outbound"), *action["domain"]],
        }

    @api.model
    def _with_views(self, action):
        """Complete an action that a component of ours asks for: only buttons get that by itself."""
        if "views" not in action:
            modes = action["view_mode"].split(",")
            action = action | {"views": [(False, mode) for mode in modes]}
        return action

    def _desk_action_from(self, xmlid):
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        domain = [("direction", "=", "outbound"), ("state", "=", "uncertain")]
        return action | {"domain": [*domain, ("account_id", "in", self.ids)]}

    def _check_manager(self):
        """Let only those go on who may change the account.

        :raises AccessError: the user is no manager, or of another company
        """
        self.ensure_one()
        self.check_access("write")

    def _notify(self, message, kind="success", reload=True):
        """Return the notification that says what a button has found or done."""
        params = {"type": kind, "message": message}
        if reload:
            params["next"] = {"type": "ir.actions.client", "tag": "soft_reload"}
        return {"type": "ir.actions.client", "tag": "display_notification", "params": params}

    def _need_ids(self):
        """Make sure that the number's ids are there before Meta is asked about them.

        :raises UserError: says which are missing
        """
        missing = [
            self._fields[name].get_description(self.env)["string"]
            for name in ("phone_number_id", "waba_id")
            if not self[name]
        ]
        if missing:
            raise UserError(
                self.env._(
                    "Enter first, from Meta's app dashboard (WhatsApp › API setup): %s",
                    ", ".join(missing),
                )
            )
