import os
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import TransactionCase, new_test_user
from odoo.tools import SQL

from odoo.addons.ajw_consent.models.ajw_consent_keyring import PARAMETER
from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..models.ajw_privacy_departure_running import RUNNING

OFFICER = "base.group_user,ajw_consent.group_officer"
#: Odd words that stand in what the leaving company has, and nowhere else.
TOKEN = "Tenantozq"


class DepartureCommon(TransactionCase):
    """Company A leaves, company B stays; both with customers, orders, messages and files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.env["ir.config_parameter"].search([("key", "=", PARAMETER)]).unlink()
        cls.leaving = cls._company("Leaving A")
        cls.staying = cls._company("Staying B")
        cls.officer = cls._user("leave_officer", OFFICER, cls.leaving)
        cls.second = cls._user("leave_second", OFFICER, cls.leaving)
        cls.other_officer = cls._user("stay_officer", OFFICER, cls.staying)
        cls.worker = cls._user("leave_worker", "base.group_user", cls.leaving)
        cls.both = cls._user("both_worker", "base.group_user", cls.leaving | cls.staying)
        cls.keeper = cls._user("keeper", OFFICER, cls.env.ref("base.main_company"))
        cls.shared = cls.env["res.partner"].create({"name": "Shared Customer"})
        cls.mine = cls._fill(cls.leaving, TOKEN)
        cls.theirs = cls._fill(cls.staying, "Stayer")

    @classmethod
    def _company(cls, name):
        company = cls.env["res.company"].create(
            {"name": name, "country_id": cls.env.ref("base.de").id}
        )
        if "account.chart.template" in cls.env:
            templates = cls.env["account.chart.template"]
            templates.try_loading("generic_coa", company, install_demo=False)
        return company

    @classmethod
    def _user(cls, login, groups, companies):
        return new_test_user(
            cls.env, login, groups, company_id=companies[-1].id,
            company_ids=[Command.set(companies.ids)],
        )  # fmt: skip

    @classmethod
    def _fill(cls, company, token):
        """What a company has; returns the records by name."""
        env = cls.env(context={**cls.env.context, "allowed_company_ids": company.ids})
        customer = env["res.partner"].create(
            {"name": f"{token} Customer", "company_id": company.id,
             "email": f"{token.lower()}@example.com"}
        )  # fmt: skip
        message = customer.message_post(body=f"Said to {token}")
        found = {
            "customer": customer,
            "message": message,
            "file": env["ir.attachment"].create(
                {"name": f"{token}.txt", "raw": f"file of {token}".encode(),
                 "res_model": "res.partner", "res_id": customer.id}
            ),
        }  # fmt: skip
        if "sale.order" in env:
            found.update(cls._documents(env, company, customer))
        env.flush_all()
        return found

    @classmethod
    def _documents(cls, env, company, customer):
        product = env["product.product"].create(
            {"name": f"{customer.name} tea", "company_id": company.id, "type": "service"}
        )
        order = env["sale.order"].create(
            {"partner_id": customer.id, "company_id": company.id,
             "order_line": [Command.create({"product_id": product.id, "price_unit": 20})]}
        )  # fmt: skip
        order.action_confirm()
        order.message_post(body=f"About {customer.name}")
        invoice = env["account.move"].create(
            {"move_type": "out_invoice", "partner_id": customer.id, "company_id": company.id,
             "invoice_line_ids": [Command.create({"product_id": product.id, "price_unit": 20})]}
        )  # fmt: skip
        return {"product": product, "order": order, "invoice": invoice}

    # -- running ---------------------------------------------------------------------------------

    def _departure(self, user=None, **values):
        return (
            self.env["ajw.privacy.departure"]
            .with_user(user or self.officer)
            .create({"company_id": self.leaving.id, **values})
        )

    def _advance(self, departure):
        """Take steps as the scheduled action does, until it stops."""
        work = departure.with_user(self.env.ref("base.user_root")).sudo()
        known, steps = {}, 0
        while work.state in RUNNING:
            work._advance(known)
            steps += 1
            self.assertLess(steps, 500, "it goes round and round")
        self.env.invalidate_all()
        return departure

    def _exported(self, **values):
        departure = self._departure(**values)
        departure.action_start()
        self._advance(departure)
        self.assertEqual(departure.state, "exported", departure.error)
        return departure

    def _approved(self, ended_on=None, **values):
        departure = self._exported(**values)
        departure.with_user(self.second).action_approve()
        if ended_on:
            # as if that time had passed
            departure._step(ended_on=ended_on)
        return departure

    def _removed(self, **values):
        departure = self._approved(**{**self._over(), **values}).with_user(self.keeper).sudo()
        departure._begin_removal()
        self._advance(departure)
        self.assertIn(departure.state, ("done", "kept"), departure.error)
        return departure

    def _over(self):
        """An end so long ago that the recall period is over."""
        return {"ended_on": fields.Date.today() - timedelta(days=20)}

    def _remaining(self, departure):
        """Have a removal that began look for its rows, and no more.

        :return: dict of (table, id) → fate
        """
        work = departure.with_user(self.env.ref("base.user_root")).sudo()
        known = {}
        while work.phase in ("collect", "keep"):
            work._advance(known)
        rows = self.env.execute_query(
            SQL(
                "SELECT table_name, res_id, fate FROM ajw_privacy_departure_row "
                "WHERE departure_id = %s",
                departure.id,
            )
        )
        return {(table, row): fate for table, row, fate in rows}

    # -- looking ---------------------------------------------------------------------------------

    def _rows_of(self, company):
        """Table → checksum of all rows of a company, byte by byte; messages and files too."""
        self.env.flush_all()
        found = {}
        for table, column in self._company_tables():
            [found[table]] = self.env.execute_query(
                SQL(
                    "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) "
                    "FROM %s t WHERE %s = %s",
                    SQL.identifier(table), SQL.identifier("t", column), company.id,
                )
            )  # fmt: skip
        return found

    def _company_tables(self):
        return self.env.execute_query(
            SQL(
                "SELECT c.relname, a.attname FROM pg_constraint k "
                "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a "
                "ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
                "WHERE k.contype = 'f' AND k.confrelid = 'res_company'::regclass "
                "AND a.attname IN ('company_id', 'ajw_company_id', 'record_company_id') ORDER BY 1"
            )
        )

    def _all_rows(self):
        """(table, id) → checksum of every row of the database that has an id."""
        self.env.flush_all()
        tables = self.env.execute_query(
            SQL(
                "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relkind = 'r' AND c.relnamespace = current_schema::regnamespace "
                "AND a.attname = 'id' ORDER BY 1"
            )
        )
        return {
            (table, row): digest
            for [table] in tables
            for row, digest in self.env.execute_query(
                SQL("SELECT id, md5(t::text) FROM %s t", SQL.identifier(table))
            )
        }

    def _relations(self):
        """(table, pair) of every line of a relation, as text."""
        tables = self.env.execute_query(
            SQL(
                "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' "
                "AND c.relnamespace = current_schema::regnamespace AND NOT EXISTS ("
                "SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'id') "
                "ORDER BY 1"
            )
        )
        return {
            (table, text)
            for [table] in tables
            for [text] in self.env.execute_query(
                SQL("SELECT t::text FROM %s t", SQL.identifier(table))
            )
        }

    def _where(self, token):
        """Columns of the database in which a word stands."""
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """SELECT c.table_name, c.column_name FROM information_schema.columns c
                     JOIN information_schema.tables t USING (table_schema, table_name)
                    WHERE c.table_schema = current_schema AND t.table_type = 'BASE TABLE'
                      -- what browsers were told is gone within a day by itself
                      AND c.table_name <> 'bus_bus'
                      AND c.data_type IN ('text', 'character varying', 'jsonb', 'json')"""
            )
        )
        by_table = {}
        for table, column in columns:
            by_table.setdefault(table, []).append(column)
        found = []
        for table, names in by_table.items():
            checks = SQL(", ").join(
                SQL("bool_or(%s::text ILIKE %s)", SQL.identifier(name), f"%{token}%")
                for name in names
            )
            [row] = self.env.execute_query(SQL("SELECT %s FROM %s", checks, SQL.identifier(table)))
            found += [f"{table}.{name}" for name, hit in zip(names, row, strict=True) if hit]
        return sorted(found)
