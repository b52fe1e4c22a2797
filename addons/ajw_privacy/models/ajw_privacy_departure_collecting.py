from functools import partial

from odoo import models
from odoo.tools import SQL

from ..engine import departure, departure_rows, departure_staying, schema
from ..engine.departure import Task

#: A company with more has another trouble; each pass goes one link further.
MAX_ROUNDS = 50


class AjwPrivacyDeparture(models.Model):
    """Which rows are the company's."""

    _inherit = "ajw.privacy.departure"

    def _step_collect(self, known):
        """Go on with the search; after the last pass, see what stays."""
        self._ground(known)
        if not self.round and not self.cursor:
            self._close_accounts(known)
        found = self._work_off(self._hanging(known) if self.round else self._seeds(known), known)
        if found is None:
            return 1
        # what hangs on an account is looked for whether or not the company has a row
        if (found or not self.round) and self.round < MAX_ROUNDS:
            self._step(round=self.round + 1, cursor=False)
        else:
            self._step(phase="keep", round=0, cursor=False)
        return found

    def _close_accounts(self, known):
        """Put the accounts on the list: they stay, emptied."""
        users, companies = self._own_users(), self._companies()
        partners = companies.partner_id | self._own_partners(users)
        for table, ids in (
            ("res_company", companies.ids),
            ("res_users", users.ids),
            ("res_partner", (partners - self._used_elsewhere(partners, known)).ids),
        ):
            if ids:
                self._run(departure_rows.close_statement(self.id, table, ids))

    def _own_partners(self, users):
        """Contacts of logins that are closed; one that another login has stays as it is.

        A customer's contact is shared, whoever gave it the login to the portal, unless it is the
        company's.
        """
        companies = self._companies()
        partners = users.filtered(
            lambda user: not user.share or user.partner_id.company_id in companies
        ).partner_id
        # sudo: the officer may not see every login
        others = self.env["res.users"].sudo().with_context(active_test=False).search(
            [("partner_id", "in", partners.ids), ("id", "not in", users.ids)]
        )  # fmt: skip
        return partners - others.partner_id

    def _used_elsewhere(self, partners, known):
        """Those of some contacts that rows of another company point to, or rows that stay.

        :return: res.partner
        """
        found = set()
        spared = departure.NEVER | departure.PROOF
        for link in known["links"] if partners else ():
            if link.target != "res_partner" or link.table in spared:
                continue
            if "id" not in known["tables"].get(link.table, ()):
                continue
            rows = self.env.execute_query(
                departure_staying.pointed_statement(
                    self.id, link, partners.ids, known["columns"], known["companies"],
                    known["parents"],
                )
            )  # fmt: skip
            found.update(row for [row] in rows)
        return partners.browse(sorted(found))

    # -- whose company leaves --------------------------------------------------------------------

    def _seeds(self, known):
        """Tasks of the first pass: rows whose company leaves."""
        spared = departure.NEVER | departure.PROOF
        companies, columns = known["companies"], known["columns"]
        tasks = [
            Task(
                f"own {table}",
                table,
                partial(departure_rows.seed_statement, self.id, table, column, companies),
            )
            for table, column in sorted(columns.items())
            if table not in spared
        ]
        for table, name in sorted(known["models"].items()):
            field = self.pool[name]._fields.get("company_ids")
            if table in spared or not field or not field.store or field.type != "many2many":
                continue
            if field.comodel_name == "res.company" and field.relation in known["tables"]:
                statement = partial(
                    departure_rows.shared_seed_statement,
                    self.id, table, field.relation, field.column1, field.column2, companies,
                )  # fmt: skip
                tasks.append(Task(f"shared {table}", table, statement))
        return tasks

    # -- what hangs on them ----------------------------------------------------------------------

    def _hanging(self, known):
        """Tasks of a later pass: rows that hang on what the pass before found."""
        columns, round_ = known["columns"], self.round
        hits = self._hit_tables(known, round_ - 1)
        spared, tasks = departure.NEVER | departure.PROOF, []
        for link in known["links"]:
            name = f"{link.table}.{link.column}"
            if link.target in hits and link.table not in spared and self._hangs(link, known):
                statement = partial(
                    departure_rows.hang_statement,
                    self.id, link, columns, known["companies"], known["parents"], round_,
                )  # fmt: skip
                tasks.append(Task(f"hangs {name}", link.table, statement))
            if link.table in hits and link.target in departure.OWNED:
                statement = partial(departure_rows.owned_statement, self.id, link, round_)
                tasks.append(Task(f"owns {name}", link.table, statement))
        models_ = {table: known["models"][table] for table in hits if table in known["models"]}
        for pair in self._pairs(known) if models_ else ():
            if pair.table not in spared:
                statement = partial(
                    departure_rows.pair_statement,
                    self.id, pair, models_, columns, known["companies"], round_,
                )  # fmt: skip
                tasks.append(Task(f"names {pair.table}.{pair.id_column}", pair.table, statement))
        if "res_partner" in hits and "discuss_channel" in known["tables"]:
            statement = partial(departure_rows.channels_statement, self.id, round_)
            tasks.append(Task("chats", "discuss_channel", statement))
        if "mail_message" in hits:
            statement = partial(departure_rows.message_files_statement, self.id, round_)
            tasks.append(Task("files of messages", "ir_attachment", statement))
        return tasks

    def _hit_tables(self, known, round_=None):
        """Tables with rows on the list; looked up once a run.

        :param round_: the pass in which they were found, None: any, when the search is over
        """
        key = ("hits", round_)
        if key not in known:
            # SQL: the hit list has no records anybody works with
            rows = self.env.execute_query(
                SQL(
                    "SELECT DISTINCT table_name FROM ajw_privacy_departure_row "
                    "WHERE departure_id = %s AND %s",
                    self.id,
                    SQL("TRUE") if round_ is None else SQL("round = %s", round_),
                )
            )
            known[key] = {table for [table] in rows}
        return known[key]

    def _hangs(self, link, known):
        """Whether a row goes with what it points to; what has a company was found by that."""
        if link.target == "res_company" or "id" not in known["tables"].get(link.table, ()):
            return False
        return (
            link.on_delete == "c"
            or (link.required and link.refuses)
            or (link.table, link.column) in known["owners"]
        )

    def _pairs(self, known):
        """Columns that name a row of any model."""
        if "pairs" not in known:
            known["pairs"] = [
                departure.Pair(table, field.model_field, field.name)
                for table, name in sorted(known["models"].items())
                for field in self.pool[name]._fields.values()
                if field.type == "many2one_reference"
                and field.store
                and field.model_field in known["tables"][table]
                and known["tables"][table][field.model_field].type in schema.TEXT_TYPES
                and field.name in known["tables"][table]
            ]
        return known["pairs"]
