from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import classify
from ..engine.graph import KEPT
from .selections import OPEN_STATES


class AjwPrivacyErasure(models.Model):
    """What a legal hold keeps for somebody else's sake: it waits, and the hold is named."""

    _inherit = "ajw.privacy.erasure"

    def _set_aside_held(self, known):
        """Rows of others that a legal hold keeps wait until it ends, whoever else they name."""
        holds = self.env["ajw.privacy.hold"]._in_force(self.company_id)
        if not holds:
            return
        survey = self._survey(known)
        hit = self.env.execute_query(
            SQL(
                "SELECT model_name, array_agg(res_id) FROM ajw_privacy_erasure_row "
                "WHERE erasure_id = %s GROUP BY 1 ORDER BY 1",
                self.id,
            )
        )
        for hold in holds:
            keeps = hold._keeps()
            for model_name, ids in hit:
                if model_name not in survey or survey[model_name].is_passing:
                    continue
                if hold.kind != "person" and model_name in classify.PERSON_MODELS:
                    continue  # who they are: the hold stands against the erasure as a whole
                # sudo: what is held does not depend on who asks
                model = self.env[model_name].sudo().with_context(
                    active_test=False, skip_res_field_check=True
                )  # fmt: skip
                held = keeps(model)
                if not held.is_false():
                    rows = model.search(held & Domain("id", "in", ids))
                    self._note_held(hold, model_name, rows._ids)

    def _note_held(self, hold, model_name, ids):
        """Note rows that a legal hold keeps, and which one."""
        if not ids:
            return
        # SQL: rows are noted as they are found
        self.env.cr.execute(
            SQL(
                "INSERT INTO ajw_privacy_kept (erasure_id, company_id, model_name, ownership, "
                "res_id, file_id, duty, no_end, hold_id, state) "
                "SELECT erasure_id, %s, model_name, CASE WHEN ownership > 3 THEN '3' "
                "ELSE ownership::text END, res_id, 0, 'hold', 'proceedings', %s, 'kept' "
                "FROM ajw_privacy_erasure_row WHERE erasure_id = %s AND model_name = %s "
                "AND res_id IN %s ON CONFLICT DO NOTHING",
                self.company_id.id, hold.id, self.id, model_name, ids,
            )
        )  # fmt: skip
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_privacy_erasure_row SET ownership = %s WHERE erasure_id = %s "
                "AND model_name = %s AND res_id IN %s",
                KEPT, self.id, model_name, ids,
            )
        )  # fmt: skip

    def _take_up_held(self):
        """What was held is looked at again: rows are what they were before."""
        self.env.cr.execute(
            SQL(
                "UPDATE ajw_privacy_erasure_row h SET ownership = k.ownership::int4 "
                "FROM ajw_privacy_kept k WHERE h.erasure_id = %s AND k.erasure_id = h.erasure_id "
                "AND k.model_name = h.model_name AND k.res_id = h.res_id "
                "AND k.hold_id IS NOT NULL AND h.ownership = %s",
                self.id, KEPT,
            )
        )  # fmt: skip

    # -- until when ------------------------------------------------------------------------------

    def _still_waits(self):
        """Whether requests of the person are to be answered, or holds keep rows of others."""
        [[requests, held]] = self.env.execute_query(
            SQL(
                "SELECT (SELECT count(*) FROM ajw_privacy_erasure_row h JOIN ajw_privacy_request r "
                "ON r.id = h.res_id AND r.state IN %(open)s WHERE h.erasure_id = %(erasure)s "
                "AND h.model_name = 'ajw.privacy.request'), "
                "(SELECT array_agg(DISTINCT hold_id) FROM ajw_privacy_kept "
                "WHERE erasure_id = %(erasure)s AND hold_id IS NOT NULL)",
                open=OPEN_STATES,
                erasure=self.id,
            )
        )
        in_force = self.env["ajw.privacy.hold"]._in_force(self.company_id)
        return bool(requests or set(held or ()) & set(in_force.ids))

    def _hold_kept(self, model_name, source):
        """Note rows that a legal hold keeps beyond the law's time, and which one."""
        holds = self.env["ajw.privacy.hold"]._in_force(self.company_id)
        for hold in holds:
            # sudo: what is held does not depend on who asks
            model = self.env[model_name].sudo().with_context(active_test=False)
            held = hold._keeps()(model)
            if held.is_false():
                continue
            ids = [
                row_id for [row_id] in self.env.execute_query(SQL("SELECT t.id FROM %s", source))
            ]
            found = model.search(held & Domain("id", "in", ids))
            if found:
                self.env.cr.execute(
                    SQL(
                        "UPDATE ajw_privacy_kept SET hold_id = %s "
                        "WHERE erasure_id = %s AND model_name = %s AND res_id IN %s",
                        hold.id, self.id, model_name, found._ids,
                    )
                )  # fmt: skip
