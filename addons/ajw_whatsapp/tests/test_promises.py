"""Promises about what messages are used for, and through whom they go."""

from lxml import etree

from odoo.tests import tagged
from odoo.tools import SQL
from odoo.tools.safe_eval import safe_eval

from .common import WhatsappCommon

#: Something that stands nowhere else in the database.
WRITTEN = "Zwetschgenknoedel for my mother-in-law"
#: Where what a person wrote is kept: the message, and the call that brought it.
KEPT = {"ajw_whatsapp_message", "ajw_whatsapp_webhook_event"}


@tagged("post_install", "-at_install")
class TestOfficialApi(WhatsappCommon):
    """P7: official APIs only."""

    def _official(self):
        [row] = self.account.with_user(self.manager)._run_self_test(("official",))
        return row

    def test_P7_an_account_goes_to_meta_if_nobody_decides_otherwise(self):
        account = self.env["ajw.whatsapp.account"].with_user(self.manager).create({"name": "New"})
        self.assertEqual(account.base_url, "https://graph.facebook.com")
        self.assertFalse(account.warning)
        [row] = account._run_self_test(("official",))
        self.assertEqual((row["result"], row["advice"]), ("ok", ""))

    def test_P7_an_address_that_is_not_metas_is_warned_of(self):
        for host in (
            "gateway.example",
            "graph.facebook.com.example",
            "facebook.com",
            "192.168.1.5",
            "graph-facebook.com",
        ):
            with self.subTest(host=host):
                self.account.base_url = f"https://{host}"
                self.assertIn(f"{host}, which is not Meta", self.account.warning)
                self.assertIn(host, self.account.with_user(self.user).warning, "users see it too")
                row = self._official()
                self.assertEqual(row["result"], "bad")
                self.assertIn(host, row["text"])
                self.assertIn("https://graph.facebook.com", row["advice"])
        self.account.base_url = "https://GRAPH.facebook.com."
        self.assertFalse(self.account.warning)
        self.assertEqual(self._official()["result"], "ok")

    def test_P7_it_is_warned_of_beside_everything_else(self):
        self.account.base_url = "https://gateway.example"
        self.account.cron_id.active = False
        self.assertIn("switched off", self.account.warning)
        self.assertIn("gateway.example", self.account.warning)

    def test_P7_a_set_up_by_steps_does_not_connect_to_it(self):
        account = self.account.with_user(self.manager)
        account.base_url = "https://gateway.example"
        account.setup_step = "token"
        self.assertEqual(account.action_setup_check()["params"]["type"], "danger")
        self.assertEqual(account.state, "draft")

    def test_P7_a_stand_in_on_this_machine_is_for_trying_out(self):
        for host in ("http://127.0.0.1:8090", "http://localhost:1", "http://[::1]:1"):
            with self.subTest(host=host):
                self.account.base_url = host
                self.assertFalse(self.account.warning)
                row = self._official()
                self.assertEqual(row["result"], "unknown")
                self.assertIn("stand-in", row["text"])


@tagged("post_install", "-at_install")
class TestUseOfMessages(WhatsappCommon):
    """A3: no audience from who read or replied. P8: content for communication and service only."""

    def _deliver(self):
        """A message that arrived; nobody knows yet whether it was read."""
        message = self._enqueue()
        self._run_outbox()
        self._hear(self._status(message, "delivered"))
        self.assertEqual(message.state, "delivered")
        return message

    def _read_and_answer(self, message):
        self._hear(self._status(message, "read"), self._inbound(WRITTEN))
        self.assertEqual(message.state, "read")
        answer = self.env["ajw.whatsapp.message"].search([("wamid", "=", "wamid.in1")])
        self.assertEqual((answer.body, answer.partner_id), (WRITTEN, self.partner))

    def _hear(self, *payloads):
        for payload in payloads:
            self._report(payload)
        self._run_webhooks()
        self.env.flush_all()
        self.env.invalidate_all()

    def _picture(self):
        """All that is on record of the contact, and what may be sent to it."""
        names = [
            name
            for name, field in self.partner._fields.items()
            if field.store and name not in ("write_date", "write_uid")
        ]
        purposes = self.env["ajw.consent.purpose"].search([])
        return (
            self.partner.read(names),
            {purpose.code: self._ask_gate(self.partner, purpose) for purpose in purposes},
            self.env["ajw.consent.event"].search_count([("partner_id", "=", self.partner.id)]),
        )

    def test_A3_reading_and_answering_changes_nothing_about_the_contact(self):
        message = self._deliver()
        before = self._picture()
        self._read_and_answer(message)
        self.assertEqual(self._picture(), before)

    def test_A3_no_way_leads_from_a_contact_to_what_was_read_or_answered(self):
        """Mailings, segments and exports choose contacts by the fields that contacts have."""
        for model in ("res.partner", "res.users", "mailing.contact", "crm.lead"):
            if model not in self.env:
                continue
            for name, field in self.env[model]._fields.items():
                with self.subTest(model=model, field=name):
                    self.assertNotEqual(field.comodel_name, "ajw.whatsapp.message")
                    self.assertNotIn("ajw_whatsapp_state", str(field.related or ""))

    def _filters(self):
        """Return (what, condition) of every filter and list that our addons bring."""
        ours = self.env["ir.model.data"].search(
            [("module", "=like", "ajw_%"), ("model", "in", ["ir.ui.view", "ir.actions.act_window"])]
        )
        by_model = ours.grouped("model")
        views = self.env["ir.ui.view"].browse(by_model["ir.ui.view"].mapped("res_id"))
        for view in views.filtered(lambda view: view.type == "search"):
            for node in etree.fromstring(view.arch_db).iter("filter"):
                for attribute in ("domain", "context", "date"):
                    if value := node.get(attribute):
                        yield f"{view.name}: {node.get('name')}", value
        actions = self.env["ir.actions.act_window"]
        for action in actions.browse(by_model["ir.actions.act_window"].mapped("res_id")):
            for value in (action.domain, action.context):
                if value:
                    yield action.name, value

    def test_A3_no_filter_tells_who_read_from_whom_it_merely_reached(self):
        found = 0
        for what, condition in self._filters():
            with self.subTest(what):
                self.assertNotIn("read_at", condition)
                if "'read'" not in condition:
                    continue
                found += 1
                for leaf in safe_eval(condition):
                    value = leaf[2] if len(leaf) == 3 else ()
                    self.assertNotEqual(value, "read", "alone")
                    if isinstance(value, list | tuple) and "read" in value:
                        self.assertIn("delivered", value)
        self.assertGreaterEqual(found, 2, "filters of what arrived were looked at")

    def _tables_with(self, text):
        """Return the names of all tables in which a text stands."""
        self.env.cr.execute(
            """SELECT table_name FROM information_schema.tables
                WHERE table_schema = current_schema AND table_type = 'BASE TABLE'"""
        )
        found = set()
        for [table] in self.env.cr.fetchall():
            self.env.cr.execute(
                SQL(
                    "SELECT EXISTS (SELECT FROM %s one_row WHERE strpos(one_row::text, %s) > 0)",
                    SQL.identifier(table),
                    text,
                )
            )
            if self.env.cr.fetchone()[0]:
                found.add(table)
        return found

    def test_P8_what_a_person_wrote_goes_nowhere_else(self):
        self._read_and_answer(self._deliver())
        self.assertEqual(self._tables_with(WRITTEN), KEPT)

    def test_P8_no_consent_makes_this_addon_send_marketing(self):
        """Neither one to invoices, for a text that Meta holds for marketing, nor one to marketing.

        Campaigns are an addon of their own.
        """
        partner = self._create_partner("Agreed To All", "+919812345678")
        for purpose in (self.purpose_invoice, self.purpose_marketing):
            self._opt_in(partner, purpose)
            template = self._create_template(
                name=f"promo_{purpose.code}", category="MARKETING", purpose_id=purpose.id
            )
            message = self._enqueue(partner, template_id=template.id, purpose_id=purpose.id)
            self._run_outbox()
            self.assertEqual(
                (message.state, message.refusal_reason), ("refused", "purpose_not_covered")
            )
        self.assertFalse(self.meta.of("send"))
        self.assertFalse(self.meta.of("upload"))
