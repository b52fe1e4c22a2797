from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestOrigin(ConsentCommon):
    """Where a contact came from, provable later."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Origin = cls.env["ajw.consent.origin"]
        cls.today = fields.Date.today()

    def _record(self, kind="customer", partners=None, **values):
        return self.Origin._record_origin(
            partners or self.partner, kind, controller=self.controller, **values
        )

    def test_C1_recorded_by_whom_and_when(self):
        wizard = (
            self.env["ajw.consent.origin.record"]
            .with_user(self.consent_user)
            .create(
                {
                    "partner_ids": [(6, 0, self.partner.ids)],
                    "kind": "business_card",
                    "date": self.today - timedelta(days=3),
                    "detail": "Fair in Pune",
                    "document": b"aGVsbG8=",
                    "document_name": "card.txt",
                }
            )
        )
        wizard.action_record()
        origin = self.partner.ajw_consent_origin_ids
        self.assertEqual(origin.create_uid, self.consent_user)
        self.assertEqual((origin.kind, origin.date), ("business_card", wizard.date))
        self.assertEqual(origin.company_id, self.controller)
        self.assertEqual(origin.document, b"aGVsbG8=")
        self.assertTrue(origin.is_first)

    def test_C1_written_once(self):
        origin = self._record()
        for user in (self.consent_user, self.officer):
            mine = origin.with_user(user)
            for deed in (
                lambda mine=mine: mine.write({"kind": "import"}),
                mine.unlink,
                lambda mine=mine: mine.web_save({"kind": "import"}, {}),
            ):
                with self.assertRaises(UserError):
                    deed()
        with self.assertRaises(UserError):
            origin.sudo().write({"date": self.today - timedelta(days=1)})
        with self.assertRaises(UserError):
            origin.sudo().unlink()
        self.assertEqual((origin.kind, origin.date), ("customer", self.today))

    def test_the_recorder_cannot_be_forged(self):
        origin = self.Origin.with_user(self.consent_user).create(
            {"partner_id": self.partner.id, "kind": "event", "create_uid": self.officer.id}
        )
        self.assertEqual(origin.create_uid, self.consent_user)

    def test_C1_the_earliest_counts(self):
        late = self._record("import", date=self.today - timedelta(days=1))
        early = self._record("own_form", date=self.today - timedelta(days=30))
        again = self._record("own_form", date=self.today - timedelta(days=30))
        self.env.invalidate_all()
        partner = self.partner.with_user(self.consent_user)
        self.assertEqual(partner.ajw_consent_origin_id, early)
        self.assertEqual((early | late | again).filtered("is_first"), early)
        found = self.Origin.search([("partner_id", "=", self.partner.id), ("is_first", "=", True)])
        self.assertEqual(found, early)
        others = self.Origin.search(
            [("partner_id", "=", self.partner.id), ("is_first", "=", False)]
        )
        self.assertEqual(others, late | again)

    def test_each_controller_has_its_own(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        self.Origin._record_origin(
            self.partner, "import", "x", self.today - timedelta(days=99), controller=other
        )
        mine = self._record()
        self.assertTrue(mine.is_first)
        self.env.invalidate_all()
        partner = self.partner.with_user(self.consent_user)
        self.assertEqual(partner.ajw_consent_origin_id, mine)
        self.assertEqual(partner.ajw_consent_origin_ids, mine)

    def test_branch_records_for_its_head_company(self):
        branch = self.env["res.company"].create({"name": "Branch", "parent_id": self.company.id})
        origin = self.Origin.create(
            {"partner_id": self.partner.id, "company_id": branch.id, "kind": "customer"}
        )
        self.assertEqual(origin.company_id, self.company)

    def test_bad_input(self):
        for sentence, kind, values in (
            ("future", "customer", {"date": self.today + timedelta(days=1)}),
            ("who introduced", "partner", {}),
            ("where the contact came from", "other", {"detail": "  "}),
            ("themselves", "partner", {"introduced_by": self.partner}),
        ):
            with self.assertRaisesRegex(ValidationError, sentence), self.cr.savepoint():
                self._record(kind, **values)
        self.env.invalidate_all()
        self.assertFalse(self.Origin.search([("partner_id", "=", self.partner.id)]))

    def test_only_missing(self):
        other = self._create_partner("Other", "+919876500001")
        self._record()
        origins = self._record("import", self.partner + other, only_missing=True)
        self.assertEqual(origins.partner_id, other)

    def test_contacts_without_origin(self):
        other = self._create_partner("Other", "+919876500001")
        self._record()
        both = [("id", "in", (self.partner + other).ids)]
        found = (
            self.env["res.partner"]
            .with_user(self.consent_user)
            .search([*both, ("ajw_consent_origin_kind", "=", False)])
        )
        self.assertEqual(found, other)

    def test_C1_sign_up_is_our_own_form(self):
        self.env["ir.config_parameter"].set_param("auth_signup.invitation_scope", "b2c")
        login, _password = self.env["res.users"].signup(
            {"login": "new@example.com", "name": "New", "password": "a-long-password"}
        )
        partner = self.env["res.users"].search([("login", "=", login)]).partner_id
        origin = self.Origin.search([("partner_id", "=", partner.id)])
        self.assertEqual(origin.kind, "own_form")
        self.assertTrue(origin.detail)

    def test_company_that_is_not_the_users(self):
        other = self.env["res.company"].create({"name": "Other Trading"})
        with self.assertRaises(UserError):
            self.env["ajw.consent.origin.record"].with_user(self.consent_user).create(
                {
                    "company_id": other.id,
                    "partner_ids": [(6, 0, self.partner.ids)],
                    "kind": "customer",
                }
            ).action_record()
        with self.assertRaises(AccessError):
            self.Origin.with_user(self.consent_user).create(
                {"partner_id": self.partner.id, "company_id": other.id, "kind": "customer"}
            )

    def test_merged_contacts_keep_every_origin(self):
        twin = self._create_partner("Twin", "+919876500001")
        self._record("import", date=self.today - timedelta(days=1))
        self._record("event", twin, date=self.today - timedelta(days=5))
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge((self.partner + twin).ids, self.partner)
        self.env.invalidate_all()
        self.assertEqual(len(self.partner.ajw_consent_origin_ids), 2)
        self.assertEqual(
            self.partner.with_user(self.consent_user).ajw_consent_origin_id.kind, "event"
        )
