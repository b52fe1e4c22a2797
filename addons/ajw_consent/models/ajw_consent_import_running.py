import base64
import logging
import traceback
from itertools import islice

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..importing import MAX_ROWS, ColumnError, FileError, bad_rows_csv, map_columns, read_table
from ..tools.bulk import copy_rows
from .ajw_consent_event_writing import Entry

_logger = logging.getLogger(__name__)

BATCH = 2000
#: Bad rows that are listed on the page and in the file; more than that is a wrong file.
MAX_LISTED = 100_000


class _NotComplete(Exception):
    """A row is bad, and nothing was to be recorded unless all are good."""


class AjwConsentImport(models.Model):
    """Working through a file, to check it or to record it.

    Recording goes on where it stopped: position and consents are written together.
    """

    _inherit = "ajw.consent.import"

    @api.model
    def _cron_run(self):
        """Work through what waits. The body of a scheduled action."""
        cron = self.env["ir.cron"]
        domain = [("state", "in", ("checking", "queued"))]
        time_left = cron._commit_progress(remaining=self.search_count(domain))
        while time_left > 0:
            run = self.search(domain, order="id", limit=1).try_lock_for_update()
            if not run:
                return
            time_left = run._work_through_apart()

    def _work_through_apart(self):
        """Work through one import; what goes wrong is said on it and holds up no other."""
        cron = self.env["ir.cron"]
        try:
            user = self.user_id or self.create_uid
            if not user.active:
                raise AccessError(self.env._("%s left; somebody else has to start it.", user.name))
            self._work_through(user, cron)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:  # noqa: BLE001 - said on the import
            self.env.cr.rollback()
            # Where and what, without the text: it can quote a row.
            frames = traceback.extract_tb(error.__traceback__)
            where = " > ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
            _logger.error(
                "Consent import %s failed: %s at %s", self.id, type(error).__name__, where
            )
            self.write(
                {
                    "state": "draft",
                    "remark": self.env._(
                        "It stopped because of an error; what was recorded so far stays and is not "
                        "recorded again. Your administrator finds why in the log."
                    ),
                }
            )
        return cron._commit_progress(1)

    def _work_through(self, user, cron=None):
        """Make one pass over the file.

        :param user: res.users whose contacts and name count
        :param cron: ``ir.cron`` that progress is committed with; ``None``: in one transaction
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
        recording = self.state == "queued"
        try:
            if recording and self.only_complete:
                with self.env.cr.savepoint():
                    bad = self._pass(run, recording, None)
                    if bad:
                        raise _NotComplete
            else:
                bad = self._pass(run, recording, cron)
        except _NotComplete:
            # What was good when it was checked is not any more: check again, and show what.
            self.env.invalidate_all()
            self.write({"state": "checking", "position": 0})
            return self._work_through(user, cron)
        except (FileError, ColumnError) as error:
            message = self._file_problem(error)
            if recording and self.recorded_count:
                message = "\n".join((message, run.env._("What came before it was recorded.")))
            self.write({"state": "draft", "remark": message, "position": 0})
            return None
        if recording:
            # The evidence has what matters; nobody needs the list any more.
            self.write({"state": "done", "file": False, "position": self.row_count})
        else:
            self.write({"state": "checked", "position": 0})
        return None

    def _pass(self, run, recording, cron):
        """Read the file from its position on; return the number of bad rows of this pass."""
        content = base64.b64decode(self.with_context(bin_size=False).file or b"")
        table = read_table(content)
        _number, header = next(table)
        columns, unknown = map_columns(header)
        if not recording:
            self._forget()
        seen, listed, counts = {}, [], {"good": 0, "known": 0, "bad": 0, "rows": 0}
        position = self.position if recording else 0
        while batch := list(islice(table, BATCH)):
            counts["rows"] += len(batch)
            if recording and counts["rows"] <= position:
                # Recorded before a restart; what stands there twice is still known.
                run._check_rows(columns, batch, seen)
                continue
            good, bad = run._check_rows(columns, batch, seen)
            counts["known"] += sum(row.known for row in good)
            counts["good"] += sum(not row.known for row in good)
            counts["bad"] += len(bad)
            if recording:
                recorded = run._record_rows([row for row in good if not row.known])
                self.write(
                    {
                        "position": counts["rows"],
                        "recorded_count": self.recorded_count + recorded,
                    }
                )
                if cron:
                    cron._commit_progress()
            else:
                listed += sorted(bad)[: MAX_LISTED - len(listed)]
        if not recording:
            self._note(run, header, unknown, counts, listed)
        return counts["bad"]

    def _forget(self):
        self.problem_ids.unlink()
        self.write({"bad_rows": False, "recorded_count": 0})

    def _note(self, run, header, unknown, counts, listed):
        """Write down what checking found."""
        problems = self.env["ajw.consent.import.problem"]
        copy_rows(
            self.env.cr,
            problems._table,
            ("import_id", "row", "reason"),
            ((self.id, number, reason) for number, reason, _cells in listed),
        )
        problems.invalidate_model(flush=False)
        self.invalidate_recordset(["problem_ids"], flush=False)
        remarks = []
        if unknown:
            remarks.append(run.env._("Columns that are not used: %s", ", ".join(unknown)[:200]))
        if counts["bad"] > len(listed):
            remarks.append(run.env._("Only the first %s bad rows are listed.", len(listed)))
        self.write(
            {
                "row_count": counts["rows"],
                "good_count": counts["good"],
                "known_count": counts["known"],
                "bad_count": counts["bad"],
                "bad_rows": base64.b64encode(bad_rows_csv(header, listed)) if listed else False,
                "remark": "\n".join(remarks) or False,
            }
        )

    def _record_rows(self, rows):
        """Write rows to the ledger; return how many consents that were."""
        if not rows:
            return 0
        partners = self.env["res.partner"].union(*(row.partner for row in rows))
        subjects = self.env["ajw.consent.subject"]._find_or_create(self.company_id, partners)
        entries = []
        for row in rows:
            evidence = {"name": row.partner.name or "", "note": row.note}
            if row.guardian:
                evidence["guardian"] = row.guardian
            subject = subjects[row.partner.id][:1]
            for purpose in row.purposes:
                entries.append(
                    Entry(
                        *(subject.id, purpose, row.channel, row.address, "given", "import"),
                        *(row.notice, evidence, row.occurred_at),
                        "guardian" if row.guardian else "self",
                    )
                )
        self.env["ajw.consent.event"]._append_entries(entries)
        self._record_origins(rows)
        return len(entries)

    def _record_origins(self, rows):
        """Note where contacts came from, as far as the file says and it is not known yet."""
        by_origin = {}
        for row in rows:
            if row.origin:
                by_origin.setdefault(row.origin, self.env["res.partner"])
                by_origin[row.origin] |= row.partner
        for origin, partners in by_origin.items():
            self.env["ajw.consent.origin"]._record_origin(
                partners,
                origin,
                detail=self.env._("Said by an imported list: %s", self.file_name),
                controller=self.company_id,
                only_missing=True,
            )

    def _file_problem(self, error):
        """Return the sentence that says what is wrong with the file and what to do."""
        if isinstance(error, ColumnError):
            if error.code == "twice":
                return self.env._("Two columns mean the same; remove one: %s", error.column)
            return self.env._(
                "No column says who a row is about. Name one “External ID”, “Database ID”, "
                "“Email” or “Number” in the first row."
            )
        line = error.line or ""
        return {
            "empty": self.env._("The file is empty."),
            "too_large": self.env._("The file is too large. Split it into several."),
            "too_many_rows": self.env._(
                "The file has more than %s rows. Split it into several.", MAX_ROWS
            ),
            "encoding": self.env._(
                "Line %s is not written in UTF-8. Save the file as “CSV UTF-8”, or as XLSX.", line
            ),
            "no_table": self.env._(
                "This is no table (line %s). Save the file as “CSV UTF-8”, or as XLSX.", line
            ),
            "malformed": self.env._(
                "The file cannot be read %s. Save it again as “CSV UTF-8”, or as XLSX.",
                f"({line})" if line else "",
            ),
        }[error.code]
