from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

STATES = [
    ("draft", "Draft"),
    ("exporting", "Exporting"),
    ("exported", "To approve"),
    ("waiting", "Waiting"),
    ("removing", "Removing"),
    ("kept", "Done, but for what is kept"),
    ("done", "Done"),
    ("recalled", "Recalled"),
    ("failed", "Failed"),
]
#: States in which the company can still be called back with nothing lost.
RECALLABLE = ("draft", "exporting", "exported", "waiting")
#: States after which another departure of the company can begin.
OVER = ("done", "kept", "recalled")
#: Days after the end within which everything is gone, at the latest.
LAST_DAY = 30


class AjwPrivacyDeparture(models.Model):
    """A company of the database that leaves: copied whole, waiting for a recall, removed whole.

    Nothing goes before another officer approved it and the recall period is over. Whoever runs the
    database (the operator) keeps the record and the certificate of it.
    """

    _name = "ajw.privacy.departure"
    _description = "Departure of a company"
    _inherit = ["ajw.privacy.thread", "ajw.privacy.stepwise", "mail.activity.mixin"]
    _order = "id desc"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "a number; names nobody"},
        "subject_ref": {"erase": "none", "reason": "random; stands for a company that left"},
        "note": {"category": "free_text", "erase": "redact"},
        "requested_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the removal, kept as proof",
        },
        "approved_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the removal, kept as proof",
        },
        "suspended_user_ids": {
            "category": "link",
            "erase": "none",
            "reason": "whose logins come back with a recall; emptied with the removal",
        },
        "error": {"erase": "none", "reason": "error codes and names of columns, no content"},
        "residue": {"erase": "none", "reason": "names of tables and counts; no content"},
    }

    name = fields.Char("Reference", readonly=True, copy=False, index="trigram")
    state = fields.Selection(
        STATES, "Status", required=True, default="draft", readonly=True, copy=False, index=True,
        tracking=True,
    )  # fmt: skip
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        ondelete="restrict",
        help="The company that leaves, with all its branches.",
    )
    operator_id = fields.Many2one(
        "res.company",
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The company that stays and keeps the record and the certificate.",
    )
    subject_ref = fields.Char(
        "Pseudonym", readonly=True, copy=False, help="Random. Stands for the company afterwards."
    )
    ended_on = fields.Date(
        "Contract ends",
        required=True,
        default=fields.Date.context_today,
        help="The day on which the company's account ends. The recall period begins then.",
    )
    recall_days = fields.Integer(
        "Recall period (days)",
        required=True,
        default=14,
        help="Days after the end in which the company can be called back: 30 at most, because its "
        "data leaves within 30 days.",
    )
    remove_on = fields.Date(
        "Removed on",
        compute="_compute_remove_on",
        store=True,
        help="Until then it can be called back; the removal begins on this day.",
    )
    note = fields.Text(help="Why, and who asked for it.")
    requested_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    approved_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    started_at = fields.Datetime("Export started", readonly=True, copy=False)
    exported_at = fields.Datetime("Exported", readonly=True, copy=False)
    approved_at = fields.Datetime("Approved", readonly=True, copy=False)
    removing_at = fields.Datetime("Removal started", readonly=True, copy=False)
    ended_at = fields.Datetime("Removed", readonly=True, copy=False)
    reminded_on = fields.Date(readonly=True, copy=False)
    due_again_on = fields.Date(
        "Next due",
        readonly=True,
        copy=False,
        help="The day after the first of the keeping periods ends: then what is due goes as well.",
    )
    suspended_user_ids = fields.Many2many(
        "res.users",
        "ajw_privacy_departure_user_rel",
        string="Suspended logins",
        readonly=True,
        copy=False,
        help="Logins that worked in this company alone. A recall gives them back.",
    )
    error = fields.Text(readonly=True, copy=False, help="Why it failed, without anybody's data.")
    residue = fields.Json(readonly=True, copy=False)
    # -- where an interrupted run goes on
    phase = fields.Selection(
        [
            ("collect", "Searching"),
            ("keep", "Looking up what the law keeps"),
            ("rows", "Copying rows"),
            ("relations", "Copying relations"),
            ("files", "Copying files"),
            ("count", "Counting for the statistics"),
            ("remove", "Removing"),
            ("close", "Closing accounts"),
            ("check", "Checking"),
        ],
        readonly=True,
        copy=False,
    )
    cursor = fields.Char(readonly=True, copy=False, help="The last table or row looked at.")
    round = fields.Integer(readonly=True, copy=False, help="How often it was searched again.")
    # -- what is shown
    place_ids = fields.One2many("ajw.privacy.departure.place", "departure_id", "Places")
    going_ids = fields.One2many(
        "ajw.privacy.departure.place", "departure_id", "What goes",
        domain=[("fate", "in", ("go", "close"))], readonly=True,
    )  # fmt: skip
    kept_ids = fields.One2many(
        "ajw.privacy.departure.place", "departure_id", "What the law keeps",
        domain=[("fate", "in", ("kept", "needed"))], readonly=True,
    )  # fmt: skip
    used_ids = fields.One2many(
        "ajw.privacy.departure.place", "departure_id", "What is left alone",
        domain=[("fate", "in", ("used", "shared"))], readonly=True,
    )  # fmt: skip
    package_ids = fields.One2many("ajw.privacy.departure.package", "departure_id", "Copy")
    certificate_ids = fields.One2many("ajw.privacy.certificate", "departure_id", "Certificates")
    row_count = fields.Integer(
        "Rows", compute="_compute_counts", help="All that the company has, whatever becomes of it."
    )
    going_count = fields.Integer(
        "Rows that go", compute="_compute_counts", help="Removed, or emptied in place."
    )
    done_count = fields.Integer("Rows removed", compute="_compute_counts")
    kept_count = fields.Integer(
        "Rows kept", compute="_compute_counts",
        help="A law asks for them, or they are needed by what a law asks for.",
    )  # fmt: skip
    used_count = fields.Integer(
        "Rows left alone", compute="_compute_counts",
        help="Another company's documents point to them, or they are of no company.",
    )  # fmt: skip
    failed_count = fields.Integer("Rows failed", compute="_compute_counts")
    progress = fields.Integer(compute="_compute_counts", help="Rows removed, in per cent.")
    may_decide = fields.Boolean(
        compute="_compute_may_decide", help="Whether you may approve it: you did not ask for it."
    )

    _name_uniq = models.UniqueIndex("(name)", "There is a departure with this reference.")
    _one_each = models.UniqueIndex(
        "(company_id) WHERE state NOT IN ('done', 'kept', 'recalled')",
        "This company is leaving already: go on with that departure, or recall it.",
    )
    _two_persons = models.Constraint(
        "CHECK(approved_by_id IS NULL OR approved_by_id <> requested_by_id)",
        "Whoever asked for a removal cannot approve it: a second officer has to.",
    )
    _recall_range = models.Constraint(
        "CHECK(recall_days >= 0 AND recall_days <= 30)",
        "The recall period is 30 days at most: after that the data has to be gone.",
    )
    _another_operator = models.Constraint(
        "CHECK(operator_id <> company_id)", "A company cannot keep the record of its own removal."
    )

    @api.depends("ended_on", "recall_days")
    def _compute_remove_on(self):
        for departure in self:
            departure.remove_on = departure.ended_on and departure.ended_on + timedelta(
                days=max(0, min(departure.recall_days, LAST_DAY))
            )

    @api.depends("place_ids.row_count", "place_ids.done_count", "place_ids.failed_count", "state")
    def _compute_counts(self):
        rows = self.env["ajw.privacy.departure.place"]._read_group(
            [("departure_id", "in", self.ids)],
            ["departure_id", "fate"],
            ["row_count:sum", "done_count:sum", "failed_count:sum"],
        )
        for departure in self:
            mine = {fate: counts for owner, fate, *counts in rows if owner == departure}
            total, done, failed = mine.get("go", (0, 0, 0))
            departure.row_count = sum(
                counts[0] for fate, counts in mine.items() if fate != "shared"
            )
            departure.done_count = done
            departure.failed_count = failed
            departure.going_count = total + mine.get("close", (0,))[0]
            departure.used_count = mine.get("used", (0,))[0] + mine.get("shared", (0,))[0]
            departure.kept_count = mine.get("kept", (0,))[0] + mine.get("needed", (0,))[0]
            over = departure.state in ("done", "kept")
            departure.progress = 100 if over else 100 * done // total if total else 0

    @api.depends("requested_by_id")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        for departure in self:
            departure.may_decide = departure.requested_by_id != self.env.user

    @api.depends("name")
    def _compute_display_name(self):
        for departure in self:
            departure.display_name = departure.name or self.env._("New")

    @api.constrains("company_id", "operator_id")
    def _check_operator(self):
        for departure in self:
            if departure.operator_id in departure._companies():
                raise ValidationError(
                    self.env._("A company cannot keep the record of its own removal.")
                )

    def _companies(self):
        """The company that leaves, with its branches."""
        self.ensure_one()
        # sudo: branches the officer does not see leave as well
        return self.env["res.company"].sudo().with_context(active_test=False).search(
            [("id", "child_of", self.company_id.ids)]
        )  # fmt: skip

    @api.model
    def _find_operator(self, company):
        """The company that keeps the record: the database's first that does not leave itself.

        :raises UserError: there is no other
        """
        # sudo: the officer of the company that leaves sees no other
        companies = self.env["res.company"].sudo()
        leaving = companies.with_context(active_test=False).search(
            [("id", "child_of", company.ids)]
        )
        operator = self.env.ref("base.main_company", raise_if_not_found=False)
        if not operator or operator in leaving or not operator.sudo().active:
            operator = companies.search(
                [("parent_id", "=", False), ("id", "not in", leaving.ids)], order="id", limit=1
            )
        if not operator:
            raise UserError(
                self.env._(
                    "There is no other company in this database that could keep the record. If "
                    "the last company leaves, remove the database itself."
                )
            )
        return operator

    def action_view_certificates(self):
        """Open the certificates."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Certificates of %s", self.name),
            "res_model": "ajw.privacy.certificate",
            "view_mode": "list,form",
            "domain": [("departure_id", "=", self.id)],
        }
