from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from .people_common import PeopleCommon


@tagged("post_install", "-at_install")
class TestLastActivity(PeopleCommon):
    def test_W6_who_did_something_is_not_inactive(self):
        self._speak(self.busy, 30)
        self._speak(self.quiet, 400)
        policy = self._people()
        self._run_cron()
        self.assertEqual((self.quiet.active, self.busy.active), (False, True))
        run = self._runs(policy)
        self.assertEqual((run.rows_done, run.rows_active), (1, 1))

    def test_W6_new_contacts_are_not_inactive(self):
        new = self._customer("Newcomer", days=30)
        self._people()
        self._run_cron()
        self.assertTrue(new.active)

    def test_W6_a_login_or_a_person_below_counts(self):
        user = self._user("retention_portal", "base.group_portal", self.company.ids)
        user.partner_id.write({"ref": "retention-test", "company_id": self.company.id})
        self.env["res.users.log"].with_user(user).sudo().create({})
        child = self._customer("Below", parent_id=self.busy.id)
        self._speak(child, 10)
        policy = self._people()
        active = policy._still_active(
            "res.partner",
            (user.partner_id | self.busy | self.quiet).ids,
            self.now - timedelta(days=100),
        )
        self.assertEqual(active, {user.partner_id.id, self.busy.id})

    def test_W6_an_order_or_invoice_counts(self):
        if "sale.order" not in self.env:
            self.assertNotIn("sale.order", self.registry)
            return
        self.env["sale.order"].create({"partner_id": self.busy.id, "company_id": self.company.id})
        active = self._people()._still_active(
            "res.partner", (self.busy | self.quiet).ids, self.now - timedelta(days=100)
        )
        self.assertEqual(active, {self.busy.id})

    def test_statements_do_not_grow_with_people(self):
        policy = self._people()
        many = self.env["res.partner"].create([{"name": f"N {n}"} for n in range(60)])
        since = self.now - timedelta(days=100)
        policy._still_active("res.partner", many.ids, since)
        counts = []
        for part in (many[:2], many):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            policy._still_active("res.partner", part.ids, since)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(*counts)

    def test_messages_keep_any_other_row_young(self):
        self._classify("body", model="x.privacy.thread")
        old = self.now - timedelta(days=400)
        quiet, busy = self.env["x.privacy.thread"].create([{"name": "q"}, {"name": "b"}])
        (quiet + busy).write({"body": "words"})
        self.env.flush_all()
        self.env.cr.flush()
        self.env.cr.execute(
            "UPDATE x_privacy_thread SET create_date = %s, write_date = %s", [old, old]
        )
        self.env.cr.execute(
            "UPDATE mail_message SET date = %s WHERE model = 'x.privacy.thread'", [old]
        )
        self.env.invalidate_all()
        self.env["mail.message"].create(
            {"model": busy._name, "res_id": busy.id, "message_type": "comment", "body": "hi"}
        )
        self._policy(model_name="x.privacy.thread", clock="activity", domain="[]", max_age=90)
        self._run_cron()
        self.assertEqual((bool(quiet.body), bool(busy.body)), (False, True))


@tagged("post_install", "-at_install")
class TestEverybody(PeopleCommon):
    def test_a_policy_that_would_take_everybody_is_refused(self):
        for domain in ("[]", "[('id', '>', 0)]"):
            for action in ("erase", "archive"):
                with self.subTest(domain), self.assertRefused("everybody.*dry run"):
                    self._people(domain=domain, action=action)
        policy = self._people(domain="[]", everything_confirmed="res.partner")
        self.assertTrue(policy)
        with self.assertRefused("everybody"):
            policy.everything_confirmed = False
        policy.write({"active": False, "everything_confirmed": False})
        with self.assertRefused("everybody"):
            policy.active = True

    def test_nobody_who_works_here_and_no_company_of_ours_is_touched(self):
        ours = self.company.partner_id | self.internal.partner_id
        ours.write({"ref": "retention-test", "company_id": self.company.id})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = %s WHERE id IN %s",
            [self.now - timedelta(days=900), tuple(ours.ids)],
        )
        self._people()
        self._run_cron()
        self.assertEqual(ours.mapped("active"), [True, True])
        self.assertFalse(self.quiet.active)

    def test_who_switched_it_on_cannot_be_forged(self):
        policy = self._people()
        self.assertEqual(policy.switched_on_by_id, self.officer)
        with self.assertRaisesRegex(UserError, "noted by itself"):
            policy.switched_on_by_id = self.lead_officer
        forged = self.env["ajw.privacy.policy"].with_user(self.officer)
        forged = forged.with_context(default_switched_on_by_id=self.lead_officer.id)
        self.assertEqual(self._people_by(forged).switched_on_by_id, self.officer)

    def _people_by(self, policies):
        return policies.create(
            {
                "name": "Forged", "model_name": "res.partner", "clock": "activity", "max_age": 12,
                "max_age_unit": "month", "action": "archive", "company_id": self.company.id,
                "domain": "[('ref', '=', 'retention-test')]",
            }
        )  # fmt: skip

    def test_people_are_erased_by_their_contact_only(self):
        with self.assertRefused("erased by their contact"):
            self._policy(action="erase", field_names=False)


@tagged("post_install", "-at_install")
class TestErasing(PeopleCommon):
    def test_W6_a_plan_is_made_and_a_second_officer_approves(self):
        self._speak(self.busy, 30)
        policy = self._people(action="erase")
        self._run_cron()
        erasure = self.env["ajw.privacy.erasure"].search([("partner_id", "=", self.quiet.id)])
        self.assertEqual(len(erasure), 1)
        self.assertEqual(erasure.requested_by_id, self.officer)
        self.assertEqual(erasure.company_id, self.company)
        self.assertIn("Inactive", erasure.note)
        self.assertIn(erasure.state, ("planning", "planned"))
        self.assertFalse(
            self.env["ajw.privacy.erasure"].search([("partner_id", "=", self.busy.id)])
        )
        self.assertEqual(self.quiet.name, "Quiet", "nothing happens before it is approved")
        self.assertEqual(self._runs(policy).rows_done, 1)
        self.assertEqual(self._again(policy).rows_done, 0, "planned once")

    def test_a_refused_plan_is_not_made_again_the_next_night(self):
        policy = self._people(action="erase")
        self._run_cron()
        erasures = self.env["ajw.privacy.erasure"].search([("partner_id", "=", self.quiet.id)])
        erasures._step(state="cancelled", partner_id=False)
        self._again(policy)
        self.assertFalse(
            self.env["ajw.privacy.erasure"].search([("partner_id", "=", self.quiet.id)])
        )

    def test_who_cannot_be_erased_is_listed_with_why(self):
        self._customer("Child", parent_id=self.busy.id, ref=False)
        policy = self._people(action="erase")
        self._run_cron()
        run = self._runs(policy)
        self.assertEqual((run.state, run.rows_done, run.rows_failed), ("partial", 1, 1))
        self.assertEqual(run.failed_ids, self.busy.ids)
        self.assertIn("Move them to another company first", run.error)
        self.assertNotIn("Busy", run.error)

    def test_a_held_person_is_left_alone(self):
        self.env["ajw.privacy.hold"].create(
            {"name": "C 1", "partner_id": self.quiet.id, "reason": "r", "company_id": False}
        )
        policy = self._people(action="erase")
        self._run_cron()
        self.assertFalse(
            self.env["ajw.privacy.erasure"].search([("partner_id", "=", self.quiet.id)])
        )
        self.assertEqual(self._runs(policy).rows_held, 1)
