import base64
import logging
import random
import time
import traceback
from itertools import islice

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import config

from ..importing import ColumnError, FileError, map_columns, read_table

_logger = logging.getLogger(__name__)

#: Rows between two looks at the progress.
BATCH = 1000
#: How often a batch is tried again that collides with somebody else's work.
TRIES = 5
#: Share of the time that Odoo leaves a scheduled action before it is killed.
SHARE = 0.6


class _NotComplete(Exception):
    """A row is bad, and nothing was to be recorded unless all are good."""


class _NoTime(Exception):
    """The time is up; ``position`` says how far it came."""


class AjwConsentImport(models.Model):
    """Working through a file, to check it or to record it.

    Both go on where they stopped: position, counts, bad rows and consents of a batch are written
    together. Where nothing is to be recorded unless all is good, all is one transaction.
    """

    _inherit = "ajw.consent.import"

    @api.model
    def _cron_run(self):
        """Work through what waits. The body of a scheduled action."""
        cron, until = self.env["ir.cron"], self._time_limit()
        domain = [("state", "in", ("checking", "queued"))]
        if until and time.monotonic() > until:
            # This job has called before. Without what remains, Odoo takes it for done and waits
            # for the next hour.
            cron._commit_progress(remaining=self.search_count(domain))
            return
        time_left = cron._commit_progress(remaining=self.search_count(domain))
        tries = 0
        while time_left > 0:
            run = self.search(domain, order="id", limit=1).try_lock_for_update()
            if not run:
                return
            try:
                time_left = run._work_through_apart(until)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                tries += 1
                if tries > TRIES:
                    raise
                # Somebody answered at this moment; what was recorded so far stays.
                time.sleep(random.uniform(0.1, 0.2 * tries))  # noqa: S311 - no secret

    @api.model
    def _time_limit(self):
        """Return the monotonic time at which a scheduled action should stop; ``None``: never."""
        limit = config["limit_time_real_cron"]
        limit = config["limit_time_real"] if limit < 0 else limit
        begun = self.env.context.get("cron_end_time", time.monotonic())
        return begun + SHARE * limit if limit else None

    def _work_through_apart(self, until=None):
        """Work through one import; what goes wrong is said on it and holds up no other."""
        cron = self.env["ir.cron"]
        user = self.user_id or self.create_uid
        try:
            if not user.active:
                raise AccessError(self.env._("This user has left."))
            self._work_through(user, cron, until)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except _NoTime:
            cron._commit_progress(1, remaining=1)  # it goes on in the next job
            return 0
        except AccessError:
            self.env.cr.rollback()
            self._stop(
                self.env._(
                    "%(user)s may not import for %(company)s any more. Somebody else has to start "
                    "it.",
                    user=user.name,
                    company=self.company_id.name,
                )
            )
        except Exception as error:  # noqa: BLE001 - said on the import
            self.env.cr.rollback()
            # Where and what, without the text: it can quote a row.
            frames = traceback.extract_tb(error.__traceback__)
            where = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
            _logger.error(
                "Consent import %s failed: %s at %s", self.id, type(error).__name__, where
            )
            self._stop(
                self.env._(
                    "It stopped because of an error. Your administrator finds why in the log."
                )
            )
        return cron._commit_progress(1)

    def _stop(self, message):
        """Set the import back, and say why and what was recorded before."""
        if self.recorded_count:
            message = "\n".join(
                (
                    message,
                    self.env._(
                        "%s consents were recorded before; they stay and are not recorded again.",
                        self.recorded_count,
                    ),
                )
            )
        self.write({"state": "draft", "remark": message, "position": 0})

    def _work_through(self, user, cron=None, until=None):
        """Make one pass over the file.

        :param user: res.users whose contacts and name count
        :param cron: ``ir.cron`` that progress is committed with; ``None``: in one transaction
        :param float until: monotonic time at which to stop; ``None``: whenever it is done
        :raises _NoTime: it goes on another time
        """
        run = self.with_user(user).with_company(self.company_id)
        run = run.with_context(
            allowed_company_ids=[
                company.id
                for company in user.company_ids
                if company.ajw_consent_controller_id == self.company_id
            ],
            lang=user.lang,
        )
        run.check_access("write")  # the user may have lost the right since
        try:
            if self.state == "queued" and self.only_complete:
                with self.env.cr.savepoint():
                    self._pass(run, None, until)
                    if self.bad_count:
                        raise _NotComplete
            else:
                self._pass(run, cron, until)
        except _NotComplete:
            # What was good when it was checked is not any more: check again, and show what.
            self.env.invalidate_all()
            self.write({"state": "checking", "position": 0})
            self._work_through(user, cron, until)
        except _NoTime:
            if self.state == "checking" or not self.only_complete:
                raise
            self.env.invalidate_all()
            self._stop(
                run.env._(
                    "The file is too large to be imported in one go, which “nothing unless every "
                    "row is good” asks for. Nothing was recorded. Split it, or choose to import "
                    "the good rows."
                )
            )
        except (FileError, ColumnError) as error:
            self._stop(run._file_problem(error))

    def _read_table(self):
        return read_table(
            base64.b64decode(self.with_context(bin_size=False).file or b""), self.encoding
        )

    def _pass(self, run, cron, until):
        """Read the file from its position on, and write down or record what it says."""
        recording = self.state == "queued"
        table = self._read_table()
        lines = iter(table)
        header = next(lines).cells
        columns, unknown = map_columns(header)
        if not recording and not self.position:
            self._forget_problems()
            self.row_count = table.estimate
        seen, position = {}, self.position
        for start in range(0, position, BATCH):
            # Worked through before a restart; what stands there twice is still known.
            batch = list(islice(lines, min(BATCH, position - start)))
            run._read_rows(columns, batch, seen)
        while batch := list(islice(lines, BATCH)):
            if until and time.monotonic() > until:
                raise _NoTime
            position += len(batch)
            good, bad = run._check_rows(columns, batch, seen)
            new = self._list_problems(bad)
            values = {"position": position, "bad_count": self.bad_count + new}
            if recording:
                recorded = run._record_rows([row for row in good if not row.known])
                values["recorded_count"] = self.recorded_count + recorded
            else:
                known = sum(row.known for row in good)
                values["known_count"] = self.known_count + known
                values["good_count"] = self.good_count + len(good) - known
            self.write(values)
            if cron is not None:  # a model holds no record and is false
                cron._commit_progress()
            else:
                self.env.invalidate_all()  # so that memory holds one batch
        if not position:
            raise FileError("no_rows")
        self._finish(run, recording, unknown, table)

    def _finish(self, run, recording, unknown, table):
        """Write down what is known once all rows were read."""
        # From what is stored: an import goes on after an interruption.
        checked_bad = self.row_count - self.good_count - self.known_count
        unlisted = self.bad_count - checked_bad if recording else 0
        remarks = []
        values = {"state": "done" if recording else "checked"}
        if not recording:
            values |= {"row_count": self.position, "position": 0}
            if unknown:
                remarks.append(run.env._("Columns that are not used: %s", ", ".join(unknown)[:200]))
            if table.left_out:
                remarks.append(
                    run.env._(
                        "Only the first sheet is read, not: %s", ", ".join(table.left_out)[:200]
                    )
                )
        elif unlisted:
            remarks.append(
                run.env._(
                    "%s rows became bad after the check and were not imported: see the bad rows.",
                    unlisted,
                )
            )
        if unlisted or not recording:
            self._write_bad_rows(run, self._read_table())
        if recording:
            # The evidence has what matters; nobody needs the list any more.
            values["file"] = False
        self.write(values | {"remark": "\n".join(remarks) or False})
