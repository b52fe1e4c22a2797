from datetime import timedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..engine import certificate_form as form
from ..engine import erase, keeping, keeping_cells, keeping_rows, keeping_rules, plan
from ..engine.graph import KEPT, OWN
from ..engine.hits import in_own_thread

#: What a kept field's action is said to be while it is kept.
KEEP = "keep"


class AjwPrivacyErasure(models.Model):
    """What a law keeps, row by row: noted while the plan is counted, left alone afterwards."""

    _inherit = "ajw.privacy.erasure"

    # -- which law -------------------------------------------------------------------------------

    def _today(self):
        """The day that has begun nowhere later: what is kept until yesterday may go everywhere."""
        return (fields.Datetime.now() - timedelta(hours=12)).date()

    def _law(self, known):
        """All duties and rules; asked for once a run."""
        if "law" not in known:
            known["law"] = self.env["ajw.privacy.keeping.duty"]._law()
        return known["law"]

    def _keeper(self, company_id, known):
        """The company whose law counts for a row, as the engine knows it.

        :param company_id: of the row; None: the controller's counts
        :rtype: keeping.Company
        """
        key = ("keeper", company_id or self.company_id.id)
        if key not in known:
            # sudo: asks only for the country and the fiscal year
            company = self.env["res.company"].sudo().browse(key[1])
            year_end = None
            if "fiscalyear_last_month" in company._fields:
                year_end = int(company.fiscalyear_last_month), company.fiscalyear_last_day
            known[key] = keeping.Company(company.country_id.code or "", year_end)
        return known[key]

    def _decisions(self, codes, rows, known):
        """What keeps rows, by what decides on them.

        :param codes: of the duties that ask for it; none: the data map says so without a law
        :param rows: (company id, day, whether sealed, end of proceedings) each
        :return: the same → :class:`~..engine.keeping.Keeping`, without those that nothing keeps
            any more
        """
        law, found = self._law(known), {}
        codes = [code for code in codes if code in law.duties]
        for row in rows:
            company_id, day, is_sealed, ended = row
            answer = keeping_cells.still_kept(
                codes, law, keeping.Dates(day, day, proceedings_end=ended),
                self._keeper(company_id, known), self._today(), is_sealed,
            )  # fmt: skip
            if answer:
                found[row] = answer
        return found

    # -- which rows ------------------------------------------------------------------------------

    def _duties_of(self, field):
        """Codes of the duties that may keep a field, None where nothing keeps it."""
        if field is None:
            return None
        if field.erase == KEEP:
            return field.duty.split()
        if field.name in keeping_rows.AUDITED.get(field.model, ()) and self._has_books():
            return [keeping_rows.AUDIT]
        return None

    def _has_books(self):
        return "account.move" in self.env

    def _ending_of(self, field):
        """The field as it is treated when nothing keeps it.

        :rtype: ~..engine.plan.Field
        """
        if field.erase != KEEP:
            return field
        return field._replace(erase=keeping_cells.ending(field.category))

    def _facts(self, model_name, field, known, company=None):
        """What decides on rows of a model. See ``engine.keeping_rows.facts``.

        :param company: res.company whose holds count, by default that of the erasure
        """
        key = ("facts", model_name, field is not None and field.name)
        if key not in known:
            model = self.pool[model_name]
            through = next(
                (
                    each.name
                    for each in model._fields.values()
                    if each.type == "many2one"
                    and each.comodel_name == "account.move"
                    and each.name == "move_id"
                    and each.store
                ),
                "",
            )
            found = keeping_rows.facts(
                model_name, known["tables"][model._table].keys(), self._has_books(), through,
                self._restricted_messages() if model_name in keeping_rows.AUDITED else None,
            )  # fmt: skip
            if field is None or (model_name, field.name) not in keeping_rows.SEALED:
                found = found._replace(sealed=SQL("FALSE"))
            months = keeping_rules.longest_after(self._law(known).rules)
            ended = self.env["ajw.privacy.hold"]._ended_on(
                model_name, company or self.company_id, months
            )
            known[key] = found._replace(ended=ended)
        return known[key]

    def _restricted_messages(self):
        """Ids of the messages that an audit trail protects, as its app says it; None: no trail."""
        messages = self.env["mail.message"]
        if "account_audit_log_restricted" not in messages._fields:
            return None
        # sudo: what is protected does not depend on who asks
        query = messages.sudo()._search(Domain("account_audit_log_restricted", "=", True))
        return query.subselect()

    def _record_kept(self, model_name, survey, ownership, field, known):
        """Note which rows keep their value in a field, and until when."""
        condition = self._condition(field, KEEP, ownership, survey, known, noted=False)
        source = keeping_rows.hits_of(self.id, model_name, survey.table, ownership)
        file = None
        if field.type in plan.FILE_TYPES and not field.in_table:
            file = SQL("a.id")
            source = SQL(
                "%s JOIN ir_attachment a ON a.res_model = %s AND a.res_field = %s "
                "AND a.res_id = t.id",
                source, model_name, field.name,
            )  # fmt: skip
        place = (model_name, field.name, OWN if ownership == KEPT else ownership)
        self._note_kept(place, source, field, condition, self._duties_of(field), known, file)
        if field.type in plan.TEXT_TYPES and self._ending_of(field).erase == "redact":
            self._look_into_kept(survey, ownership, field, known)

    def _note_kept(self, place, source, field, condition, codes, known, file=None):
        # SQL: rows are noted as they are found, without being read into memory
        found = self._facts(place[0], field, known)
        rows = self.env.execute_query(keeping_rows.known_statement(source, found, condition))
        if decisions := self._decisions(codes, rows, known):
            self.env.cr.execute(
                keeping_rows.record_statement(
                    self.id, self.company_id.id, place, source, found, condition, decisions, file
                )
            )

    def _look_into_kept(self, survey, ownership, field, known):
        """Note where in kept texts the person stands; texts that do not name them need no keeping.

        So the text can be cut later, when nobody knows any more who they were.
        """
        after, beside = 0, self._beside(ownership, known)
        own = in_own_thread(self.id) if self._has_threads(field.model, ownership) else SQL("FALSE")
        while True:
            rows = self.env.execute_query(
                SQL(
                    "SELECT k.id, %s, %s FROM ajw_privacy_kept k JOIN %s t ON t.id = k.res_id "
                    "WHERE k.erasure_id = %s AND k.model_name = %s AND k.field_name = %s "
                    "AND k.ownership = %s AND k.id > %s ORDER BY k.id LIMIT %s",
                    SQL.identifier("t", field.name), own, SQL.identifier(survey.table), self.id,
                    field.model, field.name, str(ownership), after, erase.TEXTS,
                )
            )  # fmt: skip
            if not rows:
                return
            after = rows[-1][0]
            writing = plan.writing(self._ending_of(field))
            naming, spans = set(), []
            for is_own, matcher in (
                (False, self._matcher(ownership, known)), (True, self._matcher(OWN, known))
            ):  # fmt: skip
                texts = [(kept_id, text) for kept_id, text, mine in rows if mine == is_own]
                naming.update(id_ for id_, _text in erase.redact_rows(texts, writing, matcher))
                spans += [
                    (kept_id, [len(text), [list(s) for s in (beside or matcher).spans(text)]])
                    for kept_id, text in texts
                    if kept_id in naming and writing == "text" and matcher.found_in(text)
                ]
            if others := [kept_id for kept_id, *_rest in rows if kept_id not in naming]:
                self.env.cr.execute(
                    SQL("DELETE FROM ajw_privacy_kept WHERE id IN %s", tuple(others))
                )
            if spans:
                self.env.cr.execute(
                    erase.texts_statement("ajw_privacy_kept", "spans", spans, as_json=True)
                )

    def _keep_files(self, known):
        """Note which files that hang on documents of the books stay with them."""
        for name, survey in self._survey(known).items():
            duties = {
                code
                for field in survey.fields.values()
                if field.erase == KEEP and field.category == "file" and self._duties_of(field)
                for code in self._duties_of(field)
            }
            if not duties:
                continue
            source = keeping_rows.hits_of(self.id, "ir.attachment", "ir_attachment", OWN)
            self._note_kept(
                ("ir.attachment", "", OWN), source, None, keeping_rows.hangs_on(name),
                sorted(duties), known, SQL("t.id"),
            )  # fmt: skip

    # -- what is said of them --------------------------------------------------------------------

    def _drop_kept(self):
        """Note anew what is kept: laws, dates and documents may have changed."""
        self.env.cr.execute(SQL("DELETE FROM ajw_privacy_kept WHERE erasure_id = %s", self.id))

    def _describe_kept(self):
        """Say on the plan, place by place, which laws keep rows and from when to when they go."""
        rows = self.env.execute_query(
            SQL(
                "SELECT k.model_name, COALESCE(k.field_name, ''), "
                "CASE WHEN k.field_name IS NULL THEN '3' ELSE k.ownership END, "
                "array_agg(DISTINCT k.article) FILTER (WHERE k.article <> ''), "
                "array_agg(DISTINCT k.no_end) FILTER (WHERE k.no_end IS NOT NULL), "
                "min(k.until), max(k.until), bool_or(k.until IS NULL), "
                "array_agg(DISTINCT h.name) FILTER (WHERE h.name IS NOT NULL) "
                "FROM ajw_privacy_kept k LEFT JOIN ajw_privacy_hold h ON h.id = k.hold_id "
                "WHERE k.erasure_id = %s AND k.state <> 'done' GROUP BY 1, 2, 3",
                self.id,
            )
        )
        said = {row[:3]: row[3:] for row in rows}
        reasons = dict(
            self.env["ajw.privacy.kept"]._fields["no_end"]._description_selection(self.env)
        )
        # sudo: nobody may write plans
        for place in self.sudo().place_ids.filtered(lambda place: place.action == KEEP):
            key = (place.model_name, place.field_name or "", place.ownership)
            if key not in said:
                continue
            articles, no_ends, first, last, is_open, holds = said[key]
            values = {
                "law": "; ".join(sorted(articles or ())) or place.law,
                "until_first": first or False,
                "until": last if last and not is_open else False,
            }
            if holds:
                values["reason"] = self.env._("Legal hold: %s", ", ".join(sorted(holds)))
            elif no_ends:
                values["reason"] = " ".join(reasons[each] for each in sorted(no_ends))
            place.write(values)

    def _kept_entries(self):
        """What the certificate says is kept: by place, law and date.

        :return: tuple of :class:`~..engine.certificate_form.Kept`
        """
        self.env["ajw.privacy.kept"].flush_model()
        rows = self.env.execute_query(
            SQL(
                "SELECT model_name, COALESCE(field_name, ''), "
                "CASE WHEN hold_id IS NULL THEN duty ELSE 'hold' END, COALESCE(article, ''), "
                "CASE WHEN hold_id IS NULL THEN until END, "
                "CASE WHEN hold_id IS NULL THEN COALESCE(no_end, '') ELSE 'hold' END, count(*) "
                "FROM ajw_privacy_kept WHERE erasure_id = %s AND state <> 'done' "
                "GROUP BY 1, 2, 3, 4, 5, 6",
                self.id,
            )
        )
        found = [
            form.Kept(model, field, count, duty, article, until, no_end)
            for model, field, duty, article, until, no_end, count in rows
        ]
        return (*found, *self._waiting_entries())

    def _waiting_entries(self):
        """What waits for something else than a law: requests that are to be answered."""
        return [
            form.Kept(model_name, "", count, "request", "", None, "proceedings")
            for model_name, count in self._waiting()
            if model_name == "ajw.privacy.request"
        ]

    def _waiting(self):
        """Rows that wait for something else than a law: list of (model, number)."""
        return self.env.execute_query(
            SQL(
                "SELECT h.model_name, count(*) FROM ajw_privacy_erasure_row h "
                "WHERE h.erasure_id = %s AND h.ownership = %s AND NOT EXISTS ("
                "SELECT FROM ajw_privacy_kept k WHERE k.erasure_id = h.erasure_id "
                "AND k.model_name = h.model_name AND k.res_id = h.res_id "
                "AND k.field_name IS NULL AND k.hold_id IS NULL) GROUP BY 1 ORDER BY 1",
                self.id, KEPT,
            )
        )  # fmt: skip
