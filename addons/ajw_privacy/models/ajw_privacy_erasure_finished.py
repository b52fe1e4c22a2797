from odoo import models
from odoo.tools import SQL

from ..engine import scan
from ..engine.matcher import MARK


class AjwPrivacyErasure(models.Model):
    """When what was due is erased: look whether it is, certify it, and tell the request."""

    _inherit = "ajw.privacy.erasure"

    def _end_finishing(self, survey, known):
        """Look whether what was due is gone, and issue the next certificate."""
        waiting, _stuck = self._count_on_disk()
        if waiting:
            return  # what is to go from the disk goes between two steps
        [[failed]] = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM ajw_privacy_kept WHERE erasure_id = %s AND state = 'failed'",
                self.id,
            )
        )
        if failed:
            self._fail(
                self.env._(
                    "%(count)s rows whose time is over could not be erased: %(error)s. Mend the "
                    "cause, then resume.",
                    count=failed,
                    error=self.error or "",
                )
            )
            return
        self._books_after()
        self._describe_kept()
        self._step(phase=False, residue=self._look_after(survey))
        self._end()

    def _look_after(self, survey):
        """Whether the rows that were due hold nothing any more: the certificate's scan."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT model_name, COALESCE(field_name, ''), ownership "
                "FROM ajw_privacy_kept WHERE erasure_id = %s AND state = 'done'",
                self.id,
            )
        )
        places = []
        for model_name, field_name, ownership in rows:
            field = survey[model_name].fields.get(field_name) if model_name in survey else None
            if model_name not in survey or (field_name and field is None):
                continue
            count = self._count_left(survey[model_name].table, model_name, field, int(ownership))
            if count:
                kind = field.type if field is not None else "file"
                places.append([survey[model_name].table, field_name or "id", kind, count, []])
        return scan.nothing_found() | {
            "tables": len({row[0] for row in rows}),
            "columns": len({row[:2] for row in rows}),
            "places": places,
        }

    def _count_left(self, table, model_name, field, ownership):
        """How many rows of a place still hold what was due."""
        action = self._ending_action(field, ownership)
        if action is None:
            return 0
        mine = SQL(
            "k.erasure_id = %s AND k.model_name = %s AND k.field_name IS NOT DISTINCT FROM %s "
            "AND k.state = 'done'",
            self.id, model_name, field.name if field is not None else None,
        )  # fmt: skip
        if action in ("delete", "file"):
            left = SQL(
                "SELECT count(*) FROM ajw_privacy_kept k JOIN ir_attachment a ON a.id = k.file_id "
                "WHERE %s",
                mine,
            )
        else:
            name = SQL.identifier("t", field.name)
            is_left = {
                "redact": SQL("position(%s IN %s::text) = 0", MARK, name),
                "pseudonymise": SQL("%s <> %s", name, self._pseudonym(field)),
            }.get(action) or SQL("%s::text <> %s", name, MARK)
            left = SQL(
                "SELECT count(*) FROM ajw_privacy_kept k JOIN %s t ON t.id = k.res_id "
                "WHERE %s AND %s IS NOT NULL AND %s",
                SQL.identifier(table), mine, name, is_left,
            )  # fmt: skip
        [[count]] = self.env.execute_query(left)
        return count

    def _drop_finished(self):
        """Rows that are gone need no more numbers."""
        self.env.cr.execute(
            SQL("DELETE FROM ajw_privacy_kept WHERE erasure_id = %s AND state = 'done'", self.id)
        )
        self.env.invalidate_all()

    def _tell_request(self):
        """Say on the request what became of the erasure, without saying of whom."""
        # sudo: the erasure answers for it, whoever may write requests
        request = self.request_id.sudo()
        if not request:
            return
        number = self.certificate_ids.sorted("number")[-1:].number
        if self.state == "done":
            text = self.env._(
                "%(erasure)s is complete: nothing is kept any more. Certificate %(number)s.",
                erasure=self.name,
                number=number,
            )
        else:
            text = self.env._(
                "%(erasure)s: what may go is erased. What a law keeps goes by itself when its time "
                "is over. Certificate %(number)s.",
                erasure=self.name,
                number=number,
            )
        request.message_post(body=text, subtype_xmlid="mail.mt_note")
