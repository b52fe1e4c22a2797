from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL

from ..engine.statistics import Cell, suppress
from .departure_common import TOKEN, DepartureCommon

MONTH = date(2026, 1, 1)


@tagged("post_install", "-at_install")
class TestStatistic(DepartureCommon):
    """Numbers may stay when people go: they hold nobody (W5)."""

    def _orders(self, persons, company=None, state="sale", each=1, month=MONTH):
        """Orders of several people in a month, as the table has them."""
        company = company or self.leaving
        env = self.env(context={**self.env.context, "allowed_company_ids": company.ids})
        partners = env["res.partner"].create(
            [{"name": f"{TOKEN} Buyer {at}", "company_id": company.id} for at in range(persons)]
        )
        orders = env["sale.order"].create(
            [
                {"partner_id": partner.id, "company_id": company.id}
                for partner in partners
                for _time in range(each)
            ]
        )
        env.flush_all()
        # SQL: an app lets nobody set the total of an order
        self.env.cr.execute(
            SQL(
                "UPDATE sale_order SET date_order = %s, state = %s, amount_total = 100, "
                "currency_rate = 1 WHERE id IN %s",
                month, state, orders._ids,
            )
        )  # fmt: skip
        self.env.invalidate_all()
        return orders

    def _numbers(self, company=None, model="sale.order"):
        rows = self.env["ajw.privacy.statistic"].search(
            [("company_id", "=", (company or self.leaving).id), ("model_name", "=", model),
             ("month", "=", MONTH)]
        )  # fmt: skip
        return {row.kind: (row.row_count, row.amount) for row in rows}

    def _build(self, company=None):
        self.env["ajw.privacy.statistic"]._build(company or self.leaving)

    # -- which numbers may be told ---------------------------------------------------------------

    def test_W5_counts_and_sums_over_enough_people(self):
        self._orders(12, each=2)
        self._build()
        self.assertEqual(self._numbers(), {"all": (24, 2400), "sale": (24, 2400)})

    def test_W5_numbers_about_few_people_are_left_out(self):
        self._orders(9, each=5)
        self._build()
        self.assertEqual(self._numbers(), {})

    def test_W5_nobody_can_subtract(self):
        self._orders(20)
        self._orders(15, state="draft")
        self._orders(1, state="cancel")
        self._build()
        # the total without both others would tell the single cancelled order
        self.assertEqual(self._numbers(), {"all": (36, 3600), "sale": (20, 2000)})

    def test_W5_suppression_cell_by_cell(self):
        total = Cell("all", 40, 0, 40)
        self.assertEqual(suppress([total, Cell("a", 40, 0, 40)]), [total, Cell("a", 40, 0, 40)])
        # no other part to hide behind, and two small ones make a large total
        small = [Cell("a", 9, 0, 9), Cell("b", 9, 0, 9)]
        whole = Cell("all", 18, 0, 18)
        self.assertEqual(suppress([whole, *small]), [whole])
        self.assertEqual(suppress([Cell("all", 9, 0, 9), Cell("a", 9, 0, 9)]), [])

    def test_W5_companies_are_counted_apart_and_a_month_once(self):
        orders = self._orders(12)
        self._orders(11, self.staying)
        self._build(self.leaving | self.staying)
        self.assertEqual(self._numbers()["all"], (12, 1200))
        self.assertEqual(self._numbers(self.staying)["all"], (11, 1100))
        orders[:3].state = "cancel"
        orders[:3].unlink()
        self._build()
        self.assertEqual(self._numbers()["all"], (12, 1200))

    # -- the proof -------------------------------------------------------------------------------

    def _proof(self):
        self.env["ajw.privacy.statistic"].with_user(self.officer).action_check()
        return self.env["ajw.privacy.statistic.proof"].search([], limit=1)

    def test_W5_the_look_finds_nobody(self):
        self._orders(12)
        self._build()
        proof = self._proof()
        self.assertEqual((proof.state, proof.findings), ("clean", False))
        self.assertEqual(proof.checked_by_id, self.officer)
        self.assertGreater(proof.row_count, 1)

    def test_W5_a_planted_name_is_found(self):
        self._orders(12)
        self._build()
        name = self.mine["customer"].name
        self.env.flush_all()
        # SQL: no way through the application puts it there
        self.env.cr.execute(
            "UPDATE ajw_privacy_statistic SET kind = %s WHERE company_id = %s AND kind = 'sale'",
            [f"of {name}", self.leaving.id],
        )
        self.env.invalidate_all()
        proof = self._proof()
        self.assertEqual(proof.state, "failed")
        self.assertIn("name somebody", proof.findings)
        self.assertNotIn(TOKEN, proof.findings)

    def test_W5_a_number_about_one_person_is_found(self):
        self._orders(12)
        self._build()
        self.env.cr.execute("UPDATE ajw_privacy_statistic SET least_persons = 2")
        self.env.invalidate_all()
        self.assertIn("too few people", self._proof().findings)

    # -- with a company that leaves --------------------------------------------------------------

    def test_W5_statistics_are_built_before_the_removal_and_stay(self):
        self._orders(12)
        departure = self._removed()
        self.assertEqual(departure.state, "done")
        self.assertEqual(self._numbers()["all"], (12, 1200))
        rows = self.env["ajw.privacy.statistic"].with_user(self.keeper)
        self.assertTrue(rows.search([("company_id", "=", self.leaving.id)]))
        self.assertEqual(self._proof_as(self.keeper).state, "clean")
        self.assertEqual(self._where(TOKEN), [])

    def _proof_as(self, user):
        self.env["ajw.privacy.statistic"].with_user(user).action_check()
        return self.env["ajw.privacy.statistic.proof"].search([], limit=1)

    # -- who -------------------------------------------------------------------------------------

    def test_A6_officers_read_their_own_companies_numbers_and_change_none(self):
        self._orders(12)
        self._build()
        numbers = self.env["ajw.privacy.statistic"]
        rows = numbers.search([("company_id", "=", self.leaving.id)])
        self.assertTrue(rows.with_user(self.officer).read(["row_count"]))
        for user in (self.other_officer, self.worker):
            with self.assertRaises(AccessError):
                rows.with_user(user).read(["row_count"])
        with self.assertRaises(AccessError):
            numbers.with_user(self.worker).action_check()
        self.assertFalse(rows.with_user(self.officer).has_access("write"))
        # not even who may do everything
        for deed in (
            lambda: rows.write({"row_count": 1}),
            rows.unlink,
            lambda: rows.copy({"kind": "x"}),
        ):
            with self.assertRaises(UserError):
                deed()
