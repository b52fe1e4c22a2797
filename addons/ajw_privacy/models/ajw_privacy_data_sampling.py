import time
from datetime import datetime, timedelta

import psycopg2

from odoo import api, fields, models
from odoo.tools import mute_logger

from ..engine import accounts, evidence, sampling, schema

#: Fields whose contents are looked at, beside those of types that only an app knows.
_NOT_READ = frozenset(
    {
        "binary", "boolean", "date", "datetime", "float", "image", "integer", "many2many",
        "many2one", "many2one_reference", "monetary", "one2many", "reference", "selection",
    }
)  # fmt: skip
#: Tables whose names are looked up together.
BATCH = 25
#: Seconds an officer waits for; the rest goes on in the background.
SECONDS = 15
#: What was looked at since then is not looked at again in the background.
FRESH = timedelta(hours=20)
#: Columns of secrets: nobody's name is in them.
_SECRETS = frozenset(accounts.SECRETS) | accounts.TOKENS | {"key", "index"}


class AjwPrivacyDataMap(models.Model):
    """Looking at what columns hold whose names say nothing."""

    _inherit = "ajw.privacy.data.map"

    def action_check_content(self):
        """Look at a sample of every column nobody classified, on request of an officer.

        :return: a message with what was found; what takes longer goes on in the background
        """
        self.check_access("read")
        looked, left = self._check_content(fields.Datetime.now(), SECONDS)
        if left:
            # sudo: the check runs as Odoo; whoever calls this was checked before
            self.env.ref("ajw_privacy.ir_cron_data_sample").sudo()._trigger()
        # sudo: as above
        found = self.sudo().search_count([("level", "=", "sampled"), ("state", "=", "open")])
        texts = [
            self.env._("%(count)s columns were looked at.", count=looked),
            self.env._(
                "%(count)s hold what looks personal, though nothing else says so.", count=found
            )
            if found
            else self.env._("None holds what looks personal, beside those to classify already."),
        ]
        if left:
            texts.append(
                self.env._("%(count)s tables are looked at in the background.", count=left)
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if found else "success",
                "message": " ".join(texts),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _cron_check_content(self):
        """Weekly: look at what columns hold, table by table, with each batch committed."""
        since, crons = fields.Datetime.now() - FRESH, self.env["ir.cron"]
        left = len(self._sample_targets())
        seconds = crons._commit_progress(remaining=left)
        while left and seconds > 0:
            before = left
            _looked, left = self._check_content(since, 0)
            seconds = crons._commit_progress(before - left, remaining=left)

    @api.model
    def _check_content(self, since, seconds):
        """Look at the tables not looked at since then, as far as the time goes.

        :param datetime since: what was looked at later is not looked at again; None for everything
        :param seconds: after so many no other batch of tables begins; None for no limit
        :return: (number of columns looked at, number of tables left)
        """
        # sudo: the answer must not depend on who asks, and is written by this method alone
        self = self.sudo()
        self.env.flush_all()
        targets = self._sample_targets()
        samples = self.env["ajw.privacy.data.sample"]
        looked_at = dict(samples._read_group([], ["model_name"], ["looked_at:max"]))
        todo = sorted(
            (
                name
                for name in targets
                if not since or not looked_at.get(name) or looked_at[name] < since
            ),
            key=lambda name: (looked_at.get(name) or datetime.min, name),
        )
        samples.search([("model_name", "not in", list(targets))]).unlink()
        sizes = {
            table: (rows, with_id)
            for table, rows, with_id in self.env.execute_query(sampling.sizes_statement())
        }
        countries = self._countries()
        started, looked, names = time.monotonic(), 0, []
        while todo:
            batch, todo = todo[:BATCH], todo[BATCH:]
            looked += self._look_at({name: targets[name] for name in batch}, sizes, countries)
            names += batch
            if seconds is not None and time.monotonic() - started >= seconds:
                break
        self._refresh(names)
        return looked, len(todo)

    def _countries(self):
        companies = self.env["res.company"].search([])
        return sorted(set(companies.country_id.mapped("code")))

    def _sample_targets(self):
        """What is looked at: model, or table without one → its columns nobody classified."""
        # sudo: the answer must not depend on who asks
        self = self.sudo()
        overrides, lines = self._recorded_entries()
        tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
        found, seen = {}, set(self._relations())
        for name in self._own_tables(list(self.pool)):
            model_class = self.pool[name]
            seen.add(model_class._table)
            if self._is_vacuumed(model_class):
                continue
            merged, _problems = self._merge(name, overrides, lines)
            found[name] = [
                column
                for column in tables.get(model_class._table, {}).values()
                if column.name not in merged
                and self._is_looked_at(model_class._fields.get(column.name), column)
            ]
        for table, columns in tables.items():
            if table not in seen:
                settled = {**lines.get(table, {}), **overrides.get(table, {})}
                found[table] = [
                    column
                    for column in columns.values()
                    if column.name not in settled and self._is_looked_at(None, column)
                ]
        return {name: columns for name, columns in found.items() if columns}

    def _is_looked_at(self, field, column):
        if not sampling.is_read(column) or column.name in _SECRETS:
            return False
        return field is None or (field.store and field.type not in _NOT_READ)

    def _look_at(self, batch, sizes, countries):
        """Look at some tables, and look up together which of their values are names.

        :param dict batch: model, or table → columns
        :return: number of columns
        """
        tallies, unread = {}, set()
        for name, columns in batch.items():
            mine = [(evidence.Tally(countries), column.is_json) for column in columns]
            tallies.update(
                {(name, column.name): each for column, each in zip(columns, mine, strict=True)}
            )
            if not self._read_sample(columns, mine, sizes):
                unread.update((name, column.name) for column in columns)
        candidates = {key: tally.candidates(json) for key, (tally, json) in tallies.items()}
        known = self._known_names(set().union(*candidates.values()))
        results = {}
        for key, (tally, _json) in tallies.items():
            found = tally.found(
                *(candidates[key] & known.get(kind, set()) for kind in ("name", "login"))
            )
            results[key] = {"value_count": len(tally.values), "is_unread": key in unread}
            if found:
                results[key].update(kind=found.kind, hit_count=found.hits)
        self.env["ajw.privacy.data.sample"]._note(results)
        return len(results)

    def _read_sample(self, columns, tallies, sizes):
        """Add a sample of a table to the tallies of its columns.

        :return: whether it could be read in time
        """
        table = columns[0].table
        rows, with_id = sizes.get(table, (0, False))
        ends = self.env.context.get("ajw_sample") or sampling.ENDS
        statement = sampling.rows_statement(table, columns, with_id, rows, ends)
        try:
            evidence.columns_of(self._patient_query(statement), tallies)
            for column, (tally, is_json) in zip(columns, tallies, strict=True):
                if not tally.values and rows > 2 * ends:
                    evidence.columns_of(
                        self._patient_query(sampling.filled_statement(column, ends)),
                        [(tally, is_json)],
                    )
        except psycopg2.Error:
            return False
        return True

    def _known_names(self, texts):
        """Those of the texts that are names or logins of people here: kind → set."""
        found = {}
        if texts:
            try:
                for kind, text in self._patient_query(sampling.names_statement(texts), factor=10):
                    found.setdefault(kind, set()).add(text)
            except psycopg2.Error:
                return {}
        return found

    def _patient_query(self, statement, factor=1):
        # a statement that fails would be logged, with the values it was given
        with (
            mute_logger("odoo.sql_db"),
            sampling.patience(self.env.cr, factor * sampling.PATIENCE),
        ):
            return self.env.execute_query(statement)
