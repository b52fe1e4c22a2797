from lxml import etree

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import PrivacyCommon

MODELS = (
    "ajw.privacy.policy",
    "ajw.privacy.prior.notice",
    "ajw.privacy.run",
    "ajw.privacy.data.map",
    "ajw.privacy.data.line",
    "ajw.privacy.data.override",
    "ajw.privacy.data.sample",
    "ajw.privacy.departure",
    "ajw.privacy.departure.package",
    "ajw.privacy.departure.place",
    "ajw.privacy.departure.row",
    "ajw.privacy.dry.run",
    "ajw.privacy.dry.run.line",
    "ajw.privacy.statistic",
    "ajw.privacy.statistic.proof",
)


@tagged("post_install", "-at_install")
class TestSecurity(PrivacyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._classify("body")

    def test_A6_only_the_officer_has_access(self):
        for user in (self.internal, self.admin):
            self.assertFalse(user.has_group("ajw_consent.group_officer"), user.login)
            for model in MODELS:
                for operation in ("read", "write", "create", "unlink"):
                    self.assertFalse(
                        self.env[model].with_user(user).has_access(operation),
                        f"{user.login} {operation} {model}",
                    )

    def test_A6_methods_refuse_others(self):
        policy = self._policy()
        for user in (self.internal, self.admin):
            with self.assertRaises(AccessError):
                policy.with_user(user).action_dry_run()
            with self.assertRaises(AccessError):
                policy.with_user(user).action_run()
            with self.assertRaises(AccessError):
                self.env["ajw.privacy.data.map"].with_user(user).action_refresh()
            with self.assertRaises(AccessError):
                self.env["ajw.privacy.data.map"].with_user(user).action_check_content()

    def test_every_button_can_be_pressed(self):
        """A button sends ids of records, which a method of the model alone does not take."""
        known = self.env["ir.model.data"].search(
            [("model", "=", "ir.ui.view"), ("module", "=like", "ajw\\_%")]
        )
        pressed = 0
        for view in self.env["ir.ui.view"].browse(known.mapped("res_id")):
            for button in etree.fromstring(view.arch).iterfind(".//button[@type='object']"):
                name = button.get("name")
                models = [
                    view.model,
                    *(
                        field.comodel_name
                        for field in self.env[view.model]._fields.values()
                        if field.relational
                    ),
                ]
                methods = [getattr(self.env[model], name, None) for model in models
                           if model in self.env]  # fmt: skip
                methods = [method for method in methods if method]
                self.assertTrue(methods, f"{view.xml_id} {name}")
                pressed += 1
                for method in methods:
                    self.assertFalse(getattr(method, "_api_model", False), f"{view.xml_id} {name}")
        self.assertGreater(pressed, 50)
        officer = self.env["ajw.privacy.statistic"].with_user(self.officer)
        answer = call_kw(officer, "action_check", [[]], {})
        self.assertEqual(answer["tag"], "display_notification")

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_runs_and_map_are_read_only_even_for_the_officer(self):
        policy = self._policy(self.officer, company_id=self.company.id)
        self._run_cron()
        run = self._runs(policy).with_user(self.officer)
        self.assertEqual(run.state, "done")
        row = self.env["ajw.privacy.data.map"].with_user(self.officer).search([], limit=1)
        line = self.env["ajw.privacy.data.line"].with_user(self.officer).search([], limit=1)
        for record, values in (
            (run, {"rows_done": 7}), (row, {"state": "classified"}), (line, {"erase": "none"})
        ):  # fmt: skip
            self.assertTrue(record)
            with self.assertRaises(AccessError):
                record.write(values)
            with self.assertRaises(AccessError):
                record.unlink()
            with self.assertRaises(AccessError):
                record.create({})

    def test_W2_policies_and_runs_of_another_company_are_invisible(self):
        theirs = self._policy(self.other_officer, company_id=self.other_company.id)
        shared = self._policy()
        self._note(40)
        self._note(40, self.other_company)
        self._run_cron()
        mine = self.env["ajw.privacy.policy"].with_user(self.officer)
        self.assertNotIn(theirs, mine.search([]))
        self.assertIn(shared, mine.search([]))
        self.assertNotIn(
            self.other_company,
            self.env["ajw.privacy.run"].with_user(self.officer).search([]).company_id,
        )
        with self.assertRaises(AccessError):
            theirs.with_user(self.officer).read(["name"])

    def test_W2_an_officer_of_one_company_cannot_reach_another(self):
        with self.assertRaises(AccessError):
            self._policy(self.officer)  # would cover every company
        with self.assertRaises(AccessError):
            self._policy(self.officer, company_id=self.other_company.id)
        policy = self._policy(self.officer, company_id=self.company.id)
        with self.assertRaises(AccessError):
            policy.company_id = False
        with self.assertRaises(AccessError):
            policy.company_id = self.other_company.id
        shared = self._policy().with_user(self.officer)
        for values in ({"max_age": 1}, {"active": False}):
            with self.assertRaises(AccessError):
                shared.write(values)
        with self.assertRaises(AccessError):
            shared.action_run()
        with self.assertRaises(AccessError):
            shared.unlink()

    def test_W2_what_counts_in_every_company_is_written_on_by_who_acts_for_all(self):
        law = self.env["ajw.privacy.jurisdiction"].create({"name": "A law", "code": "LAW"})
        own = self._policy(company_id=self.company.id)
        override = self.env["ajw.privacy.data.override"].create(
            {
                "model_name": "res.partner",
                "field_name": "color",
                "category": "technical",
                "erase": "none",
                "reason": "test",
            }
        )
        person = self.env["res.partner"].create({"name": "Somebody"})
        hold = self.env["ajw.privacy.hold"].create(
            {
                "name": "Case 1",
                "company_id": False,
                "reason": "A claim.",
                "partner_id": person.id,
            }
        )
        everybodys = (law, self._policy(), override, hold)
        for record in everybodys:
            mine = record.with_user(self.officer)
            before = record.message_ids
            with self.subTest(record._name):
                self.assertTrue(mine.has_access("read"))
                self.assertFalse(mine.has_access("write"))
                with self.assertRaises(AccessError):
                    mine.message_post(body="Not mine to say")
                with self.assertRaises(AccessError):
                    self.env["mail.message"].with_user(self.officer).create(
                        {"model": record._name, "res_id": record.id, "body": "Not mine to say"}
                    )
                self.assertEqual(record.message_ids, before)
        self.assertTrue(own.with_user(self.officer).message_post(body="Mine"))
        everybody = self.env["res.company"].search([])
        self.officer.company_ids = everybody
        for record in everybodys:
            with self.subTest(record._name):
                self.assertTrue(record.with_user(self.officer).message_post(body="For all"))

    def test_W2_dry_run_of_a_shared_policy_counts_only_own_companies(self):
        self._note(40)
        for _ in range(3):
            self._note(40, self.other_company)
        policy = self._policy().with_user(self.officer)
        wizard = self.env["ajw.privacy.dry.run"].browse(policy.action_dry_run()["res_id"])
        self.assertEqual(wizard.row_count, 1)
        self.assertEqual(wizard.line_ids.company_id, self.company)

    def test_run_now_wakes_the_scheduled_action(self):
        policy = self._policy(self.officer, company_id=self.company.id)
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        policy.action_run()
        after = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        self.assertEqual(len(after - triggers), 1)
