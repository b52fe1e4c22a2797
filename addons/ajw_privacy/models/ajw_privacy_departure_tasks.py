import time

from odoo import models

from ..engine import departure

#: Ids a window: one statement, whatever the number of rows of a table.
WINDOW = 100_000


class AjwPrivacyDeparture(models.Model):
    """Statements taken window by window, so that a step ends in time and goes on where it was."""

    _inherit = "ajw.privacy.departure"

    def _run(self, statement):
        """Execute a statement of the engine.

        :return: number of rows
        """
        self.env.cr.execute(statement, log_exceptions=False)
        return self.env.cr.rowcount

    def _work_off(self, tasks, known):
        """Go on with the tasks of a phase where the cursor is, until the step should end.

        Each can be repeated: where the one that was under way is gone, because an app was updated
        meanwhile, all begin again.

        :param tasks: list of engine.departure.Task, in the same order each time
        :param dict known: kept by the caller from step to step
        :return: number of rows treated since the first of them, None while some are left
        """
        key, low, count = self._task_cursor()
        keys = [task.key for task in tasks]
        start = keys.index(key) if key in keys else 0
        until = self._until()
        for task in tasks[start:]:
            lowest, highest = self._bounds(task, known)
            at = low if task.key == key else lowest
            while at < highest:
                window = departure.Window(at, at + WINDOW, task.column)
                statement = task.statement(window)
                if statement is not None:
                    count += max(0, self._run(statement))
                at += WINDOW
                if time.monotonic() > until:
                    self._step(cursor=f"{task.key}|{at}|{count}")
                    return None
        return count

    def _task_cursor(self):
        """The task that was under way, up to which id it got, and how many rows there were."""
        parts = (self.cursor or "").split("|")
        if len(parts) != 3:
            return "", 0, 0
        return parts[0], int(parts[1]), int(parts[2])

    def _bounds(self, task, known):
        """The ids of a table: above the first, up to the second. Looked up once a run."""
        bounds = known.setdefault("bounds", {})
        key = task.table, task.column
        if key not in bounds:
            [[lowest, highest]] = self.env.execute_query(departure.bounds_statement(*key))
            bounds[key] = ((lowest or 1) - 1, highest or 0)
        return bounds[key]
