import logging
import time

import psycopg2
from psycopg2 import errorcodes

from odoo import fields, models
from odoo.exceptions import UserError

from ..engine import columns

_logger = logging.getLogger(__name__)

#: Seconds a step may take before what it did is committed.
STEP_SECONDS = 2.0
MAX_TRIES = 3
#: Somebody else changed the row at the same moment: the whole transaction is done again.
AGAIN = {
    errorcodes.SERIALIZATION_FAILURE, errorcodes.DEADLOCK_DETECTED, errorcodes.LOCK_NOT_AVAILABLE,
}  # fmt: skip

#: An object cannot arrive by RPC: only code of this addon can take a step.
STEP = object()


class AjwPrivacyStepwise(models.AbstractModel):
    """What is worked off in steps, one a transaction, so that a killed run goes on where it was.

    Models that inherit it have ``state`` and ``error``.
    """

    _name = "ajw.privacy.stepwise"
    _description = "Worked off in steps"

    #: States in which there is something to do.
    _running_states: tuple[str, ...] = ()

    def _next_step(self):
        """The method that takes the next step, with the caller's ``known``.

        :return: callable(dict) → number of rows treated
        """
        raise NotImplementedError

    def _steps(self, known):
        """Take step after step while there is something to do; who asks commits each.

        :param dict known: what does not change from step to step is worked out once
        :return: yields the number of rows treated
        """
        tries = 0
        while self._is_running():
            try:
                rows = self._advance(known)
            except psycopg2.OperationalError as error:
                tries += 1
                if error.pgcode not in AGAIN or tries > MAX_TRIES:
                    raise
                # somebody else was quicker: the step is taken again, from what they left
                self.env.cr.rollback()
                self.env.invalidate_all()
                known.clear()
                continue
            tries = 0
            yield rows

    def _is_running(self):
        """Whether there is something to do, and nobody else does it just now."""
        return bool(self.try_lock_for_update()) and self.state in self._running_states

    def _advance(self, known):
        """Take the next step; what it does and how far it got are one transaction.

        :param dict known: kept by the caller from step to step
        :return: number of rows treated
        """
        self.ensure_one()
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                return self._next_step()(known)
        except psycopg2.Error as error:
            if error.pgcode in AGAIN:
                raise
            self._fail(columns.describe_error(error))
        except UserError as error:
            # our own sentences, on keys and rights: they name nobody
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - one failing run must not stop the others
            _logger.exception("%s failed", self)
            self._fail(columns.describe_error(error))
        return 0

    def _fail(self, error):
        self.env.invalidate_all()
        _logger.warning("%s stopped: %s", self, error)
        self._step(state="failed", error=error)

    def _step(self, **values):
        """Write what only a step may write."""
        self.with_context(ajw_step=STEP).write(values)

    def _until(self):
        """When the step should end (monotonic seconds)."""
        return time.monotonic() + STEP_SECONDS

    def _now(self):
        """The moment, in whole seconds as a certificate has them."""
        return fields.Datetime.now().replace(microsecond=0)
