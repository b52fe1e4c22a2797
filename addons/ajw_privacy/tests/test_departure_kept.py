import json
from datetime import timedelta

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from .departure_common import TOKEN, DepartureCommon


@tagged("post_install", "-at_install")
class TestDepartureKept(DepartureCommon):
    """C4: what a law keeps of a company that left stays until its day, and is certified."""

    def _fates(self, departure):
        """Model → what becomes of its rows."""
        found = {}
        for place in departure.place_ids:
            found.setdefault(place.model_name, set()).add(place.fate)
        return found

    def _payment(self):
        payment = self.env["account.payment"].with_company(self.leaving).create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.mine["customer"].id,
                "amount": 20,
                "memo": f"{TOKEN} paid",
                "company_id": self.leaving.id,
            }
        )  # fmt: skip
        payment.action_post()
        return payment

    def _bill(self):
        """A bill with the supplier's own document, and a draft that is in no books."""
        bills = self.env["account.move"].with_company(self.leaving).create(
            [
                {
                    "move_type": "in_invoice",
                    "partner_id": self.mine["customer"].id,
                    "invoice_date": fields.Date.today(),
                    "company_id": self.leaving.id,
                    "invoice_line_ids": [
                        Command.create({"name": "Tea", "price_unit": 5, "tax_ids": False})
                    ],
                }
                for _number in range(2)
            ]
        )  # fmt: skip
        bills[0].action_post()
        files = self.env["ir.attachment"].create(
            [
                {"name": f"{at}.pdf", "raw": b"%PDF-1.4 received", "res_model": "account.move",
                 "res_id": bill.id}
                for at, bill in enumerate(bills)
            ]
        )  # fmt: skip
        return bills, files

    def test_C4_payments_and_vouchers_stay_and_drafts_and_orders_go(self):
        payment = self._payment()
        bills, files = self._bill()
        self.env.flush_all()
        departure = self._removed()
        self.assertEqual(departure.state, "kept")
        self.env.invalidate_all()
        self.assertTrue(payment.exists() and bills[0].exists() and files[0].exists())
        self.assertEqual(payment.memo, f"{TOKEN} paid")
        self.assertFalse(bills[1].exists() or files[1].exists())
        self.assertFalse(self.mine["order"].exists() or self.mine["file"].exists())
        fates = self._fates(departure)
        for model in ("account.payment", "account.move", "ir.attachment", "account.move.line"):
            self.assertIn("kept", fates[model], model)
        self.assertEqual(fates["sale.order"], {"go"})
        # whom the entries name stays with them, and is told
        self.assertIn("needed", fates["res.partner"])

    def test_C4_the_certificate_names_each_kept_model_with_law_and_day(self):
        self._payment()
        self._bill()
        self.env.flush_all()
        departure = self._removed()
        content = json.loads(departure.certificate_ids.content)["certificate"]
        kept = {each["model"]: each for each in content["kept"]}
        for model in ("account.payment", "account.move", "ir.attachment"):
            self.assertTrue(kept[model]["article"], model)
            self.assertGreater(kept[model]["until"], str(fields.Date.today()), model)
        self.assertTrue(departure.certificate_ids.is_genuine)

    def test_C4_the_printed_certificate_tells_of_a_company_and_names_nobody(self):
        self._payment()
        self.env.flush_all()
        departure = self._removed()
        reports = self.env["ir.actions.report"].with_user(self.keeper)
        html = reports._render_qweb_html(
            "ajw_privacy.report_certificate", departure.certificate_ids.ids
        )[0].decode()
        self.assertIn("Company that left", html)
        self.assertIn(departure.subject_ref, html)
        kept = departure.kept_ids.filtered(lambda place: place.model_name == "account.payment")
        self.assertIn(kept.article, html)
        for words in ("does not verify", "names somebody of the same name", TOKEN, "Leaving A"):
            self.assertNotIn(words, html)

    def test_C4_messages_that_an_audit_trail_protects_stay_with_their_entry(self):
        self.leaving.restrictive_audit_trail = True
        invoice = self.mine["invoice"]
        invoice.action_post()
        said = invoice.message_post(body="Changed", message_type="notification")
        order_said = self.mine["order"].message_post(body="No entry")
        self.env.flush_all()
        departure = self._removed()
        self.env.invalidate_all()
        self.assertTrue(said.exists())
        self.assertFalse(order_said.exists())
        self.assertIn("kept", self._fates(departure)["mail.message"])

    def test_C4_documents_of_ended_proceedings_stay_a_year_longer(self):
        """CGST Act 2017, s. 36, proviso: a year after the appeal is over, if that is later."""
        self.leaving.country_id = self.env.ref("base.in")
        appealed, other = bills = self._bill()[0]
        other.action_post()
        # SQL: as if the years were over
        self.env.cr.execute(
            "UPDATE account_move SET date = '2014-05-10', invoice_date = '2014-05-10' "
            "WHERE id IN %s", [bills._ids],
        )  # fmt: skip
        self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Appeal", "kind": "record", "model_name": "account.move",
             "res_id": appealed.id, "reason": "An appeal.", "date_from": "2016-01-01",
             "date_until": fields.Date.today() - timedelta(days=30)}
        )  # fmt: skip
        self.env.invalidate_all()
        departure = self._removed()
        self.env.invalidate_all()
        self.assertEqual(bills.exists(), appealed)
        articles = departure.kept_ids.filtered(lambda each: each.model_name == "account.move")
        self.assertEqual(articles.mapped("article"), ["CGST Act 2017, s. 36"])

    def test_C4_what_is_due_goes_by_itself_on_the_day_after(self):
        payment = self._payment()
        self.env.flush_all()
        departure = self._removed()
        self.assertTrue(departure.due_again_on)
        self.assertTrue(payment.exists())
        # SQL: as if the years were over
        self.env.cr.execute(
            "UPDATE account_payment SET date = '2001-01-01' WHERE id = %s", [payment.id]
        )
        self.env.cr.execute(
            "UPDATE account_move SET date = '2001-01-01', invoice_date = '2001-01-01' "
            "WHERE company_id = %s",
            [self.leaving.id],
        )
        self.env.invalidate_all()
        departure._step(due_again_on=fields.Date.today() - timedelta(days=1))
        with self.enter_registry_test_mode():
            self.env.ref("ajw_privacy.ir_cron_departure").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(departure.state, "done", departure.error)
        self.assertFalse(payment.exists())
        self.assertEqual(self._where(TOKEN), [])

    def test_C4_the_plan_says_before_the_approval_what_goes_and_what_stays(self):
        self._payment()
        self.env.flush_all()
        departure = self._exported()
        mine = departure.with_user(self.second)
        going = {place.model_name: place.row_count for place in mine.going_ids}
        self.assertGreaterEqual(going["sale.order"], 1)
        kept = mine.kept_ids.filtered(lambda place: place.model_name == "account.payment")
        self.assertTrue(kept.article and kept.until)
        self.assertEqual(mine.going_count, sum(going.values()))
        self.assertFalse(mine.used_ids)
        self.assertTrue(self.mine["order"].exists())
