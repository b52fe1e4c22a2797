from odoo import api, models
from odoo.tools import SQL

from .ajw_privacy_erasure import RUNNING


class AjwPrivacyErasure(models.Model):
    """The scheduled action, and what a step asks the hit list."""

    _inherit = "ajw.privacy.erasure"
    _running_states = RUNNING

    def _next_step(self):
        # EXTENDS this addon
        return {
            "planning": self._step_planning,
            "approved": self._step_begin,
            "erasing": self._step_erasing,
            "scanning": self._step_scanning,
            "finishing": self._step_finishing,
        }[self.state]

    @api.model
    def _cron_work(self):
        """Go on with all erasures that are under way. Runs as superuser."""
        cron = self.env["ir.cron"]
        erasures = self.search([("state", "in", RUNNING)], order="id")
        remaining = len(erasures)
        seconds = cron._commit_progress(remaining=remaining)
        for erasure in self._with_spool():
            # what a crash left on the disk
            erasure._take_from_disk(cron._commit_progress)
        for erasure in erasures:
            if seconds <= 0:
                return
            for rows in erasure._steps({}):
                if erasure.state not in RUNNING:
                    remaining -= 1
                seconds = cron._commit_progress(rows, remaining=remaining)
                erasure._take_from_disk(cron._commit_progress)
                if seconds <= 0:
                    return

    def _after(self, names, cursor):
        """Those of some names, sorted, that come after the cursor."""
        return [name for name in names if not cursor or name > cursor]

    def _hits(self, model_name):
        """Ids of the records of a model on the hit list that are the person's own."""
        return tuple(
            i
            for [i] in self.env.execute_query(
                SQL(
                    "SELECT res_id FROM ajw_privacy_erasure_row WHERE erasure_id = %s "
                    "AND model_name = %s AND ownership = 3 ORDER BY res_id",
                    self.id,
                    model_name,
                )
            )
        )

    def _forget(self, but_kept=False):
        """Let go of what was found and of what was looked for; the plan and its counts stay.

        :param but_kept: whether it is still known by their numbers which rows a law keeps
        """
        self.ensure_one()
        if not but_kept:
            self._drop_kept()
        # SQL: the hit list has no records anybody works with
        self.env.cr.execute(
            SQL("DELETE FROM ajw_privacy_erasure_row WHERE erasure_id = %s", self.id)
        )
        # sudo: nobody has rights on identifiers
        self.env["ajw.privacy.erasure.identifier"].sudo().search(
            [("erasure_id", "=", self.id)]
        ).unlink()
