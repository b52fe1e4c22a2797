from datetime import date, timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .import_common import HEADER, ImportCommon


@tagged("-at_install", "post_install")
class TestImportOrigin(ImportCommon):
    """Where contacts came from, by a list or by any other opt-in; and lists about merged ones."""

    def _origins(self, partner):
        return self.env["ajw.consent.origin"].search([("partner_id", "=", partner.id)])

    def test_C1_every_imported_contact_has_an_origin(self):
        known = self.env["ajw.consent.origin"]._record_origin(
            self.other, "event", controller=self.controller
        )
        run = self.checked([self.row(self.number), self.row(self.other.phone_sanitized)])
        self.assertFalse(self._origins(self.partner), "checking records nothing")
        run.action_import()
        origin = self._origins(self.partner)
        self.assertEqual((origin.kind, origin.date), ("import", fields.Date.today()))
        self.assertEqual((origin.import_id, origin.company_id), (run, self.controller))
        self.assertEqual(origin.create_uid, self.officer)
        self.assertIn("list.csv", origin.detail)
        self.assertEqual(self._origins(self.other), known, "who has one keeps it")
        # A second list adds none.
        again = self.checked([self.row(self.number, Purposes="order")])
        again.action_import()
        self.assertEqual(self._origins(self.partner), origin)

    def test_C1_the_list_says_where_each_came_from(self):
        more = {
            "register": ("Public register", "2024-03-02"),
            "partner": ("partner", ""),
            "import": ("Import file", "2024-03-02"),
        }
        header = [*HEADER, "Origin", "Origin date"]
        rows, partners = [], {}
        for at, (key, (kind, day)) in enumerate(more.items()):
            partners[key] = self._create_partner(key, f"+91987656000{at}")
            rows.append([*self.row(partners[key].phone_sanitized), kind, day])
        run = self.run_of(self.content(rows, header))
        run.action_check()
        self.assertEqual(run.bad_count, 0, run.problem_ids.mapped("reason"))
        run.action_import()
        found = {key: self._origins(partner) for key, partner in partners.items()}
        self.assertEqual(
            {key: (origin.kind, origin.date) for key, origin in found.items()},
            {
                "register": ("public_register", date(2024, 3, 2)),
                "partner": ("partner", date(2025, 5, 4)),
                "import": ("import", date(2024, 3, 2)),
            },
        )
        self.assertEqual({origin.import_id for origin in found.values()}, {run})

    def test_origins_that_cannot_be(self):
        header = [*HEADER, "Origin", "Origin date"]
        tomorrow = str(fields.Date.today() + timedelta(days=2))
        for kind, day, reason in (
            ("bought", "", "Unknown origin: bought"),
            ("event", tomorrow, "origin lies in the future"),
            ("event", "2025-02-31", "no such date of origin"),
        ):
            run = self.run_of(self.content([[*self.row(self.number), kind, day]], header))
            run.action_check()
            self.assertIn(reason, run.problem_ids.reason)
        self.assertFalse(self._origins(self.partner))

    def test_C1_every_way_to_opt_in_leaves_an_origin(self):
        for method, kind in (
            ("portal", "own_form"),
            ("email_link", "own_form"),
            ("qr_code", "own_form"),
            ("paper", "own_form"),
            ("whatsapp_message", "phone"),
            ("spoken", "phone"),
            ("in_person", "in_person"),
            ("back_office", None),
        ):
            with self.subTest(method=method):
                partner = self._create_partner(method, self.number)
                day = fields.Datetime.now() - timedelta(seconds=1)
                self.env["ajw.consent.event"]._record(
                    *(self.controller, partner, self.purpose_invoice, "whatsapp", self.number),
                    *("given", method, self.notice),
                    occurred_at=day,
                )
                origin = self._origins(partner)
                if not kind:
                    self.assertFalse(origin)
                    continue
                self.assertEqual((origin.kind, origin.date), (kind, day.date()))
                self.assertEqual(origin.company_id, self.controller)
                self.assertTrue(origin.detail)

    def test_an_older_contact_is_not_said_to_have_come_by_its_opt_in(self):
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = now() - INTERVAL '400 days' WHERE id = %s",
            [self.partner.id],
        )
        self.partner.invalidate_recordset()
        self._opt_in(self.partner)
        self.assertIn("was there before", self._origins(self.partner).detail)
        self._withdraw(self.other)
        self.assertFalse(self._origins(self.other), "a no is no origin")

    def test_contacts_are_searched_and_grouped_by_origin(self):
        record = self.env["ajw.consent.origin"]._record_origin
        today = fields.Date.today()
        record(self.partner, "event", controller=self.controller, date=today - timedelta(days=9))
        record(self.partner, "import", controller=self.controller)
        record(self.other, "import", controller=self.controller)
        stranger = self.env["res.company"].create({"name": "Another Controller"})
        record(self.third, "event", controller=stranger)
        partners = self.env["res.partner"].with_user(self.consent_user)
        three = [("id", "in", (self.partner | self.other | self.third).ids)]
        for value, expected in (
            ("event", self.partner),
            ("import", self.other),
            (False, self.third),
            ("own_form", partners),
        ):
            found = partners.search([*three, ("ajw_consent_origin_kind", "=", value)])
            self.assertEqual(found, expected, value)
        groups = partners._read_group(three, ["ajw_consent_origin_kind"], ["__count"])
        self.assertEqual(dict(groups), {"event": 1, "import": 1, False: 1})
        stranger = self.env["res.partner"].with_user(self._create_user("plain", "base.group_user"))
        for deed in (
            lambda: stranger.search([*three, ("ajw_consent_origin_kind", "=", "event")]),
            lambda: stranger._read_group(three, ["ajw_consent_origin_kind"], ["__count"]),
        ):
            with self.assertRaises(AccessError):
                deed()
        groups = partners.web_read_group(three, ["ajw_consent_origin_kind"], ["__count"])
        self.assertEqual(len(groups["groups"]), 3)
        self.assertEqual(
            (self.partner | self.other | self.third)
            .with_user(self.consent_user)
            .mapped("ajw_consent_origin_kind"),
            ["event", "import", False],
        )

    # -- merged contacts ---------------------------------------------------------------------

    def _merge(self):
        """Both customers become the first; return it with its two subjects."""
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (self.partner | self.other).ids, self.partner
        )
        self.env.invalidate_all()
        subjects = self.env["ajw.consent.subject"].search([("partner_id", "=", self.partner.id)])
        self.assertEqual(len(subjects), 2)
        return subjects

    def test_A1_opt_in_of_a_merged_contact_holds_at_the_gate(self):
        old = fields.Datetime.now() - timedelta(days=600)
        self.purpose_invoice.validity_months = 12
        for partner in (self.other, self.partner):
            self._opt_in(partner, address=self.number, occurred_at=old)
        self._merge()
        self.assertEqual(self._ask_gate(self.partner).reason, "expired")
        day = str((fields.Datetime.now() - timedelta(days=30)).date())
        run = self.checked([self.row(self.number, day)])
        self.assertEqual((run.good_count, run.bad_count), (1, 0), run.problem_ids.mapped("reason"))
        run.action_import()
        self.assertEqual(run.recorded_count, 1, "one consent, though two subjects have it")
        self.assertTrue(self._ask_gate(self.partner).allowed)
        again = self.checked([self.row(self.number, day)])
        self.assertEqual((again.good_count, again.known_count), (0, 1))

    def test_A9_no_of_a_merged_contact_is_not_reopened(self):
        """Whichever of the two said no, with or without naming the number."""
        for closing, address in ((self.other, self.number), (self.partner, None)):
            with self.subTest(address=address), self.cr.savepoint() as savepoint:
                self._opt_in(self.partner)
                self._opt_in(self.other, address=self.number)
                self.env["ajw.consent.event"]._record(
                    *(self.controller, closing, self.purpose_invoice, "whatsapp", address),
                    *("withdrawn", "spoken"),
                )
                self._merge()
                self.env["ajw.consent.suppression"].search([]).flush_recordset()
                count = len(self.env["ajw.consent.event"].search([]))
                today = fields.Datetime.to_string(fields.Datetime.now())
                run = self.checked([self.row(self.number, today)])
                self.assertEqual((run.good_count, run.bad_count), (0, 1))
                self.assertFalse(self._ask_gate(self.partner).allowed)
                self.assertEqual(len(self.env["ajw.consent.event"].search([])), count)
                savepoint.rollback()
                self.env.invalidate_all()
