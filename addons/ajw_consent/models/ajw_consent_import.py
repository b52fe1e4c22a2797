import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..importing import MAX_BYTES
from .selections import CHANNELS

#: A file larger than this takes longer than a second or two: the scheduled action does it.
INLINE_BYTES = 100_000
#: A workbook is an archive, several times as small as its rows.
PACKED = 4
#: Nothing can be changed: it is being worked on, or done.
FIXED = ("checking", "queued", "done")
#: How long a list and what is wrong with it are kept after the last change.
KEEP = timedelta(days=30)
GC_BATCH = 100


class AjwConsentImport(models.Model):
    """A list of consents that were collected elsewhere: checked first, then recorded.

    Checking lists every bad row; importing records the good ones, or nothing unless all are good,
    as the officer chooses. The file is deleted when it is done: the evidence has what matters. A
    list that nobody imports, and the bad rows, are deleted after 30 days.
    """

    _name = "ajw.consent.import"
    _inherit = ["ajw.consent.own.defaults"]
    _description = "Consent Import"
    _order = "id desc"
    _rec_name = "file_name"

    _ajw_personal_data = {
        "file": {"category": "file", "erase": "delete"},
        "bad_rows": {"category": "file", "erase": "delete"},
        "proof": {
            "category": "free_text",
            "erase": "keep",
            "reason": "what the officer says of the list as a whole, kept as proof",
        },
        "file_name": {"category": "file", "erase": "clear"},
        "user_id": {"category": "link", "erase": "none", "reason": "who imported, kept as proof"},
        "remark": {
            "category": "technical",
            "erase": "none",
            "reason": "written by us; names no person",
        },
    }

    company_id = fields.Many2one(
        "res.company",
        "Controller",
        required=True,
        index=True,
        ondelete="restrict",
        default=lambda self: self.env.company.ajw_consent_controller_id,
    )
    file = fields.Binary(attachment=True, help="CSV or XLSX. The first row names the columns.")
    file_name = fields.Char(required=True, default="consents.csv")
    encoding = fields.Selection(
        [("utf-8", "UTF-8"), ("cp1252", "Windows-1252 (Western Europe)")],
        "CSV is written in",
        required=True,
        default="utf-8",
        help="Excel's “CSV UTF-8” is UTF-8; its plain “CSV” is Windows-1252 in Western Europe. "
        "Workbooks, and files that say it themselves, need no choice.",
    )
    date_format = fields.Selection(
        [("iso", "2026-01-31"), ("dmy", "31/01/2026"), ("mdy", "01/31/2026")],
        "Dates look like",
        required=True,
        default="iso",
        help="Dates written as 2026-01-31 are always understood.",
    )
    purpose_ids = fields.Many2many(
        "ajw.consent.purpose", string="Purposes", help="For rows that name none."
    )
    channel = fields.Selection(
        CHANNELS, required=True, default="whatsapp", help="For rows that name none."
    )
    notice_id = fields.Many2one(
        "ajw.consent.notice",
        ondelete="restrict",
        domain="[('company_id', '=', company_id), ('state', '=', 'published')]",
        help="The wording that people saw, for rows that name no version.",
    )
    proof = fields.Text(
        "How it was collected",
        required=True,
        help="Where and how people agreed, and where the originals are. Kept as evidence of each.",
    )
    only_complete = fields.Boolean(
        "Nothing unless every row is good",
        help="Otherwise the good rows are imported and the bad ones are listed.",
    )
    state = fields.Selection(
        [
            ("draft", "New"),
            ("checking", "Being checked"),
            ("checked", "Checked"),
            ("queued", "Being imported"),
            ("done", "Imported"),
        ],
        required=True,
        readonly=True,
        default="draft",
        copy=False,
    )
    position = fields.Integer(readonly=True, copy=False, help="Rows worked through so far.")
    row_count = fields.Integer(
        "Rows", readonly=True, copy=False, help="While it is being checked: about how many."
    )
    good_count = fields.Integer("Good rows", readonly=True, copy=False)
    known_count = fields.Integer(
        "On record already", readonly=True, copy=False, help="Nothing is recorded for these."
    )
    bad_count = fields.Integer("Bad rows", readonly=True, copy=False)
    recorded_count = fields.Integer("Consents recorded", readonly=True, copy=False)
    user_id = fields.Many2one(
        "res.users",
        "Started by",
        readonly=True,
        copy=False,
        help="Who checked or imported last: the contacts and clock of this user count.",
    )
    progress = fields.Float(compute="_compute_progress")
    remark = fields.Text(readonly=True, copy=False)
    problem_ids = fields.One2many("ajw.consent.import.problem", "import_id", readonly=True)
    bad_rows = fields.Binary("List of bad rows", readonly=True, attachment=True, copy=False)
    bad_rows_name = fields.Char(compute="_compute_bad_rows_name")

    @api.depends("position", "row_count", "state")
    def _compute_progress(self):
        for run in self:
            done = 100 * run.position / max(run.row_count, 1)
            # Until it is done it is not: how many rows there are can be a guess.
            run.progress = 100 if run.state == "done" else min(done, 99)

    @api.depends("file_name")
    def _compute_bad_rows_name(self):
        for run in self:
            run.bad_rows_name = "bad_rows.csv"

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if company_id := vals.get("company_id"):
                company = self.env["res.company"].browse(company_id)
                vals["company_id"] = company.ajw_consent_controller_id.id
        return super().create([self._own(vals) for vals in vals_list])

    def write(self, vals):
        vals = self._own(vals)
        if vals and not self.env.su and self.filtered(lambda run: run.state in FIXED):
            raise UserError(
                self.env._("This import has begun. Wait until it is done, or start a new one.")
            )
        if any(name in self._fields and not self._fields[name].readonly for name in vals):
            # Whatever a user sets, the check depends on or its outcome is read by.
            vals = {"state": "draft", **vals}
        return super().write(vals)

    def _own(self, vals):
        """Leave out what only our own code sets, as a form that is saved sends it back."""
        if self.env.su:
            return vals
        return {
            name: value
            for name, value in vals.items()
            if name not in self._fields or not self._fields[name].readonly
        }

    @api.ondelete(at_uninstall=False)
    def _unlink_except_begun(self):
        if self.filtered(lambda run: run.state in ("checking", "queued")):
            raise UserError(self.env._("Wait until this import is done."))

    # ------------------------------------------------------------------
    # Actions
    # ------------------------------------------------------------------

    def action_check(self):
        """List what is wrong with the file; record nothing.

        :raises UserError: there is no file, it is too large, or cannot be read
        :raises AccessError: the user may not import for this controller
        """
        self._start("checking", ("draft", "checked"))
        return True

    def action_import(self):
        """Record the rows of a checked file.

        :raises UserError: it was not checked, no row is good, or one is bad and all must be good
        :raises AccessError: the user may not import for this controller
        """
        self.ensure_one()
        if self.state != "checked":
            raise UserError(self.env._("Check the file first."))
        if not self.good_count:
            raise UserError(self.env._("There is nothing to import in this file."))
        if self.only_complete and self.bad_count:
            raise UserError(
                self.env._(
                    "%s rows are bad, and you chose to import nothing unless every row is good. "
                    "Correct them, or choose to import the good ones and check again.",
                    self.bad_count,
                )
            )
        self._start("queued", ("checked",))
        return True

    def _start(self, state, before):
        """Begin a pass over the file: here when it is small, else by the scheduled action."""
        self.ensure_one()
        self.check_access("write")
        if self.company_id not in self.env.companies.ajw_consent_controller_id:
            raise UserError(self.env._("Switch to the company %s first.", self.company_id.name))
        if self.state not in before:
            raise UserError(self.env._("This file is being worked on, or done already."))
        content = self.with_context(bin_size=False).file or b""
        size = len(content) * 3 // 4
        if not size:
            raise UserError(self.env._("Choose a file first."))
        if size > MAX_BYTES:
            raise UserError(
                self.env._(
                    "The file is larger than %s MB. Split it into several.", MAX_BYTES // 2**20
                )
            )
        run = self.sudo()  # sudo: the counts are nobody's to write
        run.write({"state": state, "position": 0, "remark": False, "user_id": self.env.uid})
        if content.startswith(base64.b64encode(b"PK\x03")):
            size *= PACKED
        if size <= INLINE_BYTES:
            run._work_through(run.user_id)
        else:
            self.env.ref("ajw_consent.ir_cron_import").sudo()._trigger()  # sudo: see above

    @api.autovacuum
    def _gc_lists(self):
        """Delete the lists that nobody imported, and all bad rows, :data:`KEEP` after a change.

        Personal data is kept no longer than it is needed (GDPR, Article 5(1)(e)).

        :return: how many rows were worked on and how many remain, see ``ir.autovacuum``
        """
        domain = (
            Domain("write_date", "<", fields.Datetime.now() - KEEP)
            & Domain("state", "in", ("draft", "checked", "done"))
            & (
                Domain("file", "!=", False)
                | Domain("bad_rows", "!=", False)
                | Domain("problem_ids", "!=", False)
            )
        )
        rows = self.sudo().search(domain, limit=GC_BATCH, order="id")  # sudo: of all companies
        rows._delete_problems()
        for row in rows:
            values = {"file": False, "bad_rows": False, "state": row.state}
            if row.state != "done":
                remark = self.env._(
                    "The list was deleted after %s days: choose it again.", KEEP.days
                )
                values |= {"state": "draft", "remark": remark}
            row.write(values)
        return len(rows), self.sudo().search_count(domain, limit=GC_BATCH)

    def action_open_problems(self):
        """Open the list of bad rows."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Bad Rows"),
            "res_model": "ajw.consent.import.problem",
            "view_mode": "list",
            "domain": [("import_id", "=", self.id)],
        }
