import logging
from datetime import timedelta

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..tools.invitation import find_codes, mask, new_code, token_digest
from .invitation_common import InvitationCommon

QUEUE = "odoo.addons.ajw_consent.models.ajw_consent_mail_queue"


@tagged("-at_install", "post_install")
class TestInvitation(InvitationCommon):
    """Who is invited, who is not, and how it goes out."""

    def _reasons(self, partners):
        lines = self._wizard(partners).line_ids
        return {line.partner_id.name: line.reason or "" for line in lines}

    def test_A5_who_is_not_invited_and_why(self):
        named = {}
        for name, number, email in (
            ("fine", "+919876540001", "fine@example.com"),
            ("no_email", "+919876540002", False),
            ("no_number", False, "nonumber@example.com"),
            ("no_prefix", "12", "short@example.com"),
            ("already", "+919876540003", "already@example.com"),
            ("withdrew", "+919876540004", "withdrew@example.com"),
            ("refused", "+919876540005", "refused@example.com"),
            ("blacklisted", "+919876540006", "black@example.com"),
            ("archived", "+919876540007", "archived@example.com"),
            ("foreign", "+919876540008", "foreign@example.com"),
            ("twin", "+919876540001", "Fine@Example.com"),
            ("no_ads", "+919876540009", "noads@example.com"),
            ("partly", "+919876540010", "partly@example.com"),
        ):
            named[name] = self._create_partner(name, number, email=email)
        self._opt_in(named["already"], self.purposes)
        self._opt_in(named["partly"])
        self._withdraw(named["withdrew"])
        self._withdraw(named["no_ads"], self.purpose_marketing)
        self.env["ajw.consent.event"]._record(
            self.controller,
            named["refused"],
            self.purpose_order,
            "whatsapp",
            None,
            "refused",
            "spoken",
        )
        self.env["mail.blacklist"]._add("black@example.com")
        named["archived"].active = False
        named["foreign"].company_id = self.env["res.company"].create({"name": "Elsewhere"})
        partners = self.env["res.partner"].union(*named.values())
        screened = self.Invitation._screen(self.controller, partners, self.purposes)
        self.assertEqual(
            {name: screened[partner.id].reason for name, partner in named.items()},
            {
                "fine": "",
                "no_email": "no_email",
                "no_number": "no_number",
                "no_prefix": "no_number",
                "already": "already",
                "withdrew": "said_no",
                "refused": "said_no",
                "blacklisted": "mail_blacklisted",
                "archived": "archived",
                "foreign": "other_company",
                "twin": "duplicate",
                "no_ads": "",
                "partly": "",
            },
        )
        self.assertEqual(screened[named["partly"].id].purposes, self.purpose_order)
        reach = partners - named["foreign"]
        wizard = self._wizard(reach)
        self.assertEqual((wizard.invitee_count, wizard.skipped_count), (3, 9))
        self.assertIn("2 × Said no earlier", wizard.skipped_summary)
        rows = self._invite(reach)
        self.assertEqual(set(rows.partner_id.mapped("name")), {"fine", "no_ads", "partly"})
        self.assertIn("Said no earlier", rows.batch_id.skipped)

    def test_A5_never_twice_within_the_set_time(self):
        invitation, token = self._invite_and_send()
        self.assertEqual(invitation.state, "sent")
        with self.assertRaisesRegex(UserError, "None of these"):
            self._invite()
        twin = self._create_partner("Twin", self.number, email="customer@example.com")
        self.assertEqual(self._reasons(twin), {"Twin": "invited"})
        # Also when it has expired since, or the contact has another address now.
        self._expire(invitation)
        self.Invitation._gc_expired()
        self.assertEqual(invitation.state, "expired")
        self.partner.email = "new@example.com"
        self.assertEqual(self._reasons(self.partner), {"Test Customer": "invited"})
        invitation.sent_at = fields.Datetime.now() - timedelta(days=91)
        second = self._invite()
        self.assertEqual(second.state, "queued")
        self.assertEqual(len(self.outbox), 1)
        self.assertEqual(self.Invitation._resolve(token).problem, "unknown")

    def test_a_newer_invitation_ends_the_older_link(self):
        self.company.ajw_consent_invitation_validity = 365
        invitation, token = self._invite_and_send()
        invitation.sent_at = fields.Datetime.now() - timedelta(days=91)
        self._invite()
        self.assertEqual(self._answer(token), "cancelled")
        self.assertFalse(self._ask_gate(self.partner).allowed)

    def test_A5_two_users_at_once_invite_once(self):
        first, second = self._wizard(), self._wizard()
        ready = {pid: answer for pid, answer in second._screen().items()}
        first.action_invite()
        batch = self.env["ajw.consent.invitation.batch"].create({"company_id": self.company.id})
        # What the second user's transaction would do, whose snapshot is older than the first row.
        with self.assertRaises(ConcurrencyError), mute_logger("odoo.sql_db"):
            second._create_invitations(batch, ready)
        rows = self.Invitation.search([("partner_id", "=", self.partner.id)])
        self.assertEqual(len(rows), 1)

    def test_mail_names_the_business_and_goes_to_one_address(self):
        invitation, token = self._invite_and_send()
        [(recipient, body)] = self.outbox
        self.assertIn("customer@example.com", recipient)
        self.assertIn("Ledger Trading", body)
        self.assertNotIn(self.number, body)
        self.assertEqual(invitation.state, "sent")
        self.assertTrue(invitation.sent_at)
        self.assertEqual(invitation.token_hash, token_digest(token))
        self.env.cr.execute(
            "SELECT count(*) FROM mail_mail WHERE body_html LIKE %s", [f"%{token}%"]
        )
        self.assertEqual(self.env.cr.fetchone()[0], 0, "the link stays with the person only")

    def test_a_failing_mail_holds_up_nobody(self):
        partners = self._create_customers(5)
        rows = self._invite(partners)
        self.unreachable = {"customer2@example.com"}
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            self._run_sending()
        states = {row.email: row.state for row in rows}
        self.assertEqual(states.pop("customer2@example.com"), "failed")
        self.assertEqual(set(states.values()), {"sent"})
        failed = rows.filtered(lambda row: row.state == "failed")
        self.assertIn("no such mailbox", failed.failure_reason)
        batch = rows.batch_id
        self.assertEqual(
            (batch.total, batch.sent_count, batch.failed_count, batch.progress), (5, 4, 1, 100)
        )
        self.unreachable = set()
        batch.with_user(self.consent_user).action_retry_failed()
        self._run_sending()
        self.assertEqual(failed.state, "sent")
        self.assertEqual(len(self.outbox), 5)

    def test_a_mail_that_cannot_be_written_holds_up_nobody(self):
        partners = self._create_customers(3)
        rows = self._invite(partners)
        template = self.env.ref("ajw_consent.mail_template_invitation")
        template.body_html = (
            "<p t-out=\"1 // (0 if object.email == 'customer1@example.com' else 1)\"/>"
            '<a t-att-href="object.answer_url">x</a>'
        )
        with mute_logger("odoo.addons.mail.models.mail_render_mixin", QUEUE):
            self._run_sending()
        self.assertEqual(
            {row.email: row.state for row in rows},
            {
                "customer0@example.com": "sent",
                "customer1@example.com": "failed",
                "customer2@example.com": "sent",
            },
        )

    def test_A5_what_changed_since_queueing_is_seen(self):
        partners = self._create_customers(4)
        rows = self._invite(partners)
        self._withdraw(partners[0])
        partners[1].active = False
        partners[2].phone = "+919876549999"
        self._run_sending()
        self.assertEqual(
            rows.sorted("id").mapped("state"), ["cancelled", "cancelled", "cancelled", "sent"]
        )
        self.assertEqual(len(self.outbox), 1)
        self.assertTrue(
            all(rows.filtered(lambda r: r.state == "cancelled").mapped("failure_reason"))
        )

    def test_cancelled_invitation_is_not_sent(self):
        rows = self._invite()
        rows.with_user(self.consent_user).action_cancel()
        self._run_sending()
        self.assertEqual((rows.state, self.outbox), ("cancelled", []))

    def test_no_published_notice(self):
        company = self.env["res.company"].create({"name": "Mute Ltd"})
        user = self._create_user(
            "mute_user",
            "ajw_consent.group_user",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        wizard = self._wizard(user=user, company_id=company.id)
        self.assertEqual(wizard.line_ids.reason, "no_notice")
        with self.assertRaisesRegex(UserError, "no published notice"):
            wizard.action_invite()

    def test_bulk_queries_do_not_grow(self):
        def queries(partners, number):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            wizard = self._wizard(partners)
            wizard.action_invite()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        customers = self._create_customers(240)
        queries(customers[:10], 10)
        few = queries(customers[10:40], 30)
        many = queries(customers[40:240], 200)
        # Inserts go out in parts of 100 rows or so; nothing is asked a row.
        self.assertLess(many - few, 20, (few, many))

    def test_A6_who_may_invite(self):
        internal = self._create_user("only_internal", "base.group_user")
        portal = self._create_user("only_portal", "base.group_portal")
        for user in (internal, portal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self._wizard(user=user)
            with self.assertRaises(AccessError):
                self.Invitation.with_user(user).search([])
        rows = self._invite()
        for values in ({"state": "answered"}, {"token_hash": "x"}, {"partner_id": False}):
            with self.assertRaises(AccessError):
                rows.with_user(self.officer).write(values)
        with self.assertRaises(AccessError):
            self.Invitation.with_user(self.officer).create({"company_id": self.company.id})
        with self.assertRaises(AccessError):
            rows.with_user(self.officer).read(["token_hash"])
        with self.assertRaises(AccessError):
            rows.with_user(internal).action_cancel()
        other = self._create_user("other_inviter", "ajw_consent.group_user")
        with self.assertRaises(AccessError):
            self._wizard().with_user(other).action_invite()

    def test_W2_other_companies_see_and_invite_nothing(self):
        rows = self._invite()
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self._create_user(
            "stranger_c",
            "ajw_consent.group_officer",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        self.assertFalse(self.Invitation.with_user(stranger).search([("id", "in", rows.ids)]))
        with self.assertRaises(AccessError):
            rows.with_user(stranger).action_cancel()
        with self.assertRaises(AccessError):
            rows.batch_id.with_user(stranger).action_cancel_queued()
        hidden = self._create_partner("Hidden", "+919876540011", email="h@example.com")
        hidden.company_id = elsewhere
        with self.assertRaises(AccessError):
            self._wizard(hidden).action_invite()

    def test_A5_no_is_not_forgotten_by_a_second_entry_of_the_contact(self):
        self._withdraw(self.partner, self.purpose_order)
        refused = self._create_partner("Refuser", "+919876540021", email="r@example.com")
        self.env["ajw.consent.event"]._record(
            self.controller,
            refused,
            self.purpose_invoice,
            "whatsapp",
            None,
            "refused",
            "spoken",
        )
        for number in (self.number, "+919876540021"):
            twin = self._create_partner("Twin", number, email="twin@example.com")
            self.assertEqual(self._reasons(twin), {"Twin": "said_no"})
        other = self._create_partner("Other", "+919876540022", email="o@example.com")
        self.assertEqual(self._reasons(other), {"Other": ""})

    def test_W2_wizards_of_other_companies_tell_nothing(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        for model, values in (
            ("ajw.consent.invite", {"partner_ids": [(6, 0, self.partner.ids)]}),
            ("ajw.consent.card", {}),
        ):
            forms = self.env[model].with_user(self.consent_user)
            with self.assertRaisesRegex(UserError, "Switch to the company"):
                forms.create({"company_id": elsewhere.id, **values})
            form = forms.create({"company_id": self.company.id, **values})
            with self.assertRaisesRegex(UserError, "Switch to the company"):
                form.write({"company_id": elsewhere.id})
                form.flush_recordset()

    def test_reading_a_card_makes_no_key(self):
        self.patch(type(self.env["res.company"]), "_ajw_card_number", lambda company: "918800000")
        card = self.env["ajw.consent.card"].with_user(self.consent_user).create({})
        with self.assertRaisesRegex(UserError, "Print the card"):
            card._qr()
        self.assertFalse(self.company.ajw_consent_card_key)
        card.action_print()
        key = self.company.ajw_consent_card_key
        self.assertTrue(key)
        self.assertIn("data:image/png", card._qr())
        with self.assertRaises(AccessError):
            card.action_renew()
        self.assertEqual(self.company.ajw_consent_card_key, key)
        logger = "odoo.addons.ajw_consent.models.res_company_invitation"
        with self.assertLogs(logger, logging.INFO) as logs:
            card.with_user(self.officer).create({}).action_renew()
        self.assertNotEqual(self.company.ajw_consent_card_key, key)
        self.assertNotIn(self.company.ajw_consent_card_key, "".join(logs.output))

    def test_partner_action_opens_the_wizard(self):
        action = self.partner.with_user(self.consent_user)._ajw_action_invite()
        self.assertEqual(action["res_model"], "ajw.consent.invite")
        wizard = (
            self.env["ajw.consent.invite"]
            .with_user(self.consent_user)
            .with_context(**action["context"])
            .create({"company_id": self.company.id})
        )
        self.assertEqual(wizard.partner_ids, self.partner)
        from_list = (
            self.env["ajw.consent.invite"]
            .with_user(self.consent_user)
            .with_context(active_model="res.partner", active_ids=self.partner.ids)
            .create({"company_id": self.company.id})
        )
        self.assertEqual(from_list.partner_ids, self.partner)
        self.assertNotIn(self.purpose_marketing, from_list.purpose_ids)

    def test_A1_an_agreement_that_waits_for_confirmation_says_so(self):
        """Where a purpose needs a second yes, the first one opens nothing."""
        self.purpose_order.double_opt_in = True
        first, second = self._create_customers(2)
        rows = {}
        for partner, purposes in ((first, self.purposes), (second, self.purpose_invoice)):
            rows[partner], token = self._invite_and_send(partner)
            self.assertEqual(self._answer(token, purposes=purposes), "")
        waiting, agreed = rows[first].with_user(self.consent_user), rows[second]
        self.assertEqual((waiting.state, agreed.state), ("answered", "answered"))
        self.assertEqual((waiting.outcome, agreed.outcome), ("waiting", "answered"))
        self.assertIn("to be confirmed", waiting.display_name)
        self.assertNotIn("to be confirmed", agreed.display_name)
        found = self.Invitation.with_user(self.consent_user).search([("is_waiting", "=", True)])
        self.assertIn(waiting, found)
        self.assertNotIn(agreed, found)
        others = self.Invitation.search([("is_waiting", "=", False)])
        self.assertIn(agreed, others)
        self.assertNotIn(waiting, others)
        batch = waiting.batch_id
        self.assertEqual((batch.agreed_count, batch.waiting_count), (0, 1))
        self.assertEqual((agreed.batch_id.agreed_count, agreed.batch_id.waiting_count), (1, 0))
        self.env["ajw.consent.event"]._record(
            self.controller,
            first,
            self.purpose_order,
            "whatsapp",
            waiting.address,
            "confirmed",
            "whatsapp_message",
        )
        self.env.invalidate_all()
        self.assertEqual(waiting.outcome, "answered")
        self.assertEqual((batch.agreed_count, batch.waiting_count), (1, 0))

    def test_the_validity_of_links_has_an_end(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.CheckViolation):
            self.controller.ajw_consent_invitation_validity = 366
            self.controller.flush_recordset()
        self.controller.ajw_consent_invitation_validity = 365
        # what an earlier release let in
        self.env.cr.execute("ALTER TABLE res_company DROP CONSTRAINT res_company_ajw_consent_days")
        self.env.cr.execute(
            "ALTER TABLE res_company DROP CONSTRAINT res_company_ajw_consent_validity_limit"
        )
        self.env.cr.execute(
            "UPDATE res_company SET ajw_consent_invitation_validity = 2147483647 WHERE id = %s",
            [self.controller.id],
        )
        self.env.invalidate_all()
        until = self.Invitation._validity(self.controller)
        self.assertLess(until, fields.Datetime.now() + timedelta(days=366))
        self.assertTrue(self.Invitation._qr_token(self.company, self.partner, self.number))

    def test_codes_and_masks(self):
        code = new_code()
        self.assertEqual(find_codes(f"Yes, I agree: {code.lower()}!"), [code])
        self.assertEqual(find_codes("INVOICE 2026 hello"), [])
        self.assertEqual(mask("+919876543210"), "•••• 210")
