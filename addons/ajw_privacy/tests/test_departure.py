import base64
import io
import json
import zipfile
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..engine import departure_export
from .departure_common import TOKEN, DepartureCommon


@tagged("post_install", "-at_install")
class TestDeparture(DepartureCommon):
    """A company leaves: copied, recalled with nothing lost, or removed whole."""

    # -- removal ---------------------------------------------------------------------------------

    def test_W3_everything_of_the_company_is_gone_and_the_other_is_the_same(self):
        before = self._rows_of(self.staying)
        others = {
            name: self.env.execute_query(
                SQL("SELECT md5(t::text) FROM %s t WHERE id = %s", SQL.identifier(each._table),
                    each.id)
            )
            for name, each in [*self.theirs.items(), ("shared", self.shared)]
        }  # fmt: skip
        departure = self._removed()
        self.assertEqual(departure.state, "done")
        self.assertEqual(self._where(TOKEN), [])
        for each in self.mine.values():
            self.assertFalse(each.exists(), each._name)
        self.assertEqual(self._rows_of(self.staying), before)
        for name, each in [*self.theirs.items(), ("shared", self.shared)]:
            with self.subTest(name):
                row = self.env.execute_query(
                    SQL("SELECT md5(t::text) FROM %s t WHERE id = %s",
                        SQL.identifier(each._table), each.id)
                )  # fmt: skip
                self.assertEqual(row, others[name])
        self.assertFalse(self.leaving.active)
        self.assertNotIn("Leaving", self.leaving.name)

    def test_W3_no_row_changes_but_those_on_the_list(self):
        """Rows of the other company, shared ones, and those of no company: to the last byte."""
        self.both.partner_id.message_post(body="Stays")
        self.shared.message_post(body="Said to everybody")
        departure = self._approved(**self._over()).with_user(self.keeper).sudo()
        before = self._all_rows()
        packages = {
            ("ir_attachment", file.id)
            for file in self.env["ir.attachment"].search(
                [("res_model", "=", "ajw.privacy.departure.package"), ("res_field", "!=", False)]
            )
        }
        departure._begin_removal()
        listed = self._remaining(departure)
        self._advance(departure)
        self.assertEqual(departure.state, "done", departure.error)
        after = self._all_rows()
        # what a removal writes itself
        own = {
            "ajw_privacy_departure", "ajw_privacy_departure_place", "ajw_privacy_departure_row",
            "ajw_privacy_departure_package",
        }  # fmt: skip
        # the style sheet of all companies' documents is made anew without this one
        styles = ("ir_attachment", self.env.ref("web.asset_styles_company_report").id)
        gone = {key for key in before.keys() - after.keys() if key[0] not in own} - packages
        unlisted = sorted(key for key in gone if listed.get(key) != "go")
        self.assertEqual(unlisted, [], "removed, and was not on the list")
        changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
        changed.discard(styles)
        others = sorted(key for key in changed if key[0] not in own and listed.get(key) != "close")
        self.assertEqual(others, [], "changed, and is none of the company's")

    def test_W3_an_app_s_logins_stay(self):
        public = self.env.ref("base.public_user")
        before = public.read(["login", "active", "company_id"])
        public.company_ids = self.leaving
        public.company_id = self.leaving
        self.env.flush_all()
        self._removed()
        self.assertTrue(self.env.ref("base.public_user", raise_if_not_found=False))
        self.assertEqual(public.login, before[0]["login"])
        self.assertEqual(public.company_id, self.env.ref("base.main_company"))

    def test_W3_the_certificate_says_so_and_verifies(self):
        departure = self._removed()
        certificate = departure.certificate_ids
        self.assertEqual(certificate.verdict, "clean")
        self.assertTrue(certificate.is_genuine)
        content = json.loads(certificate.content)["certificate"]
        self.assertEqual(content["kind"], "tenant")
        self.assertIn("res.partner", {place["model"] for place in content["places"]})
        self.assertNotIn(TOKEN.lower(), certificate.content.lower())
        # who keeps the record finds it, when nobody works in the company any more
        mine = certificate.with_user(self.keeper).search([("departure_id", "=", departure.id)])
        self.assertEqual(mine, certificate)

    def test_W3_chats_among_its_own_people_go_and_those_with_others_stay(self):
        chats = self.env["discuss.channel"].create(
            [{"name": name, "channel_type": "group"} for name in ("Own tea", "Shared tea")]
        )
        own, shared = chats
        own.add_members((self.worker | self.officer).partner_id.ids)
        shared.add_members((self.worker | self.both).partner_id.ids)
        for chat in chats:
            # whoever made it is a member of it
            chat.channel_member_ids.filtered(
                lambda member: member.partner_id == self.env.user.partner_id
            ).unlink()
            chat.message_post(body="Said", author_id=self.worker.partner_id.id)
        said = own.message_ids
        self._removed()
        self.env.invalidate_all()
        self.assertFalse(own.exists() or said.exists())
        self.assertTrue(shared.exists() and shared.message_ids)

    def test_W3_rows_of_no_company_are_left_alone_and_said_before_the_approval(self):
        contact = self.env["res.partner"].with_user(self.worker).sudo().create(
            {"name": "Everybody's Supplier"}
        )  # fmt: skip
        self.assertEqual((contact.create_uid, contact.company_id.id), (self.worker, False))
        self.env.flush_all()
        departure = self._approved(**self._over()).with_user(self.keeper).sudo()
        shared = departure.used_ids.filtered(lambda place: place.model_name == "res.partner")
        self.assertEqual((shared.mapped("fate"), sum(shared.mapped("row_count"))), (["shared"], 1))
        departure._begin_removal()
        self._advance(departure)
        self.assertEqual(departure.state, "done", departure.error)
        self.assertEqual(contact.name, "Everybody's Supplier")
        content = json.loads(departure.certificate_ids.content)["certificate"]
        self.assertIn("res.partner", {each["model"] for each in content["unattributed"]})

    def test_W3_counters_of_number_sequences_go_with_them(self):
        sequences = self.env["ir.sequence"].create(
            [
                {"name": "Tea", "implementation": "standard", "company_id": company.id}
                for company in (self.leaving, self.staying)
            ]
        )
        counters = [f"ir_sequence_{sequence.id:03}" for sequence in sequences]
        self._removed()
        rows = self.env.execute_query(
            SQL("SELECT relname FROM pg_class WHERE relname IN %s", tuple(counters))
        )
        self.assertEqual(rows, [(counters[1],)])

    def test_W3_logins_of_the_company_alone_are_closed_and_others_stay(self):
        self._removed()
        self.assertFalse(self.worker.active)
        self.assertRegex(self.worker.login, "^closed-")
        self.assertNotIn("leave_worker", self.worker.partner_id.name)
        self.assertFalse(self.worker.partner_id.email)
        self.assertTrue(self.both.active)
        self.assertEqual(self.both.company_ids, self.staying)
        self.assertEqual(self.both.company_id, self.staying)

    def test_C4_the_files_leave_the_list_and_their_rows(self):
        name = self.mine["file"].store_fname
        self._removed()
        self.assertFalse(self.env["ir.attachment"].search([("store_fname", "=", name)]))

    def test_C4_values_of_the_company_go_from_shared_contacts(self):
        for company, value in ((self.leaving, f"{TOKEN}1"), (self.staying, "stay1")):
            self.shared.with_company(company).barcode = value
        self._removed()
        self.env.invalidate_all()
        self.assertEqual(self.shared.with_company(self.staying).barcode, "stay1")
        self.assertEqual(self._where(TOKEN), [])

    def test_posted_entries_stay_with_law_and_date_and_go_when_it_is_over(self):
        invoice = self.mine["invoice"]
        invoice.action_post()
        lines = invoice.line_ids
        fingerprint = [(line.name, line.debit, line.account_id.id) for line in lines]
        departure = self._removed()
        self.assertEqual(departure.state, "kept")
        self.env.invalidate_all()
        self.assertTrue(invoice.exists())
        self.assertEqual(
            [(line.name, line.debit, line.account_id.id) for line in lines.exists()], fingerprint
        )
        self.assertFalse(self.mine["order"].exists())
        kept = departure.place_ids.filtered(lambda place: place.model_name == "account.move")
        self.assertEqual(kept.mapped("fate"), ["kept"])
        self.assertTrue(kept.article)
        self.assertGreater(kept.until, fields.Date.today())
        self.assertEqual(departure.certificate_ids.verdict, "clean_but_kept")
        self.assertEqual(departure.due_again_on, kept.until + timedelta(days=1))
        # SQL: as if the years were over
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE account_move SET date = '2001-01-01', invoice_date = '2001-01-01' "
            "WHERE company_id = %s",
            [self.leaving.id],
        )
        first = departure.certificate_ids
        departure.with_user(self.keeper).action_resume()
        self._advance(departure)
        self.assertEqual(departure.state, "done", departure.error)
        self.assertFalse(invoice.exists() or lines.exists())
        self.assertEqual(self._where(TOKEN), [])
        last = departure.certificate_ids - first
        self.assertEqual(last.verdict, "clean")
        self.assertEqual(json.loads(last.content)["certificate"]["completes"], first.hash)

    def test_a_row_that_another_company_uses_stays_and_is_listed(self):
        customer = self.mine["customer"]
        # SQL: the app would refuse a contact of another company
        self.env.cr.execute(
            SQL("UPDATE res_partner SET parent_id = %s WHERE id = %s", customer.id,
                self.theirs["customer"].id)
        )  # fmt: skip
        before = self._rows_of(self.staying)
        departure = self._removed()
        self.assertTrue(customer.exists())
        self.assertEqual(self._rows_of(self.staying), before)
        used = departure.place_ids.filtered(lambda place: place.fate == "used")
        self.assertIn("res.partner", used.mapped("model_name"))

    def test_one_row_that_cannot_go_stops_no_other_and_is_told(self):
        departure = self._approved(**self._over())
        self.env.flush_all()
        stuck = self.mine["message"]
        self.env.cr.execute(
            "CREATE FUNCTION ajw_stuck() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'stuck'; END$$"
        )
        self.env.cr.execute(
            f"CREATE TRIGGER ajw_stuck BEFORE DELETE ON mail_message FOR EACH ROW "
            f"WHEN (OLD.id = {stuck.id}) EXECUTE FUNCTION ajw_stuck()"
        )
        departure = departure.sudo()
        departure._begin_removal()
        self._advance(departure)
        self.assertEqual(departure.state, "failed")
        self.assertIn("mail.message", departure.error)
        self.assertEqual(departure.certificate_ids.verdict, "failed")
        self.assertNotIn(TOKEN, departure.error)
        self.assertTrue(stuck.exists())
        if "order" in self.mine:
            self.assertFalse(self.mine["order"].exists())
        self.env.cr.execute("DROP TRIGGER ajw_stuck ON mail_message")
        departure.with_user(self.keeper).action_resume()
        self._advance(departure)
        self.assertEqual(departure.state, "done", departure.error)
        self.assertFalse(stuck.exists())

    # -- nothing goes before ---------------------------------------------------------------------

    def _assert_untouched(self, departure, before, reason):
        """A removal that is asked for all the same removes nothing."""
        departure._begin_removal()
        self._advance(departure)
        self.assertEqual(departure.state, "failed")
        self.assertRegex(departure.error, reason)
        after = self._rows_of(self.leaving)
        for table in ("ajw_privacy_departure", "ajw_privacy_departure_place"):
            before.pop(table, None), after.pop(table, None)
        self.assertEqual(after, before)

    def test_A6_nothing_goes_without_a_second_officer(self):
        departure = self._exported(**self._over()).sudo()
        self._assert_untouched(departure, self._rows_of(self.leaving), "second officer")
        departure._step(state="failed")
        departure.with_user(self.officer).action_resume()
        self._advance(departure)
        self.assertEqual(departure.state, "exported")
        with self.assertRaisesRegex(UserError, "yourself"):
            departure.with_user(self.officer).action_approve()
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.IntegrityError):
            with self.env.cr.savepoint():
                departure._step(approved_by_id=self.officer.id)
                self.env.flush_all()

    def test_T8_nothing_goes_before_the_day_even_when_asked(self):
        departure = self._approved().sudo()
        self._assert_untouched(departure, self._rows_of(self.leaving), "recall period")
        departure.with_user(self.officer).action_resume()
        self.assertEqual(departure.state, "waiting")

    def _hold(self, company):
        return self.env["ajw.privacy.hold"].create(
            {"name": "Case 7", "company_id": company.id, "reason": "A claim.",
             "partner_id": self.mine["customer"].id}
        )  # fmt: skip

    def test_T8_nothing_goes_under_a_legal_hold(self):
        departure = self._approved(**self._over()).sudo()
        hold = self._hold(self.env["res.company"])
        self._assert_untouched(departure, self._rows_of(self.leaving), "Case 7")
        hold.active = False
        departure.with_user(self.officer).action_resume()
        self.assertEqual(departure.state, "waiting")

    def test_T8_a_hold_that_comes_during_the_removal_stops_it(self):
        departure = self._approved(**self._over()).sudo()
        departure._begin_removal()
        self._remaining(departure)
        self._hold(self.leaving)
        before = self._rows_of(self.leaving)
        self._advance(departure)
        self.assertEqual(departure.state, "failed")
        self.assertIn("Case 7", departure.error)
        self.assertTrue(self.mine["customer"].exists())
        after = self._rows_of(self.leaving)
        for table in ("ajw_privacy_departure", "ajw_privacy_statistic"):
            before.pop(table, None), after.pop(table, None)
        self.assertEqual(after, before)

    # -- the copy --------------------------------------------------------------------------------

    def _read_copy(self, departure):
        """Names → content of all members of all volumes."""
        found = {}
        for package in departure.sudo().package_ids:
            content = package._hand_out()
            with zipfile.ZipFile(io.BytesIO(content)) as volume:
                self.assertIsNone(volume.testzip())
                for name in volume.namelist():
                    found.setdefault(name, volume.read(name))
        return found

    def test_T3_the_copy_has_every_row_and_file_and_no_secret(self):
        self.worker.sudo().password = "Verysecret1!"
        departure = self._exported()
        copy = self._read_copy(departure)
        text = b"\n".join(copy.values())
        for expected in (f"{TOKEN} Customer", f"Said to {TOKEN}", f"file of {TOKEN}"):
            self.assertIn(expected.encode(), text)
        self.assertNotIn(b"Stayer", text)
        self.assertNotIn(b'"password"', text.replace(b"res_users.password", b""))
        index = json.loads(copy["index.json"])
        self.assertIn("res_users.password", index["left_out"])
        rows = [
            json.loads(line)
            for name, content in copy.items()
            if name.startswith("data/res.partner.")
            for line in content.splitlines()
        ]
        self.assertEqual(len(rows), index["rows"]["res.partner"])
        self.assertIn(self.mine["customer"].id, {row["id"] for row in rows})
        self.assertTrue(self.mine["customer"].exists())

    def test_T3_a_large_copy_comes_in_volumes_that_fit_together(self):
        with (
            patch.object(departure_export, "VOLUME_BYTES", 60000),
            patch.object(departure_export, "BATCH", 20),
        ):
            departure = self._exported()
        packages = departure.sudo().package_ids
        self.assertGreater(len(packages), 1)
        copy = self._read_copy(departure)
        index = json.loads(copy["index.json"])
        self.assertEqual(
            [each["sha256"] for each in index["volumes"]],
            packages.sorted("number").mapped("digest")[:-1],
        )
        counts = {}
        for name, content in copy.items():
            if name.startswith("data/"):
                model = name.removeprefix("data/").rsplit(".", 3)[0]
                counts[model] = counts.get(model, 0) + len(content.splitlines())
        for model, count in index["rows"].items():
            self.assertEqual(counts.get(model, 0), count, model)

    def test_A6_the_copy_is_for_officers_of_that_company_alone(self):
        package = self._exported().package_ids
        package.with_user(self.second).action_download()
        for user in (self.other_officer, self.keeper, self.worker, self.both):
            with self.assertRaises(AccessError):
                package.with_user(user).action_download()
        with self.assertRaises(AccessError):
            package.with_user(self.officer).read(["archive"])
        stored = package.sudo().with_context(bin_size=False).archive
        self.assertNotIn(b"PK", base64.b64decode(stored)[:4])

    def test_the_copy_expires(self):
        departure = self._exported()
        packages = departure.sudo().package_ids
        packages.valid_until = fields.Datetime.now() - timedelta(days=1)
        with self.assertRaises(UserError):
            packages.with_user(self.officer).action_download()
        packages._drop_expired()
        self.assertFalse(packages.exists())

    # -- recall ----------------------------------------------------------------------------------

    def test_T8_a_recall_brings_everything_back(self):
        channel = self.env["discuss.channel"].create({"name": "Tea", "channel_type": "group"})
        channel.add_members(self.worker.partner_id.ids)
        before = self._rows_of(self.leaving)
        departure = self._approved()
        self.assertFalse(self.worker.active)
        self.assertTrue(self.officer.active)
        departure.with_user(self.officer).action_recall()
        self.assertEqual(departure.state, "recalled")
        self.assertTrue(self.worker.active)
        self.assertIn(self.worker.partner_id, channel.channel_partner_ids)
        self.assertFalse(departure.sudo().package_ids)
        after = self._rows_of(self.leaving)
        for table in ("ajw_privacy_departure", "mail_message", "res_users"):
            before.pop(table, None), after.pop(table, None)
        self.assertEqual(after, before)

    def test_T8_nothing_goes_before_the_recall_period_is_over(self):
        departure = self._approved()
        self.assertEqual(departure.remove_on, fields.Date.today() + timedelta(days=14))
        cron = self.env.ref("ajw_privacy.ir_cron_departure")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(departure.state, "waiting")
        self.assertTrue(self.mine["customer"].exists())

    def test_T8_the_scheduled_action_removes_what_is_due(self):
        departure = self._approved(**self._over())
        cron = self.env.ref("ajw_privacy.ir_cron_departure")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(departure.sudo().state, "done", departure.sudo().error)
        self.assertFalse(self.mine["customer"].exists())
        with self.assertRaises(UserError):
            departure.with_user(self.keeper).sudo().action_recall()

    @mute_logger("odoo.sql_db")
    def test_T8_no_recall_period_is_longer_than_30_days(self):
        with self.assertRaises(psycopg2.IntegrityError), self.env.cr.savepoint():
            self._departure(recall_days=31)

    def test_T8_the_officers_are_reminded_before_the_day(self):
        departure = self._exported(ended_on=fields.Date.today() - timedelta(days=12))
        departure.sudo()._remind(fields.Date.today())
        users = departure.sudo().activity_ids.user_id
        self.assertLessEqual(self.officer | self.second, users)
        count = len(departure.sudo().activity_ids)
        departure.sudo()._remind(fields.Date.today())
        self.assertEqual(len(departure.sudo().activity_ids), count)

    # -- who -------------------------------------------------------------------------------------

    def test_A6_another_officer_has_to_approve(self):
        departure = self._exported()
        with self.assertRaisesRegex(UserError, "yourself"):
            departure.action_approve()
        departure.with_user(self.second).action_approve()
        self.assertEqual(departure.approved_by_id, self.second)

    def test_A6_other_companies_and_plain_users_reach_nothing(self):
        departure = self._exported()
        for user in (self.other_officer, self.worker):
            mine = departure.with_user(user)
            for method in ("action_approve", "action_recall", "action_resume"):
                with self.subTest(user=user.login, method=method), self.assertRaises(AccessError):
                    getattr(mine, method)()
            with self.assertRaises(AccessError):
                mine.read(["name"])
        with self.assertRaises(AccessError):
            self._departure(self.other_officer)

    def test_A9_nobody_forges_a_step(self):
        departure = self._departure()
        for values in (
            {"state": "waiting"},
            {"approved_by_id": self.second.id},
            {"requested_by_id": self.second.id},
            {"operator_id": self.staying.id},
            {"suspended_user_ids": [(6, 0, self.both.ids)]},
        ):
            with self.assertRaises(UserError):
                departure.write(values)
        context = {
            "default_state": "waiting", "default_approved_by_id": self.second.id,
            "default_removing_at": "2026-01-01 00:00:00",
        }  # fmt: skip
        departure._step(state="recalled")
        self.env.flush_all()
        forged = (
            self.env["ajw.privacy.departure"]
            .with_user(self.officer)
            .with_context(**context)
            .create({"company_id": self.leaving.id})
        )
        self.assertEqual(forged.state, "draft")
        self.assertFalse(forged.approved_by_id or forged.removing_at)

    def test_a_legal_hold_stands_against_it(self):
        departure = self._exported()
        self.env["ajw.privacy.hold"].create(
            {"name": "Case 7", "company_id": self.leaving.id, "reason": "A claim.",
             "partner_id": self.mine["customer"].id}
        )  # fmt: skip
        with self.assertRaisesRegex(UserError, "Case 7"):
            departure.with_user(self.second).action_approve()
