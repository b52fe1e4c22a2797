from odoo import api, fields, models

from ..engine import plan

STATES = [
    ("draft", "Draft"),
    ("planning", "Planning"),
    ("planned", "To approve"),
    ("approved", "Approved"),
    ("erasing", "Erasing"),
    ("scanning", "Scanning"),
    ("kept", "Done, but for what is kept"),
    ("finishing", "Erasing what was kept"),
    ("done", "Done"),
    ("failed", "Failed"),
    ("refused", "Refused"),
    ("cancelled", "Cancelled"),
]
#: States in which the scheduled action works.
RUNNING = ("planning", "approved", "erasing", "scanning", "finishing")


class AjwPrivacyErasure(models.Model):
    """The erasure of one person: found, planned, approved by a second officer, erased, proved.

    Until it is approved nothing outside of its own tables changes, so the plan is a dry run.
    """

    _name = "ajw.privacy.erasure"
    _description = "Erasure of a person"
    _inherit = ["ajw.privacy.thread", "ajw.privacy.stepwise"]
    _order = "id desc"

    _ajw_personal_data = {
        "name": {"erase": "none", "reason": "a number; names nobody"},
        # who is being erased stays known until it is done
        "partner_id": {"category": "link", "erase": "clear", "role": "mention"},
        "subject_ref": {"erase": "none", "reason": "random; stands for nobody once it is done"},
        "note": {"category": "free_text", "erase": "redact"},
        "requested_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the erasure, kept as proof",
        },
        "approved_by_id": {
            "category": "link",
            "erase": "none",
            "reason": "who answers for the erasure, kept as proof",
        },
        "residue": {"erase": "none", "reason": "names of columns, counts and ids; no content"},
        "error": {"erase": "none", "reason": "error codes and names of columns, no content"},
        "books": {"erase": "none", "reason": "names of journals; no content"},
    }

    name = fields.Char("Reference", readonly=True, copy=False, index="trigram")
    state = fields.Selection(
        STATES, "Status", required=True, default="draft", readonly=True, copy=False, index=True,
        tracking=True,
    )  # fmt: skip
    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        default=lambda self: self.env.company,
        ondelete="restrict",
        help="The company that answers for the erasure.",
    )
    # not tracked, and not in the name: an erasure must not tell again whom it erased
    partner_id = fields.Many2one(
        "res.partner",
        "Person",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        domain="['|', ('company_id', '=', False), ('company_id', 'child_of', company_id)]",
        help="The contact of the person. Empty again as soon as the erasure is done.",
    )
    request_id = fields.Many2one(
        "ajw.privacy.request",
        index="btree_not_null",
        ondelete="set null",
        copy=False,
        domain="[('kind', '=', 'deletion'), ('company_id', '=', company_id)]",
        help="The request it answers, if the person asked for it.",
    )
    subject_ref = fields.Char(
        "Pseudonym",
        readonly=True,
        copy=False,
        help="Random. Stands where the person's name stood, and on the certificate.",
    )
    note = fields.Text(help="Why, where no request says it; or why it was refused.")
    requested_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    approved_by_id = fields.Many2one("res.users", readonly=True, copy=False, ondelete="restrict")
    planned_at = fields.Datetime("Planned", readonly=True, copy=False)
    approved_at = fields.Datetime("Approved", readonly=True, copy=False)
    started_at = fields.Datetime("Started", readonly=True, copy=False)
    ended_at = fields.Datetime("Erased", readonly=True, copy=False)
    plan_digest = fields.Char(
        "Hash of the plan",
        readonly=True,
        copy=False,
        help="SHA-256 of the plan as it was approved: places, what happens, and counts.",
    )
    error = fields.Text(readonly=True, copy=False, help="Why it failed, without anybody's data.")
    # -- where an interrupted run goes on
    phase = fields.Selection(
        [("identify", "Identifying"), ("walk", "Searching"), ("count", "Counting"),
         ("files", "Looking into files")],
        readonly=True,
        copy=False,
    )  # fmt: skip
    cursor = fields.Char(readonly=True, copy=False, help="The last table or model looked at.")
    round = fields.Integer(readonly=True, copy=False, help="How often it was searched again.")
    round_done = fields.Integer(readonly=True, copy=False, help="Rows changed since then.")
    searched_at = fields.Datetime(readonly=True, copy=False, help="When it was searched last.")
    searched_before = fields.Datetime(
        readonly=True, copy=False, help="What was written earlier was searched already."
    )
    forgotten_at = fields.Datetime(
        "Forgotten",
        readonly=True,
        copy=False,
        help="Since then nobody knows any more whom it was about; what a law keeps is known by the "
        "numbers of rows alone.",
    )
    books = fields.Json(
        "Hash chains", readonly=True, copy=False, help="What the check of the books said before "
        "and after, by company and journal.",
    )  # fmt: skip
    residue = fields.Json(readonly=True, copy=False, help="What the scan found so far.")
    # -- what is shown
    place_ids = fields.One2many("ajw.privacy.erasure.place", "erasure_id", "Plan", readonly=True)
    kept_ids = fields.One2many("ajw.privacy.kept", "erasure_id", "Rows that stay", readonly=True)
    kept_row_count = fields.Integer("Kept under law", compute="_compute_kept")
    next_date = fields.Date(
        "Goes on after", compute="_compute_kept",
        help="The next last day of what a law keeps. What is due is erased by itself.",
    )  # fmt: skip
    certificate_ids = fields.One2many(
        "ajw.privacy.certificate", "erasure_id", "Certificates", readonly=True
    )
    identifier_count = fields.Integer(
        "Looked for",
        readonly=True,
        copy=False,
        help="Names, addresses and numbers, new and old, by which the person is found in texts.",
    )
    shared_identifier_count = fields.Integer(
        "Shared with others",
        readonly=True,
        copy=False,
        help="Those that somebody else goes by as well: texts of others that say nothing more are "
        "left alone.",
    )
    row_count = fields.Integer("Rows to treat", compute="_compute_counts")
    done_count = fields.Integer("Rows done", compute="_compute_counts")
    kept_count = fields.Integer("Rows kept", compute="_compute_counts")
    failed_count = fields.Integer("Rows failed", compute="_compute_counts")
    place_count = fields.Integer("Places", compute="_compute_counts")
    certificate_count = fields.Integer(compute="_compute_counts")
    progress = fields.Integer(compute="_compute_progress", help="Places done, in per cent.")
    may_decide = fields.Boolean(
        compute="_compute_may_decide", help="Whether you may approve it: you did not ask for it."
    )

    _name_uniq = models.UniqueIndex("(name)", "There is an erasure with this reference.")
    _subject_uniq = models.UniqueIndex("(subject_ref)", "This pseudonym is taken.")
    _two_persons = models.Constraint(
        "CHECK(approved_by_id IS NULL OR approved_by_id <> requested_by_id)",
        "Whoever asked for an erasure cannot approve it: a second officer has to.",
    )

    @api.depends("place_ids.row_count", "place_ids.done_count", "place_ids.failed_count",
                 "certificate_ids")  # fmt: skip
    def _compute_counts(self):
        rows = self.env["ajw.privacy.erasure.place"]._read_group(
            [("erasure_id", "in", self.ids)],
            ["erasure_id", "action"],
            ["row_count:sum", "done_count:sum", "failed_count:sum", "__count"],
        )
        for erasure in self:
            mine = [(action, *counts) for owner, action, *counts in rows if owner == erasure]
            working = [counts for action, *counts in mine if action in plan.WORKING]
            erasure.row_count = sum(counts[0] for counts in working)
            erasure.done_count = sum(counts[1] for counts in working)
            erasure.failed_count = sum(counts[2] for counts in working)
            erasure.kept_count = sum(counts[0] for action, *counts in mine if action == "keep")
            erasure.place_count = sum(counts[3] for _action, *counts in mine)
            erasure.certificate_count = len(erasure.certificate_ids)

    @api.depends("state", "place_ids.state")
    def _compute_progress(self):
        rows = self.env["ajw.privacy.erasure.place"]._read_group(
            [("erasure_id", "in", self.ids), ("action", "in", list(plan.WORKING))],
            ["erasure_id", "state"],
            ["__count"],
        )
        for erasure in self:
            counts = {state: count for owner, state, count in rows if owner == erasure}
            total = sum(counts.values())
            if erasure.state in ("scanning", "kept", "finishing", "done"):
                erasure.progress = 100
            else:
                erasure.progress = (
                    100 * (total - counts.get("open", 0)) // total
                    if total and erasure.started_at
                    else 0
                )

    @api.depends("kept_ids.until", "kept_ids.state")
    def _compute_kept(self):
        rows = self.env["ajw.privacy.kept"]._read_group(
            [("erasure_id", "in", self.ids), ("state", "!=", "done")],
            ["erasure_id"],
            ["__count", "until:min"],
        )
        found = {erasure: row for erasure, *row in rows}
        for erasure in self:
            erasure.kept_row_count, erasure.next_date = found.get(erasure, (0, False))

    @api.depends("requested_by_id")
    @api.depends_context("uid")
    def _compute_may_decide(self):
        for erasure in self:
            erasure.may_decide = erasure.requested_by_id != self.env.user

    @api.depends("name")
    def _compute_display_name(self):
        for erasure in self:
            erasure.display_name = erasure.name or self.env._("New")

    # -- what the person leaves behind -----------------------------------------------------------

    def _pseudonym_label(self):
        """The words before the pseudonym, in the language of the controller."""
        self.ensure_one()
        lang = self.company_id.partner_id.lang or "en_US"
        return self.with_context(lang=lang).env._("Erased person")

    def _companies(self):
        """The controller: the head company with all its branches."""
        return self.env["ajw.privacy.export"]._companies(self.company_id)

    def action_view_places(self):
        """Open the plan as a list, grouped by app and documents."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Plan of %s", self.name),
            "res_model": "ajw.privacy.erasure.place",
            "view_mode": "list",
            "domain": [("erasure_id", "=", self.id)],
            "context": {"search_default_group_app": 1, "search_default_group_model": 1},
        }

    def action_view_kept(self):
        """Open the rows that a law keeps, by law and by date."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Kept after %s", self.name),
            "res_model": "ajw.privacy.kept",
            "view_mode": "list,form",
            "domain": [("erasure_id", "=", self.id)],
            "context": {"search_default_group_article": 1, "search_default_group_until": 1},
        }

    def action_view_certificates(self):
        """Open the certificates."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Certificates of %s", self.name),
            "res_model": "ajw.privacy.certificate",
            "view_mode": "list,form",
            "domain": [("erasure_id", "=", self.id)],
        }
