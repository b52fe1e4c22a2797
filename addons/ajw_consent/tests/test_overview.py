from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestOverview(ConsentCommon):
    """The contact shows what the gate answers, to those who may see it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.email = "customer@example.com"
        cls.partner.email = cls.email
        cls.purposes = cls.env["ajw.consent.purpose"].search([])
        cls.purpose_marketing.double_opt_in = False

    def _overview(self, user=None, partner=None):
        self.env.invalidate_all()
        partner = (partner or self.partner).with_user(user or self.consent_user)
        return partner.with_company(self.company).ajw_consent_overview

    def _cell(self, overview, purpose, key, section=0):
        rows = {row["id"]: row for row in overview["sections"][section]["rows"]}
        return next(cell for cell in rows[purpose.id]["cells"] if cell["key"] == key)

    def _event(self, kind, purposes=None, channel="whatsapp", address=None, **values):
        return self.env["ajw.consent.event"]._record(
            values.pop("controller", self.controller),
            values.pop("partner", self.partner),
            purposes or self.purpose_invoice,
            channel,
            address or self.number,
            kind,
            "in_person",
            notice=self.notice if kind in ("given", "renewed") else None,
            **values,
        )

    def _assert_as_gate(self, overview):
        section = overview["sections"][0]
        columns = {column["key"]: column for column in section["columns"]}
        for row in section["rows"]:
            purpose = self.env["ajw.consent.purpose"].browse(row["id"])
            for cell in row["cells"]:
                column = columns[cell["key"]]
                pair = (self.partner.id, column["address"])
                answer = self.env["ajw.consent.gate"]._check(
                    self.controller, purpose, column["channel"], [pair]
                )[pair]
                with self.subTest(row["name"], column=cell["key"]):
                    self.assertEqual(
                        (cell["allowed"], cell["reason"]), (answer.allowed, answer.reason)
                    )
                    self.assertTrue(cell["label"] and cell["sentence"])

    def test_matrix_shows_what_the_gate_answers(self):
        now = fields.Datetime.now()
        self._event("given", self.purpose_invoice | self.purpose_order)
        self._event("given", self.purpose_marketing, occurred_at=now - timedelta(days=9))
        self._event("withdrawn", self.purpose_marketing, occurred_at=now - timedelta(days=8))
        self._event("refused", self.purpose_marketing, "email", self.email)
        self._event("given", self.purpose_invoice, "whatsapp", "+919876500009")
        overview = self._overview()
        self._assert_as_gate(overview)
        whatsapp, old = f"whatsapp:{self.number}", "whatsapp:+919876500009"
        self.assertTrue(self._cell(overview, self.purpose_invoice, whatsapp)["allowed"])
        self.assertEqual(
            self._cell(overview, self.purpose_marketing, whatsapp)["reason"], "withdrawn"
        )
        self.assertEqual(
            self._cell(overview, self.purpose_marketing, f"email:{self.email}")["label"], "Refused"
        )
        columns = {column["key"]: column for column in overview["sections"][0]["columns"]}
        self.assertTrue(columns[old]["former"])
        self.assertFalse(columns[whatsapp]["former"])
        self.assertIn(f"sms:{self.number}", columns)

    def test_matrix_follows_blacklist_and_restriction(self):
        self._event("given")
        self.env["phone.blacklist"].create({"number": self.number})
        overview = self._overview()
        self._assert_as_gate(overview)
        cell = self._cell(overview, self.purpose_invoice, f"whatsapp:{self.number}")
        self.assertEqual(cell["reason"], "blacklisted")
        self.env["ajw.consent.restriction"]._restrict(self.controller, self.partner, "Disputed")
        overview = self._overview()
        self._assert_as_gate(overview)
        self.assertEqual(
            {cell["reason"] for row in overview["sections"][0]["rows"] for cell in row["cells"]},
            {"restricted"},
        )

    def test_C2_withdraw_from_the_matrix(self):
        self._event("given")
        cell = self._cell(self._overview(), self.purpose_invoice, f"whatsapp:{self.number}")
        states = self.env["ajw.consent.state"].with_user(self.consent_user)
        states.browse(cell["withdraw_ids"]).action_withdraw()
        cell = self._cell(self._overview(), self.purpose_invoice, f"whatsapp:{self.number}")
        self.assertEqual((cell["reason"], cell["withdraw_ids"]), ("withdrawn", []))
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_timeline(self):
        now = fields.Datetime.now()
        self._event("given", occurred_at=now - timedelta(days=3))
        self._event("withdrawn", occurred_at=now - timedelta(days=1))
        overview = self._overview()
        last, first = overview["events"]
        self.assertEqual((last["kind"], first["kind"]), ("withdrawn", "given"))
        self.assertEqual(first["address"], self.number)
        self.assertEqual(first["method"], "In person")
        self.assertEqual(first["notice_id"], self.notice.id)
        self.assertFalse(last["notice"])
        self.assertFalse(overview["may_see_evidence"])
        self.assertTrue(self._overview(self.officer)["may_see_evidence"])

    def test_timeline_shows_the_latest_and_says_there_are_more(self):
        now = fields.Datetime.now()
        for day in range(25):
            self._event("refused", occurred_at=now - timedelta(days=day))
        overview = self._overview()
        self.assertEqual(len(overview["events"]), 20)
        self.assertTrue(overview["more"])
        self.assertEqual(overview["events"][0]["when"], fields.Datetime.to_string(now))

    def test_W2_only_the_controllers_of_the_users_companies(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self._event("given")
        self._event("refused", controller=other)
        overview = self._overview()
        self.assertEqual(
            [section["controller"]["id"] for section in overview["sections"]], [self.controller.id]
        )
        self.assertEqual([event["kind"] for event in overview["events"]], ["given"])
        self.consent_user.company_ids += other
        partner = self.partner.with_user(self.consent_user).with_context(
            allowed_company_ids=[self.company.id, other.id]
        )
        self.env.invalidate_all()
        overview = partner.ajw_consent_overview
        self.assertEqual(len(overview["sections"]), 2)
        self.assertEqual(
            self._cell(overview, self.purpose_invoice, f"whatsapp:{self.number}", 1)["reason"],
            "refused",
        )

    def test_branch_sees_its_head_company(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        user = self._create_user(
            "branch_user",
            "ajw_consent.group_user",
            company_id=branch.id,
            company_ids=[(6, 0, branch.ids)],
        )
        self._event("given")
        self.env.invalidate_all()
        overview = self.partner.with_user(user).ajw_consent_overview
        self.assertEqual(overview["sections"][0]["controller"]["name"], self.company.name)
        cell = self._cell(overview, self.purpose_invoice, f"whatsapp:{self.number}")
        self.assertTrue(cell["allowed"])

    def test_not_for_everybody(self):
        clerk = self._create_user("plain_clerk", "base.group_user")
        with self.assertRaises(AccessError):
            self.partner.with_user(clerk).read(["ajw_consent_overview"])
        hidden = self._create_partner("Hidden", "+919876500002", company_id=False)
        hidden.company_id = self.env["res.company"].create({"name": "Other Trading"})
        with self.assertRaises(AccessError):
            self._overview(partner=hidden)

    def test_contact_not_saved_yet(self):
        self.assertFalse(self.env["res.partner"].new({"name": "New"}).ajw_consent_overview)

    def test_queries_do_not_grow_with_addresses_and_answers(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertTrue(self.partner.with_user(self.consent_user).ajw_consent_overview)
            return self.env.cr.sql_log_count - before

        self._event("given", self.purposes)
        count()
        few = count()
        for number in range(12):
            self._event("given", self.purposes, address=f"+9198765001{number:02}")
        self.assertLessEqual(count(), few)
        self.env["ajw.consent.purpose"].create(
            [{"name": f"More {i}", "code": f"more_{i}"} for i in range(10)]
        )
        # The gate answers one purpose and channel at a time, with a few queries each.
        self.assertLessEqual(count() - few, 10 * 3 * 5)
