from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import departure, schema
from .ajw_privacy_departure import LAST_DAY

#: States in which the scheduled action works.
RUNNING = ("exporting", "removing")
#: Days before the removal when the officers are reminded.
REMIND_DAYS = 3


class AjwPrivacyDeparture(models.Model):
    """The scheduled action."""

    _inherit = "ajw.privacy.departure"
    _running_states = RUNNING

    def _next_step(self):
        # EXTENDS this addon
        return getattr(self, f"_step_{self.phase}")

    @api.model
    def _cron_work(self):
        """Remind, begin what is due, and go on with what is under way. Runs as superuser."""
        cron = self.env["ir.cron"]
        today = fields.Date.today()
        self._remind(today)
        self.env["ajw.privacy.departure.package"]._drop_expired()
        waiting = self.search([("state", "=", "waiting"), ("remove_on", "<=", today)])
        due_again = self.search([("state", "=", "kept"), ("due_again_on", "<=", today)])
        for each in waiting | due_again:
            each._begin_removal()
        departures = self.search([("state", "in", RUNNING)], order="id")
        remaining = len(departures)
        seconds = cron._commit_progress(remaining=remaining)
        for each in departures:
            if seconds <= 0:
                return
            for rows in each._steps({}):
                if each.state not in RUNNING:
                    remaining -= 1
                seconds = cron._commit_progress(rows, remaining=remaining)
                if seconds <= 0:
                    return

    def _begin_removal(self):
        """The recall period is over; what stands against the removal is said instead."""
        if problems := self._unapproved() + self._blockers():
            self._fail("\n".join(problems))
            return
        self._begin("removing", **({} if self.removing_at else {"removing_at": self._now()}))

    def _forget(self, left=False):
        """Let go of the hit list.

        :param bool left: but for what is left to remove, from which the search begins again
        """
        self.ensure_one()
        # SQL: the hit list has no records anybody works with
        self.env.cr.execute(
            SQL(
                "DELETE FROM ajw_privacy_departure_row WHERE departure_id = %s "
                "AND NOT (%s AND fate = 'go')",
                self.id,
                left,
            )
        )
        self.env.cr.execute(
            SQL("UPDATE ajw_privacy_departure_row SET round = 0 WHERE departure_id = %s", self.id)
        )

    def _ground(self, known):
        """What the tables are and how they hang together; worked out once a run."""
        if "links" not in known:
            rows = self.env.execute_query(departure.links_statement())
            tables = schema.by_table(self.env.execute_query(schema.columns_statement()))
            known["links"] = [departure.Link(*row) for row in rows]
            known["tables"] = tables
            known["columns"] = {
                table: column
                for table, column in departure.company_columns(known["links"]).items()
                if "id" in tables[table]  # a relation goes with its rows
            }
            known["owners"] = self._owners()
            known["parents"] = departure.parents(
                [link for link in known["links"] if "id" in tables.get(link.table, ())],
                known["columns"],
                known["owners"],
            )
            known["companies"] = tuple(self._companies().ids)
            known["models"] = {
                model._table: name
                for name, model in self.pool.items()
                if model._auto and not model._abstract and model._table in tables
            }
        return known

    def _owners(self):
        """Columns that say whose a row is: its company is, by the app, that of what they point to.

        :return: set of (table, column)
        """
        found = set()
        for model in self.pool.values():
            field = model._fields.get("company_id")
            if model._abstract or not field or field.store or not field.related:
                continue
            first, _dot, rest = field.related.partition(".")
            owner = model._fields.get(first)
            if rest and owner is not None and owner.store and owner.type == "many2one":
                found.add((model._table, first))
        return found

    def _remind(self, today):
        """Put what is due soon on the officers' lists of things to do, once."""
        soon = self.search(
            [
                ("state", "in", ("exported", "waiting")),
                ("remove_on", "<=", today + timedelta(days=REMIND_DAYS)),
                ("reminded_on", "=", False),
            ]
        )
        for each in soon:
            # sudo: asks only who is an officer there
            officers = self.env["res.users"].sudo().search(
                [
                    ("all_group_ids", "in", self.env.ref("ajw_consent.group_officer").ids),
                    ("company_ids", "in", (each.company_id | each.operator_id).ids),
                ]
            )  # fmt: skip
            for user in officers:
                each.with_context(mail_activity_quick_update=True).activity_schedule(
                    "ajw_privacy.activity_departure",
                    date_deadline=min(
                        each.remove_on, fields.Date.add(each.ended_on, days=LAST_DAY)
                    ),
                    user_id=user.id,
                )
            each._step(reminded_on=today)
