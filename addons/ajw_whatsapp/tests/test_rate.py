import psycopg2

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .document_common import DocumentCommon


@tagged("-at_install", "post_install")
class TestRate(DocumentCommon):
    def _vals(self, **values):
        return {
            "market": "South Africa",
            "country_ids": [Command.set(self.env.ref("base.za").ids)],
            "category": "UTILITY",
            "currency_id": self.env.ref("base.USD").id,
            "price": 0.0076,
            "valid_from": "2026-04-01",
            "source": "test",
            **values,
        }

    def test_managers_keep_the_card_and_users_read_it(self):
        manager = self._create_user("rate_manager", "ajw_whatsapp.group_manager")
        rate = self.env["ajw.whatsapp.rate"].with_user(manager).create(self._vals())
        rate.price = 0.008
        self.assertIn(
            "ZA", {code for each in rate.with_user(self.billing)._card() for code in each.countries}
        )
        for operation in (
            lambda: rate.with_user(self.billing).write({"price": 0}),
            lambda: rate.with_user(self.billing).unlink(),
            lambda: rate.with_user(self.billing).create(self._vals(market="x")),
            lambda: rate.with_user(self.portal).read(["price"]),
        ):
            with self.assertRaises(AccessError):
                operation()

    def test_shipped_rates_name_source_and_day_and_are_marked(self):
        shipped = self.env["ir.model.data"].search(
            [("module", "=", "ajw_whatsapp"), ("model", "=", "ajw.whatsapp.rate")]
        )
        rates = self.env["ajw.whatsapp.rate"].browse(shipped.mapped("res_id"))
        self.assertTrue(rates)
        for rate in rates:
            self.assertTrue(rate.source and rate.valid_from and rate.is_estimate, rate.display_name)
            self.assertIn("read 20", rate.source)

    def test_bad_lines_are_refused(self):
        Rate = self.env["ajw.whatsapp.rate"]
        with self.assertRaisesRegex(ValidationError, "Name the countries"):
            Rate.create(self._vals(country_ids=False))
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.CheckViolation),
            self.env.cr.savepoint(),
        ):
            Rate.create(self._vals(price=-1)).flush_recordset()
        day = {"valid_from": "2026-05-01"}
        Rate.create(self._vals(**day))
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            Rate.create(self._vals(price=1, **day)).flush_recordset()

    def test_a_file_can_be_imported(self):
        result = self.env["ajw.whatsapp.rate"].load(
            ["market", "country_ids", "category", "currency_id", "price", "valid_from", "source"],
            [["Brazil", "Brazil", "UTILITY", "USD", "0.0068", "2026-04-01", "Meta's card"]],
        )
        self.assertFalse(result["messages"])
        rate = self.env["ajw.whatsapp.rate"].browse(result["ids"])
        self.assertEqual(rate.country_ids.code, "BR")
