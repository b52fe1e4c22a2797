from odoo import fields, models
from odoo.exceptions import UserError


class AjwPrivacyErasure(models.Model):
    """Checks again at every turn, who was erased goes into the register, and doing it again."""

    _inherit = "ajw.privacy.erasure"

    _ajw_personal_data = {
        "anchors": {"erase": "none", "reason": "keyed digests; say nothing without the key"},
        "replay_of": {"erase": "none", "reason": "random; stands for nobody"},
        "replay_certificate": {"erase": "none", "reason": "a hash; names nobody"},
    }

    finding_ids = fields.One2many(
        "ajw.privacy.erasure.finding", "erasure_id", "Findings",
        help="What stands against it or has to be known; read it before you approve.",
    )  # fmt: skip
    open_finding_count = fields.Integer("Findings to settle", compute="_compute_open_finding_count")
    anchors = fields.Json(
        readonly=True, copy=False,
        help="Keyed digests of the contact's row, for the register.",
    )  # fmt: skip
    replay_of = fields.Char(
        "Repeats", readonly=True, copy=False,
        help="Pseudonym of the erasure that is done again after a backup was restored.",
    )  # fmt: skip
    replay_certificate = fields.Char(
        "Certificate repeated", readonly=True, copy=False,
        help="Hash of the certificate of the erasure that is done again.",
    )  # fmt: skip

    def _compute_open_finding_count(self):
        counts = {}
        for finding in self.finding_ids:
            counts[finding.erasure_id] = counts.get(finding.erasure_id, 0) + finding.is_open
        for erasure in self:
            erasure.open_finding_count = counts.get(erasure, 0)

    # -- findings --------------------------------------------------------------------------------

    def action_check(self):
        """Look again at what stands against the erasure."""
        self._check_officer("draft", "planned", "failed")
        for erasure in self:
            erasure._refresh_findings()
        return True

    def _refresh_findings(self):
        """Store what stands against it now.

        :return: list of sentences: what it has to wait for
        """
        self.ensure_one()
        self.env["ajw.privacy.erasure.finding"]._refresh(self, self._obstacles())
        # what was approved once is not asked about again
        waiting = self.finding_ids.filtered(
            lambda finding: finding.is_open and not (self.replay_of and finding.level == "confirm")
        )
        return waiting.mapped("text")

    def _check_findings(self):
        """Refuse to go on while something is unsettled and nobody said why.

        :raises UserError: with all of it, and what to do
        """
        self.ensure_one()
        if problems := self._refresh_findings():
            raise UserError(
                self.env._(
                    "Before it can be approved, each of these has to be settled, or needs a reason "
                    "under “Findings” (press “Check Again” to see what came since):\n\n%s",
                    "\n".join(f"– {problem}" for problem in problems),
                )
            )

    def _step_planning(self, known):
        # EXTENDS this addon
        rows = super()._step_planning(known)
        if self.state == "planned":
            self._refresh_findings()
        return rows

    # -- at the moment of erasing ----------------------------------------------------------------

    def _step_begin(self, known):
        # EXTENDS this addon: between approval and erasing somebody may have ordered, or sued
        if problems := self._refresh_findings():
            self._fail(
                self.env._(
                    "Since it was approved something came that stands against it. Settle it or "
                    "give a reason, then resume. %s",
                    " ".join(problems),
                )
            )
            return 0
        # taken now: external ids are among what goes
        self._step(anchors=self.env["ajw.privacy.register"]._anchors(self.partner_id))
        return super()._step_begin(known)

    def _step_erasing(self, known):
        # EXTENDS this addon: a hold that was set meanwhile stops it at the next batch
        if holds := self._holds_on(self._people(known)["res.partner"]):
            self._fail(self._stopped_sentence(self._held_sentence(holds)))
            return 0
        mark = self.env["ajw.privacy.hold"]._mark()
        if known.get("held_mark") != mark:  # the rows are looked through once, and as holds come
            if held := self._row_holds({}):
                self._fail(self._stopped_sentence(self._rows_sentence(held)))
                return 0
            known["held_mark"] = mark
        return super()._step_erasing(known)

    def _rows_sentence(self, held):
        return " ".join(self._held_rows_sentence(hold, counts) for hold, counts in held.items())

    def _stopped_sentence(self, sentence):
        return self.env._(
            "%s Nothing more is erased while it is in force: what is left stays as it is. Resume "
            "when it has ended.",
            sentence,
        )

    def action_resume(self):
        # EXTENDS this addon
        self._check_officer("failed", "kept")
        for erasure in self.filtered("started_at"):
            if holds := erasure._holds_on(erasure._hits("res.partner")):
                raise UserError(erasure._stopped_sentence(erasure._held_sentence(holds)))
            if held := erasure._row_holds({}):
                raise UserError(erasure._stopped_sentence(erasure._rows_sentence(held)))
        return super().action_resume()

    # -- the register ----------------------------------------------------------------------------

    def _end(self):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this addon: what it looked for is forgotten by the end
        digests = self.env["ajw.privacy.register"]._digests(self)
        super()._end()
        if self.state in ("kept", "done"):
            self.env["ajw.privacy.register"]._enter(self, digests)

    def _forget(self, but_kept=False):  # pylint: disable=missing-return  # it returns nothing
        # EXTENDS this addon: whose orders and contacts they were is forgotten with the hits
        super()._forget(but_kept)
        for finding in self.finding_ids:
            finding._let_go()

    def _approve_replay(self, entry):
        """The plan of a repetition stands: it was approved when it was done the first time.

        :param dict entry: what the register says of the first time
        """
        self.ensure_one()
        approver = self.env["res.users"].browse(entry["approved_by"]).exists()
        self._step(
            state="approved",
            # nobody approves what they asked for: the command asked for it
            approved_by_id=approver.id if approver != self.requested_by_id else False,
            # when it took effect here; the first time is in the note and on the first certificate
            approved_at=self._now(),
            plan_digest=self._plan_digest(),
        )
