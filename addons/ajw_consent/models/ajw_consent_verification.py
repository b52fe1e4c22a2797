import json

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..ledger.seal import read_seal
from .ledger_guard import LEDGER_SENTINEL

STATES = [
    ("waiting", "Waiting"),
    ("running", "Running"),
    ("intact", "Intact"),
    ("broken", "Broken"),
    ("failed", "Not finished"),
]


class AjwConsentVerification(models.Model):
    """That the ledger of a controller was verified: when, by whom, against what, and the result.

    Written by the verification itself; the record stays.
    """

    _name = "ajw.consent.verification"
    _inherit = ["ajw.consent.ledger.guard", "mail.thread", "mail.activity.mixin"]
    _description = "Ledger Verification"
    _order = "id desc"

    _ajw_personal_data = {
        "user_id": {
            "category": "link",
            "erase": "none",
            "reason": "who verified, kept as proof",
        },
        "position": {"erase": "none", "reason": "how far a run has come; ids only"},
        "mailed_seals": {"erase": "none", "reason": "seals hold hashes; they name nobody"},
        "compared_with": {"erase": "none", "reason": "numbers and dates of seals; names nobody"},
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    user_id = fields.Many2one(
        "res.users", "By", readonly=True, help="Empty: by the scheduled action or command line."
    )
    kind = fields.Selection(
        [("verify", "Verification"), ("rebuild", "Rebuilding of the answers")],
        "What",
        required=True,
        readonly=True,
    )
    origin = fields.Selection(
        [("user", "A person"), ("cron", "Scheduled"), ("command", "Command line")],
        "Started By",
        required=True,
        readonly=True,
    )
    with_evidence = fields.Boolean(
        "Evidence Too",
        readonly=True,
        help="The names, numbers and scans that still exist were compared with the ledger too.",
    )
    state = fields.Selection(STATES, required=True, readonly=True, index=True)
    started_at = fields.Datetime("Started", readonly=True)
    finished_at = fields.Datetime("Finished", readonly=True)
    expected_events = fields.Integer(readonly=True)
    event_count = fields.Integer("Events", readonly=True)
    chain_count = fields.Integer(
        "Chains", readonly=True, help="One per person, purpose and channel."
    )
    evidence_count = fields.Integer("Evidence", readonly=True)
    seal_count = fields.Integer("Seals", readonly=True)
    unsealed_count = fields.Integer(
        "Not Sealed Yet", readonly=True, help="Events of today, which wait for the next seal."
    )
    answer_count = fields.Integer(
        "People Compared", readonly=True, help="Whose current answers were folded from the ledger."
    )
    problem_count = fields.Integer("Problems", readonly=True)
    mailed_seals = fields.Text(readonly=True, help="The mailed seals that were given back.")
    compared_with = fields.Text(readonly=True, help="The mailed seals that were given back.")
    progress = fields.Float(compute="_compute_progress")
    position = fields.Text(readonly=True, groups=fields.NO_ACCESS)
    failure = fields.Char("What Went Wrong", readonly=True)
    finding_ids = fields.One2many(
        "ajw.consent.verification.finding", "verification_id", "Findings", readonly=True
    )

    @api.depends("kind", "company_id", "started_at", "create_date")
    def _compute_display_name(self):
        for verification in self:
            when = verification.started_at or verification.create_date
            names = {
                "date": when and when.date() or "",
                "company": verification.company_id.name,
            }
            verification.display_name = (
                self.env._("Rebuilding of the answers of %(date)s, %(company)s", **names)
                if verification.kind == "rebuild"
                else self.env._("Verification of %(date)s, %(company)s", **names)
            )

    @api.depends("state", "event_count", "expected_events")
    def _compute_progress(self):
        for verification in self:
            if verification.state in ("waiting", "running"):
                share = verification.event_count / (verification.expected_events or 1)
                verification.progress = min(99, 100 * share)
            else:
                verification.progress = 100

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("A verification is written by itself and stays on record.")

    @api.model
    def _start(self, controller, origin, mailed=(), with_evidence=True, kind="verify"):
        """Note a verification that is to be run.

        :param controller: res.company
        :param str origin: ``user``, ``cron`` or ``command``
        :param str kind: ``verify``, or ``rebuild`` to correct the answers instead
        :param mailed: files (bytes) of mailed seals, of this controller
        :return: the record, with all rights
        :raises ValueError: a file is no seal, was changed, or is of another company
        """
        for data in mailed:
            if read_seal(data).content.controller != controller.id:
                raise ValueError(self.env._("This seal is of another company's ledger."))
        # sudo: results are written by the verification only; the caller checked who asks
        runs = self.sudo().with_context(ajw_ledger=LEDGER_SENTINEL)
        events = runs.env["ajw.consent.event"].search_count([("company_id", "=", controller.id)])
        run = runs.create(
            {
                "company_id": controller.id,
                "kind": kind,
                "origin": origin,
                "user_id": self.env.uid if origin == "user" else False,
                "with_evidence": with_evidence,
                "state": "waiting",
                "expected_events": events,
                "mailed_seals": json.dumps([data.decode() for data in mailed]) if mailed else False,
            }
        )
        return run.with_env(self.sudo().env)

    def _mailed(self):
        """Return the mailed seals (list of :class:`..ledger.seal.Seal`) that were given back."""
        return [read_seal(text.encode()) for text in json.loads(self.mailed_seals or "[]")]

    def action_rebuild(self):
        """Fold all answers of this controller from the ledger again.

        :raises AccessError: the user is no data protection officer
        """
        self.ensure_one()
        self._check_officer()
        return self._start(self.company_id, "user", kind="rebuild")._run_or_queue()

    def action_verify_again(self):
        """Open the form that verifies this controller's ledger.

        :raises AccessError: the user is no data protection officer
        """
        self.ensure_one()
        self._check_officer()
        return self.env["ajw.consent.verify"]._open(self.company_id)

    def _check_officer(self):
        """Let only an officer go on who may see these records.

        :raises AccessError: otherwise
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer verifies the ledger."))
        self.check_access("read")
