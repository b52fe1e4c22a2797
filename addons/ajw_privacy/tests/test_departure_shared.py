from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ..engine.departure import COMPANY_COLUMNS, Link, links_statement
from .departure_common import DepartureCommon


@tagged("post_install", "-at_install")
class TestDepartureShared(DepartureCommon):
    """W3: what several companies use stays as it is, whoever of them leaves."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parent = cls.env["res.partner"].create(
            {"name": "Acme", "street": "Long Street 1", "zip": "1011", "city": "Berne",
             "country_id": cls.env.ref("base.ch").id, "vat": False, "phone": "+41 44 668 18 00"}
        )  # fmt: skip
        cls.shared.write({"parent_id": cls.parent.id, "email": "shared@example.com"})
        cls.portal = new_test_user(
            cls.env, "leave_portal", "base.group_portal", partner_id=cls.shared.id,
            company_id=cls.leaving.id, company_ids=[Command.set(cls.leaving.ids)],
        )  # fmt: skip
        cls.file_of_shared = cls.env["ir.attachment"].create(
            {"name": "sheet.txt", "raw": b"sheet", "res_model": "res.partner",
             "res_id": cls.shared.id, "company_id": cls.leaving.id}
        )  # fmt: skip
        cls.loose_file = cls.env["ir.attachment"].create(
            {"name": "loose.txt", "raw": b"loose", "company_id": cls.leaving.id}
        )
        cls.worker.partner_id.parent_id = cls.parent
        # an invitation to the portal ends with its login
        (cls.shared | cls.worker.partner_id).signup_type = False
        cls.sibling = cls.env["res.partner"].create({"name": "Next", "parent_id": cls.parent.id})
        cls.env.flush_all()

    def _written(self, *records):
        """The rows of some records, as JSON."""
        self.env.flush_all()
        return [
            self.env.execute_query(
                SQL("SELECT to_jsonb(t) FROM %s t WHERE id IN %s ORDER BY id",
                    SQL.identifier(each._table), each._ids)
            )
            for each in records
        ]  # fmt: skip

    def _all_theirs(self):
        """All rows that say they are the company's that stays, whatever the search finds."""
        columns = {
            link.table: link.column
            for link in map(Link._make, self.env.execute_query(links_statement()))
            if link.target == "res_company" and link.column in COMPANY_COLUMNS
        }
        return {
            table: self.env.execute_query(
                SQL("SELECT to_jsonb(t) FROM %s t WHERE %s = %s ORDER BY id",
                    SQL.identifier(table), SQL.identifier("t", column), self.staying.id)
            )
            for table, column in sorted(columns.items())
            if not table.startswith("ajw_privacy_departure")
        }  # fmt: skip

    def test_W3_a_shared_contact_with_a_login_of_the_company_keeps_everything(self):
        note = self.shared.with_company(self.staying).message_post(body="Theirs")
        before = self._written(self.shared, self.parent, self.sibling, note)
        theirs = self._all_theirs()
        self.assertTrue(theirs["sale_order"] if "sale.order" in self.env else theirs["res_partner"])
        self._removed()
        self.env.invalidate_all()
        self.assertFalse(self.portal.active)
        self.assertFalse(self.loose_file.exists())
        # the file is everybody's now
        self.assertEqual(self.file_of_shared.raw, b"sheet")
        self.assertFalse(self.file_of_shared.company_id)
        self.assertEqual(self._written(self.shared, self.parent, self.sibling, note), before)
        self.assertEqual(self._all_theirs(), theirs)

    def test_W3_a_closed_contact_empties_neither_its_parent_nor_its_colleagues(self):
        contact = self.worker.partner_id
        self.assertEqual(contact.city, "Berne")
        before = self._written(self.parent, self.sibling)
        self._removed()
        self.env.invalidate_all()
        self.assertFalse(contact.city or contact.active)
        self.assertNotIn("leave_worker", contact.name)
        self.assertEqual(self._written(self.parent, self.sibling), before)

    def test_W3_contacts_that_another_company_names_keep_their_names(self):
        if "account.move" not in self.env:
            self.skipTest("Accounting is not installed")
        contact, company = self.worker.partner_id, self.leaving.partner_id
        self.env["account.move"].with_company(self.staying).create(
            [
                {"move_type": "out_invoice", "partner_id": each.id, "company_id": self.staying.id,
                 "invoice_line_ids": [Command.create({"name": "Tea", "price_unit": 1,
                                                      "tax_ids": False})]}
                for each in (contact, company)
            ]
        ).action_post()  # fmt: skip
        before = self._written(contact, company)
        theirs = self._all_theirs()
        self._removed()
        self.env.invalidate_all()
        self.assertEqual(self._written(contact, company), before)
        self.assertEqual(self._all_theirs(), theirs)
        self.assertFalse(self.worker.active)

    def test_W3_a_row_that_was_given_to_another_company_since_stays(self):
        customer = self.env["res.partner"].create({"name": "Moved", "company_id": self.leaving.id})
        self.env.flush_all()
        departure = self._approved(**self._over()).with_user(self.keeper).sudo()
        departure._begin_removal()
        found = self._remaining(departure)
        self.assertEqual(found["res_partner", customer.id], "go")
        customer.company_id = self.staying
        self._advance(departure)
        self.assertIn(departure.state, ("done", "kept"), departure.error)
        self.assertEqual(customer.exists().name, "Moved")

    # -- who decides, and until when -------------------------------------------------------------

    def test_A6_who_changes_what_leaves_or_when_cannot_approve_it(self):
        for values in ({"recall_days": 20}, {"ended_on": fields.Date.today()}):
            with self.subTest(values):
                departure = self._exported()
                departure.with_user(self.second).write(values)
                with self.assertRaisesRegex(UserError, "yourself"):
                    departure.with_user(self.second).action_approve()
                departure.with_user(self.officer).action_approve()
                departure.with_user(self.officer).action_recall()
                self.env.flush_all()

    def test_T8_no_approval_leaves_no_day_for_a_recall(self):
        departure = self._exported(**self._over())
        with self.assertRaisesRegex(UserError, "No day would be left"):
            departure.with_user(self.second).action_approve()
        self.assertTrue(self.worker.active)

    def test_T8_nothing_is_approved_on_an_old_copy(self):
        departure = self._exported()
        departure._step(exported_at=fields.Datetime.now() - timedelta(hours=25))
        with self.assertRaisesRegex(UserError, "Copy again"):
            departure.with_user(self.second).action_approve()
        departure.action_start()
        self._advance(departure)
        departure.with_user(self.second).action_approve()
        self.assertEqual(departure.state, "waiting")

    def test_T8_nothing_is_approved_without_a_copy(self):
        departure = self._exported()
        departure.sudo().package_ids.unlink()
        with self.assertRaisesRegex(UserError, "Copy again"):
            departure.with_user(self.second).action_approve()

    def test_T8_what_failed_before_anything_went_can_be_called_back(self):
        departure = self._approved(**self._over()).sudo()
        self.assertFalse(self.worker.active)
        hold = self.env["ajw.privacy.hold"].create(
            {"name": "Case 7", "company_id": self.leaving.id, "reason": "A claim.",
             "partner_id": self.mine["customer"].id}
        )  # fmt: skip
        departure._begin_removal()
        self.assertEqual(departure.state, "failed")
        departure.with_user(self.officer).action_recall()
        self.assertEqual(departure.state, "recalled")
        self.assertTrue(self.worker.active)
        hold.active = False
        self.env.flush_all()
        with self.subTest("what has begun cannot"):
            begun = self._approved(**self._over()).sudo()
            begun._begin_removal()
            begun._step(state="failed")
            with self.assertRaisesRegex(UserError, "has begun"):
                begun.action_recall()

    def test_C4_a_company_that_is_in_use_again_is_not_removed_on_the_old_approval(self):
        departure = self._removed()
        departure._step(state="kept")
        self.leaving.active = True
        customer = self.env["res.partner"].create({"name": "New", "company_id": self.leaving.id})
        departure._begin_removal()
        self.assertEqual(departure.state, "failed")
        self.assertRegex(departure.error, "in use again")
        self.assertTrue(customer.exists())
