from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .batch_common import BatchCommon


@tagged("-at_install", "post_install")
class TestBatchWizard(BatchCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._customers(4)
        cls.moves = cls._invoices(cls.partners)

    def _reasons(self, wizard):
        return {reason.code: reason.count for reason in wizard.reason_ids}

    # -- what is said ------------------------------------------------------------------------------

    def test_A1_looking_sends_and_renders_nothing(self):
        before = self.env["ir.attachment"].search_count([])
        wizard = self._wizard(self.moves)
        self.assertEqual((wizard.sending_count, wizard.blocked_count), (4, 0))
        self.assertFalse(self.env["ajw.whatsapp.batch"].search([]))
        self.assertEqual(self.env["ir.attachment"].search_count([]), before)
        self.assertFalse(any(self.moves.mapped("access_token")), "not even a portal link is made")
        for move in self.moves:
            self.assertNothingQueued(move)

    def test_A1_mixed_selection_says_who_gets_it_and_who_not(self):
        silent = self._customers(2, opt_in=False, start=100)
        numberless = self.env["res.partner"].create({"name": "No Number"})
        withdrawn = self._customers(1, start=200)
        self._withdraw(withdrawn, address=withdrawn.ajw_whatsapp_number)
        groups = {
            "ready": self.moves[:2],
            "no_opt_in": self._invoices(silent),
            "number_missing": self._invoices(numberless),
            "withdrawn": self._invoices(withdrawn),
            "draft": self._invoices(self.partners[:1], post=False),
            "kind": self._invoices(self.partners[:1], move_type="in_invoice"),
        }
        sent, going = self.moves[2], self.moves[3]
        self._send_batch(sent | going)
        self._set_state(self._messages(sent), "delivered", delivered_at=fields.Datetime.now())
        everything = self.env["account.move"].union(*groups.values()) | sent | going
        wizard = self._wizard(everything)
        self.assertEqual((wizard.total_count, wizard.sending_count, wizard.again_count), (10, 2, 1))
        self.assertEqual((wizard.on_its_way_count, wizard.blocked_count), (1, 6))
        self.assertEqual(
            self._reasons(wizard),
            {"no_opt_in": 2, "number_missing": 1, "withdrawn": 1, "draft": 1, "kind": 1},
        )
        self.assertTrue(self._line(wizard, sent).last_sent_at, "it says when")
        self.assertEqual(self._line(wizard, sent).status, "again")
        self.assertEqual(self._line(wizard, going).status, "on_its_way")
        for code, moves in groups.items():
            for move in moves:
                line = self._line(wizard, move)
                self.assertEqual(line.code or line.status, code)
        wizard.action_send()
        for code, moves in groups.items():
            for move in moves:
                self.assertEqual(bool(self._messages(move)), code == "ready", code)
        self.assertEqual(len(self._messages(sent)), 1, "what was sent is left out unless told")

    def test_send_again_only_when_told(self):
        self._send_batch(self.moves)
        for move in self.moves:
            self._set_state(self._messages(move), "delivered")
        wizard = self._wizard(self.moves)
        self.assertEqual(wizard.sending_count, 0)
        with self.assertRaisesRegex(UserError, "None of the selected"):
            wizard.action_send()
        wizard.send_again = True
        self.assertEqual(wizard.sending_count, 4)
        wizard.action_send()
        for move in self.moves:
            self.assertEqual(sorted(self._messages(move).mapped("occasion")), ["again-1", "send"])

    def test_each_reason_leads_to_its_fix(self):
        silent = self._customers(1, opt_in=False, start=300)
        numberless = self.env["res.partner"].create({"name": "No Number"})
        draft = self._invoices(self.partners[:1], post=False)
        no_consent, no_number = self._invoices(silent), self._invoices(numberless)
        wizard = self._wizard(no_consent | no_number | draft)
        action = self._line(wizard, no_consent).action_fix()
        self.assertEqual(action["res_model"], "ajw.consent.record")
        self.assertEqual(action["context"]["default_partner_id"], silent.id)
        self.assertEqual(action["context"]["default_purpose_ids"], self.purpose_invoice.ids)
        action = self._line(wizard, no_number).action_fix()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", numberless.id))
        action = self._line(wizard, draft).action_fix()
        self.assertEqual((action["res_model"], action["res_id"]), ("account.move", draft.id))
        self.account.state = "draft"
        wizard.action_refresh()
        self.assertEqual(self._reasons(wizard), {"no_account": 2, "draft": 1})
        line = self._line(wizard, no_consent)
        self.assertEqual(line.action_fix()["res_model"], "ajw.whatsapp.account")

    def test_recording_consent_from_the_wizard_moves_the_document_up(self):
        silent = self._customers(1, opt_in=False, start=300)
        invoice = self._invoices(silent)
        wizard = self._wizard(invoice)
        self.assertEqual(wizard.sending_count, 0)
        action = wizard.reason_ids.action_fix()
        recorder = (
            self.env[action["res_model"]]
            .with_user(self.billing)
            .with_context(**action["context"])
            .create({"method": "spoken", "note": "Said yes."})
        )
        result = recorder.action_record()
        self.assertEqual(result["tag"], "soft_reload")
        self.assertEqual((wizard.sending_count, wizard.blocked_count), (1, 0))
        self.assertNothingQueued(invoice)

    def test_who_said_no_is_not_invited(self):
        self._withdraw(self.partners[0], address=self.partners[0].ajw_whatsapp_number)
        wizard = self._wizard(self.moves)
        line = self._line(wizard, self.moves[0])
        self.assertEqual(line.code, "withdrawn")
        self.assertFalse(line.can_invite)
        with self.assertRaisesRegex(UserError, "not asked again"):
            line.action_invite()

    def test_empty_variable_is_said(self):
        self.invoice_template.variable_ids.filtered(
            lambda variable: variable.name == "number"
        ).field_path = "ref"
        self.moves[0].ref = "PO 1"
        wizard = self._wizard(self.moves)
        self.assertEqual(self._reasons(wizard), {"empty_variable": 3})
        self.assertIn("ref is empty", self._line(wizard, self.moves[1]).shown_reason)

    def test_filter(self):
        self._withdraw(self.partners[0], address=self.partners[0].ajw_whatsapp_number)
        wizard = self._wizard(self.moves)
        self.assertEqual(len(wizard.shown_line_ids), 4)
        wizard.show = "blocked"
        self.assertEqual(wizard.shown_line_ids.res_id, self.moves[0].id)

    # -- cost --------------------------------------------------------------------------------------

    def _set_rates(self):
        self.env["ajw.whatsapp.rate"].search([]).active = False
        self.env["ajw.whatsapp.rate"].create(
            {
                "market": "India",
                "country_ids": [Command.set(self.env.ref("base.in").ids)],
                "category": "UTILITY",
                "currency_id": self.env.ref("base.INR").id,
                "price": 0.25,
                "valid_from": "2026-02-03",
                "source": "test",
            }
        )

    def test_cost_by_the_dated_card(self):
        self._set_rates()
        wizard = self._wizard(self.moves)
        self.assertEqual(wizard.estimate_text, "1.00 INR")
        self.assertIn("2026-02-03", wizard.estimate_note)
        batch = self._send_batch(self.moves)
        self.assertEqual((batch.estimate_text, batch.estimated_cost), ("1.00 INR", 1.0))

    def test_cost_in_a_currency_that_is_switched_off_keeps_its_currency(self):
        self._set_rates()
        self.env.ref("base.INR").active = False
        batch = self._send_batch(self.moves)
        self.assertEqual(batch.estimated_currency_id, self.env.ref("base.INR"))

    def test_country_without_a_rate_is_said(self):
        self.env["ajw.whatsapp.rate"].search([]).active = False
        wizard = self._wizard(self.moves)
        self.assertFalse(wizard.estimate_text)
        self.assertRegex(wizard.estimate_note, "4 without a rate for India.*Rate Card")

    def test_open_window_is_free(self):
        self._set_rates()
        engine = self.env["ajw.whatsapp.message"]._engine()
        vals = {
            "direction": "inbound",
            "state": "received",
            "company_id": self.company.id,
            "account_id": self.account.id,
        }
        # the third stopped marketing in WhatsApp's settings, which is no message to anybody
        written = (("text", 1), ("text", 25), ("preference", 1))
        engine.create(
            [
                {
                    **vals,
                    "number": partner.ajw_whatsapp_number,
                    "inbound_type": kind,
                    "sent_at": fields.Datetime.now() - timedelta(hours=hours),
                }
                for partner, (kind, hours) in zip(self.partners, written, strict=False)
            ]
        )
        wizard = self._wizard(self.moves)
        self.assertEqual(wizard.estimate_text, "0.7500 INR")
        self.assertIn("1 are free", wizard.estimate_note)

    # -- companies and rights ----------------------------------------------------------------------

    def _second_company(self):
        company = self.env["res.company"].create(
            {"name": "Other Trading", "country_id": self.env.ref("base.in").id}
        )
        self.env.flush_all()
        if not company.chart_template:
            self.env["account.chart.template"].try_loading(
                "generic_coa", company=company, install_demo=False
            )
        return company

    def test_A6_documents_of_a_foreign_company_are_neither_shown_nor_sent(self):
        other = self._second_company()
        foreign = self._invoices(self.partners[:1], company_id=other.id)
        wizard = (
            self.env["ajw.whatsapp.batch.wizard"]
            .with_user(self.billing)
            .create({"res_model": "account.move", "selected_ids": (self.moves | foreign).ids})
        )
        self.assertEqual((wizard.unseen_count, len(wizard.line_ids)), (1, 4))
        self.assertNotIn(foreign.name, wizard.line_ids.mapped("document_name")[4:])
        wizard.action_send()
        self.assertNothingQueued(foreign)

    def test_document_of_a_company_that_is_not_active_now_is_said(self):
        other = self._second_company()
        self.billing.company_ids += other
        asleep = self._invoices(self.partners[:1], company_id=other.id)
        wizard = (
            self.env["ajw.whatsapp.batch.wizard"]
            .with_user(self.billing)
            .with_context(allowed_company_ids=self.company.ids)
            .create({"res_model": "account.move", "selected_ids": (self.moves | asleep).ids})
        )
        self.assertEqual(self._reasons(wizard), {"company_inactive": 1})
        self.assertIn("not among those you work in", wizard.reason_ids.label)
        wizard.action_send()
        self.assertNothingQueued(asleep)

    def test_each_company_sends_through_its_own_account(self):
        other = self._second_company()
        self.billing.company_ids += other
        account = self.account.create(
            {
                "name": "Other",
                "company_id": other.id,
                "phone_number_id": "100000000000002",
                "waba_id": "200000000000002",
                "state": "connected",
            }
        )
        self.invoice_template.copy(
            {"account_id": account.id, "status": "APPROVED"}
        ).sudo().status = "APPROVED"
        partner = self.partners[0]
        notice = self.notice.create(
            {
                "company_id": other.id,
                "lang": "en_US",
                "legal_entity": other.name,
                "officer_contact": "privacy@example.com",
            }
        )
        notice.action_publish()
        self.env["ajw.consent.event"]._record(
            other.ajw_consent_controller_id,
            partner,
            self.purpose_invoice,
            "whatsapp",
            partner.ajw_whatsapp_number,
            "given",
            "in_person",
            notice=notice,
        )
        theirs = self._invoices(partner, company_id=other.id)
        both = (self.company | other).ids
        moves = (self.moves | theirs).with_context(allowed_company_ids=both)
        wizard = self._wizard(moves).with_context(allowed_company_ids=both)
        self.assertTrue(wizard.several_companies)
        action = wizard.action_send()
        batches = self.env["ajw.whatsapp.batch"].search(action["domain"])
        self.assertEqual(
            {batch.company_id: batch.message_count for batch in batches},
            {self.company: 4, other: 1},
        )
        self.assertEqual(self._messages(theirs).account_id, account)
        self.assertEqual(self._messages(self.moves[0]).account_id, self.account)

    def test_A6_portal_user_gets_nothing(self):
        with self.assertRaises(AccessError):
            self.moves.with_user(self.portal).action_ajw_whatsapp_batch()
        with self.assertRaises(AccessError):
            self.env["ajw.whatsapp.batch.wizard"].with_user(self.portal).create(
                {"res_model": "account.move", "selected_ids": self.moves.ids}
            )
        self.assertFalse(self.env["ajw.whatsapp.batch.wizard"].search([]))

    def test_A6_whatsapp_user_of_another_company(self):
        other = self.env["res.company"].create({"name": "Far Away"})
        stranger = new_test_user(
            self.env,
            "wa_stranger",
            groups="account.group_account_invoice",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        wizard = (
            self.env["ajw.whatsapp.batch.wizard"]
            .with_user(stranger)
            .create({"res_model": "account.move", "selected_ids": self.moves.ids})
        )
        self.assertEqual((wizard.unseen_count, len(wizard.line_ids)), (4, 0))
        with self.assertRaises(UserError):
            wizard.action_send()
        batch = self._send_batch(self.moves)
        with self.assertRaises(AccessError):
            batch.with_user(stranger).read(["name"])
        with self.assertRaises(AccessError):
            batch.with_user(stranger).action_cancel()
        self.assertFalse(self.env["ajw.whatsapp.batch"].with_user(stranger).search([]))

    def test_A6_wizard_of_a_colleague_is_not_to_be_read(self):
        wizard = self._wizard(self.moves)
        colleague = self._create_user("doc_colleague", "account.group_account_invoice")
        with self.assertRaises(AccessError):
            wizard.with_user(colleague).read(["ready_count"])
        with self.assertRaises(AccessError):
            wizard.line_ids.with_user(colleague).read(["number"])

    def test_forged_line_meets_the_plan_again(self):
        silent = self._customers(1, opt_in=False, start=400)
        invoice = self._invoices(silent)
        wizard = self._wizard(invoice)
        wizard.line_ids.write({"status": "ready", "code": False})
        with patch.object(
            self.env.registry["ajw.whatsapp.message"], "_enqueue", side_effect=AssertionError
        ):
            result = wizard.action_send()
        self.assertEqual(result["tag"], "display_notification")
        self.assertNothingQueued(invoice)
        self.assertFalse(self.env["ajw.whatsapp.batch"].search([]))

    # -- cost in queries ---------------------------------------------------------------------------

    def _queries_for(self, moves):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        wizard = self._wizard(moves)
        self.env.flush_all()
        self.env.invalidate_all()
        wizard.action_send()
        self.env.flush_all()
        count = self.env.cr.sql_log_count - before
        self.assertEqual(len(self.env["ajw.whatsapp.message"].search([])), len(moves))
        return count

    def test_queries_do_not_grow_with_the_batch(self):
        moves = self._invoices(self._customers(80, start=1000))
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self._queries_for(moves[:5])  # what a running server has in memory already
            raise ZeroDivisionError
        counts = {}
        for count in (20, 60):
            with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
                counts[count] = self._queries_for(moves[:count])
                raise ZeroDivisionError
        self.assertLessEqual(counts[60] - counts[20], 2, counts)

    # -- what a program may write ------------------------------------------------------------------

    def test_a_selection_that_is_none_is_refused_with_a_sentence(self):
        wizard = self._wizard(self.moves[:1])
        for selection in (5, "all", {"ids": [1]}, [True], [2.5], ["1"], [2**40], [-1], [[1]]):
            with self.subTest(selection=selection):
                wizard.selected_ids = selection
                with self.assertRaisesRegex(UserError, "no list of documents"):
                    wizard.action_refresh()
                with self.assertRaisesRegex(UserError, "no list of documents"):
                    wizard.create({"res_model": "account.move", "selected_ids": selection})
        wizard.selected_ids = [self.moves[0].id] * 3
        wizard.action_refresh()
        self.assertEqual(wizard.total_count, 1)

    def test_W2_each_company_gets_its_own_batch_whatever_the_lines_say(self):
        other = self.env["res.company"].create({"name": "Second Trading"})
        self.billing.company_ids += other
        self.env["account.chart.template"].try_loading(
            "generic_coa", company=other, install_demo=False
        )
        theirs = self._invoices(self.partners[:1], company_id=other.id)
        billing = self.billing.with_context(allowed_company_ids=(self.company | other).ids)
        wizard = self._wizard((self.moves[:2] | theirs).with_env(billing.env))
        wizard = wizard.with_context(allowed_company_ids=(self.company | other).ids)
        for company in (self.company, other, self.env["res.company"]):
            wizard.line_ids.write({"company_id": company.id, "status": "ready"})
            action = wizard.action_send()
        self.assertEqual(action["tag"], "display_notification", "nothing is sent twice")
        [batch] = self.env["ajw.whatsapp.batch"].search([])
        self.assertEqual(batch.company_id, self.company)
        self.assertEqual(set(batch.message_ids.mapped("res_id")), set(self.moves[:2].ids))
        self.assertNothingQueued(theirs)

    def test_lines_of_another_kind_of_document_are_refused(self):
        wizard = self._wizard(self.moves[:2])
        wizard.line_ids[0].res_model = "sale.order"
        with self.assertRaisesRegex(UserError, "Refresh it"):
            wizard.action_send()
        self.assertFalse(self.env["ajw.whatsapp.batch"].search([]))

    def test_A6_a_line_gives_no_right_on_its_document(self):
        wizard = self._wizard(self.moves[:1])
        foreign = self.env["res.company"].create({"name": "Foreign Trading"})
        self.env["account.chart.template"].try_loading(
            "generic_coa", company=foreign, install_demo=False
        )
        theirs = self._invoices(self.partners[:1], company_id=foreign.id)
        wizard.line_ids.res_id = theirs.id
        with self.assertRaises(AccessError):
            wizard.action_send()
        self.assertNothingQueued(theirs)
