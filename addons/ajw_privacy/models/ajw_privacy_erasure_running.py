import logging
import time

import psycopg2
from psycopg2 import errorcodes

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..engine import columns
from .ajw_privacy_erasure import RUNNING

_logger = logging.getLogger(__name__)

#: Seconds a step may take before what it did is committed.
STEP_SECONDS = 2.0
MAX_TRIES = 3
#: Somebody else changed the row at the same moment: the whole transaction is done again.
_AGAIN = {
    errorcodes.SERIALIZATION_FAILURE, errorcodes.DEADLOCK_DETECTED, errorcodes.LOCK_NOT_AVAILABLE,
}  # fmt: skip


class AjwPrivacyErasure(models.Model):
    """The scheduled action: one step a transaction, so that a killed run goes on where it was."""

    _inherit = "ajw.privacy.erasure"

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

    def _steps(self, known):
        """Take step after step while there is something to do; who asks commits each.

        :param dict known: what does not change from step to step is worked out once
        :return: yields the number of rows changed
        """
        tries = 0
        while self._is_running():
            try:
                rows = self._advance(known)
            except psycopg2.OperationalError as error:
                tries += 1
                if error.pgcode not in _AGAIN or tries > MAX_TRIES:
                    raise
                # somebody else was quicker: the step is taken again, from what they left
                self.env.cr.rollback()
                self.env.invalidate_all()
                continue
            tries = 0
            yield rows

    def _is_running(self):
        """Whether there is something to do, and nobody else does it just now."""
        return bool(self.try_lock_for_update()) and self.state in RUNNING

    def _advance(self, known):
        """Take the next step; what it does and how far it got are one transaction.

        :param dict known: kept by the caller from step to step
        :return: number of rows changed
        """
        self.ensure_one()
        step = {
            "planning": self._step_planning,
            "approved": self._step_begin,
            "erasing": self._step_erasing,
            "scanning": self._step_scanning,
            "finishing": self._step_finishing,
        }[self.state]
        try:
            with self.env.cr.savepoint():
                return step(known)
        except psycopg2.Error as error:
            if error.pgcode in _AGAIN:
                raise
            self._fail(columns.describe_error(error))
        except UserError as error:
            # our own sentences, on keys and rights: they name nobody
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - one failing erasure must not stop the others
            _logger.exception("Erasure %s failed", self.id)
            self._fail(columns.describe_error(error))
        return 0

    def _fail(self, error):
        self.env.invalidate_all()
        _logger.warning("Erasure %s stopped: %s", self.id, error)
        self._step(state="failed", error=error)

    def _until(self):
        """When the step should end (monotonic seconds)."""
        return time.monotonic() + STEP_SECONDS

    def _now(self):
        """The moment, in whole seconds as a certificate has them."""
        return fields.Datetime.now().replace(microsecond=0)

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
