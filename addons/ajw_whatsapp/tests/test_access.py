from odoo.exceptions import AccessError
from odoo.orm.models import NO_ACCESS
from odoo.tests import tagged
from odoo.tools import convert_file

from .document_common import OwnAndForeignOrder


@tagged("-at_install", "post_install")
class TestAccess(OwnAndForeignOrder):
    """Who reads messages and who may do something with them."""

    def test_M1_a_colleagues_message_cannot_be_read_cancelled_or_retried(self):
        theirs = self.theirs.with_user(self.seller)
        for call in (
            lambda: theirs.read(["body"]),
            lambda: theirs.body,
            theirs.action_cancel,
            theirs.action_retry,
            lambda: (theirs | self.mine.with_user(self.seller)).read(["number"]),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertEqual(self.theirs.state, "queued")
        mine = self.mine.with_user(self.seller)
        self.assertTrue(mine.read(["body"])[0]["body"])
        mine.action_cancel()
        self.assertEqual(self.mine.state, "cancelled")

    def test_M1_who_may_only_read_a_document_takes_nothing_of_it_back(self):
        self._opt_in(self.partner)
        invoice = self._create_invoice(invoice_user_id=self.seller.id)
        self._compose(invoice, self.billing).action_send()
        message = self._messages(invoice).with_user(self.seller)
        self.assertTrue(message.read(["state"]), "salespeople read the invoices of their orders")
        for name in ("action_cancel", "action_desk_cancel"):
            with self.subTest(name=name), self.assertRaises(AccessError):
                getattr(message, name)()
        self.assertEqual(message.state, "queued")
        message.with_user(self.billing).action_cancel()
        self.assertEqual(message.state, "cancelled")

    def test_M1_a_managers_test_message_is_no_users_business(self):
        message = self.mine._engine().create(
            {
                "company_id": self.company.id,
                "account_id": self.account.id,
                "partner_id": self.manager.partner_id.id,
                "number": "+919812345678",
                "res_model": "ajw.whatsapp.account",
                "res_id": self.account.id,
                "purpose_id": self.purpose_order.id,
                "template_id": self.order_template.id,
                "body": "Hello",
            }
        )
        self.assertTrue(self.account.with_user(self.seller).has_access("read"))
        theirs = message.with_user(self.seller)
        for call in (
            lambda: theirs.read(["number"]),
            theirs.action_cancel,
            theirs.action_desk_cancel,
            theirs.action_retry,
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertEqual(message.state, "queued")
        message.with_user(self.manager).action_cancel()
        self.assertEqual(message.state, "cancelled")

    def test_M1_search_leaves_foreign_messages_out(self):
        Message = self.env["ajw.whatsapp.message"].with_user(self.seller)
        both = [("id", "in", (self.mine | self.theirs).ids)]
        self.assertEqual(Message.search(both), self.mine)
        self.assertEqual(Message.search_count(both), 1)
        self.assertEqual(Message._read_group(both, [], ["__count"]), [(1,)])
        self.assertFalse(Message.search([*both, ("body", "ilike", self.foreign.name)]))

    def test_M1_the_documents_button_shows_its_messages(self):
        action = self.own.with_user(self.seller).action_ajw_whatsapp_messages()
        found = self.env["ajw.whatsapp.message"].with_user(self.seller).search(action["domain"])
        self.assertEqual(found, self.mine)
        self.assertTrue(found.read(["body", "number", "state"]))
        with self.assertRaises(AccessError):
            self.foreign.with_user(self.seller).action_ajw_whatsapp_messages()

    def test_M1_nobody_reads_the_portal_link(self):
        self.assertEqual(self.mine._fields["template_components"].groups, NO_ACCESS)
        for user in (self.seller, self.manager):
            with self.assertRaises(AccessError):
                self.mine.with_user(user).read(["template_components"])
            self.assertNotIn(
                "template_components", self.env["ajw.whatsapp.message"].with_user(user).fields_get()
            )

    def test_M1_what_customers_wrote_is_for_managers(self):
        inbound = self.mine._engine().create(
            {
                "direction": "inbound",
                "state": "received",
                "company_id": self.company.id,
                "account_id": self.account.id,
                "partner_id": self.partner.id,
                "number": self.number,
                "res_model": "sale.order",
                "res_id": self.own.id,
                "body": "My sister is ill, please wait.",
            }
        )
        Message = self.env["ajw.whatsapp.message"]
        self.assertNotIn(inbound, Message.with_user(self.seller).search([]))
        with self.assertRaises(AccessError):
            inbound.with_user(self.seller).read(["body"])
        self.assertEqual(inbound.with_user(self.manager).body, "My sister is ill, please wait.")
        self.assertIn(inbound, Message.with_user(self.manager).search([]))

    def test_M1_managers_see_all_of_their_companies_only(self):
        Message = self.env["ajw.whatsapp.message"].with_user(self.manager)
        self.assertLessEqual(self.mine | self.theirs, Message.search([]))
        other = self.env["res.company"].create({"name": "Other Trading"})
        stranger = self._create_user(
            "doc_strange_manager",
            "ajw_whatsapp.group_manager",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(Message.with_user(stranger).search([("id", "in", self.mine.ids)]))
        with self.assertRaises(AccessError):
            self.mine.with_user(stranger).read(["body"])

    def test_M1_a_deleted_document_keeps_its_messages_from_users(self):
        self.mine._engine().res_id = 999999999
        with self.assertRaises(AccessError):
            self.mine.with_user(self.seller).read(["body"])

    def test_M1_access_costs_the_same_for_many(self):
        orders = self.own
        for _index in range(4):
            order = self._create_order()
            self._compose(order, self.seller).action_send()
            orders |= order
        messages = self.env["ajw.whatsapp.message"].search([("res_id", "in", orders.ids)])
        counts = []
        for batch in (messages[:1], messages):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            batch.with_user(self.seller).read(["state"])
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0])

    def test_whoever_sends_sees_the_desk_and_only_managers_the_settings(self):
        Menu = self.env["ir.ui.menu"]
        for name in ("menu_overview", "menu_messages_all", "menu_messages_uncertain"):
            menu = self.env.ref(f"ajw_whatsapp.{name}")
            for user in (self.seller, self.manager):
                self.assertIn(menu.id, Menu.with_user(user)._visible_menu_ids(), name)
            self.assertNotIn(menu.id, Menu.with_user(self.consent_user)._visible_menu_ids())
        setup = self.env.ref("ajw_whatsapp.menu_setup")
        self.assertNotIn(setup.id, Menu.with_user(self.seller)._visible_menu_ids())
        self.assertIn(setup.id, Menu.with_user(self.manager)._visible_menu_ids())

    def test_an_upgrade_does_not_make_admin_a_manager_again(self):
        admin, group = self.env.ref("base.user_admin"), self.env.ref("ajw_whatsapp.group_manager")
        self.assertIn(group, admin.all_group_ids)
        admin.group_ids -= group
        convert_file(
            self.env, "ajw_whatsapp", "security/groups.xml", {}, mode="update", noupdate=False
        )
        self.assertNotIn(group, admin.group_ids)
