import psycopg2

from odoo import models
from odoo.tools import mute_logger

from ..engine import tables as engine
from ..engine.columns import describe_error
from ..engine.graph import TEXT
from ..engine.matcher import Matcher
from .ajw_privacy_erasure_erasing import AGAIN


class AjwPrivacyErasure(models.Model):
    """Tables that no model knows: what names the person there is redacted like any text."""

    _inherit = "ajw.privacy.erasure"

    def _modelless(self, known):
        """Tables without a model: name → columns that can hold a text.

        :param dict known: kept by the caller from step to step
        """
        if "modelless" not in known:
            models_ = {each.table for each in self._survey(known).values()}
            known["modelless"] = engine.modelless(known["tables"], models_)
        return known["modelless"]

    def _walk_table(self, table, columns, known):
        """Note as places which columns of a table name the person."""
        strong, _everything = self._wanted(known)
        if not strong:
            return
        [counts] = self.env.execute_query(engine.count_statement(table, columns, strong))
        self._add_places(
            [
                {
                    "erasure_id": self.id,
                    "app": False,
                    "model_name": table,
                    "field_name": column.name,
                    "ownership": str(TEXT),
                    "action": "redact",
                    "row_count": count,
                    "reason": self.env._("A table that no app knows."),
                    "state": "open",
                }
                for column, count in zip(columns, counts, strict=True)
                if count
            ]
        )

    def _treat_table(self, place, known):
        """Redact the next blocks of a table without a model.

        :return: number of rows changed
        """
        columns = self._modelless(known).get(place.model_name, ())
        column = next((each for each in columns if each.name == place.field_name), None)
        if column is None:
            place.write({"state": "none", "error": self.env._("The column is gone.")})
            return 0
        strong, _everything = self._wanted(known)
        if "matcher of tables" not in known:
            mine = [each for each in known["identifiers"] if each.is_strong]
            known["matcher of tables"] = Matcher(mine, weak=False)
        try:
            with self.env.cr.savepoint(flush=False), mute_logger("odoo.sql_db"):
                rows = self.env.execute_query(engine.next_statement(column, strong, place.last_id))
        except psycopg2.Error as error:
            if error.pgcode in AGAIN:
                raise
            # a table of another owner, or one that is computed from others
            place.write(
                {"state": "done", "failed_count": place.row_count,
                 "error": describe_error(error)}
            )  # fmt: skip
            return 0
        changed = engine.redact_rows(column, rows, known["matcher of tables"])

        def work(places):
            with self.env.cr.savepoint(flush=False):
                return sum(
                    self._do_sql(engine.update_statement(column, each, changed[each]))
                    for each in places
                )

        result = self._in_halves(list(changed), work)
        [[blocks]] = self.env.execute_query(engine.blocks_statement(place.model_name))
        self._note_result(place, result, place.last_id + engine.BLOCKS, blocks)
        return result.done

    def _note_result(self, place, result, block, blocks):
        # a place in a table says nothing tomorrow: rows are counted, not named
        failed = len(result.failures) + len(result.untried)
        values = {"done_count": place.done_count + result.done, "last_id": block}
        if failed:
            values["failed_count"] = place.failed_count + failed
            values["error"] = self._why(result)
        if block >= blocks or result.untried:
            values["state"] = "done"
        place.write(values)
