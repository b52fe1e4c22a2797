from contextlib import suppress
from datetime import date, timedelta
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..engine.matcher import MARK
from .books_common import FINISHING, BooksCommon
from .test_erasure import Killed

UNTIL = date(2033, 3, 31)
DUE = "2033-04-01"


@tagged("post_install", "-at_install")
class TestErasureKept(BooksCommon):
    """What a law keeps is known row by row, and goes by itself when its last day has passed."""

    # -- when the day comes ----------------------------------------------------------------------

    def test_T7_it_finishes_by_itself_when_the_last_day_has_passed(self):
        request = self._verified(
            kind="deletion", partner_id=self.subject.id, requester_email=self.EMAIL
        )
        request._do_answer("Will be erased.")
        early, late = self._invoice("2024-05-10"), self._invoice("2026-05-10")
        erasure = self._erased(request_id=request.id)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(erasure.next_date, UNTIL)
        self._finish(erasure, "2033-03-31")
        self.assertEqual(len(erasure.certificate_ids), 1, "the last day itself counts")
        self._finish(erasure, DUE)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(early.invoice_line_ids[0].name, f"Advice for {MARK} and Bruno")
        self.assertEqual(early.invoice_line_ids[1].name, "Travel")
        self.assertIn(self.NAME, late.invoice_line_ids[0].name)
        self.assertEqual(erasure.next_date, date(2035, 3, 31))
        self._finish(erasure, "2035-04-01")
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
        self.assertFalse(erasure.kept_ids)
        first, second, last = erasure.certificate_ids.sorted("number")
        self.assertEqual(
            [each.verdict for each in (first, second, last)],
            ["clean_but_kept", "clean_but_kept", "clean"],
        )
        self.assertIn(second.hash, last.content)
        self.assertTrue(last.is_genuine)
        told = " ".join(request.sudo().message_ids.mapped("body"))
        self.assertIn(f"Certificate {last.number}", told)
        self.assertEqual(late.partner_id, self.subject)
        self._finish(erasure, "2036-04-01")
        self.assertEqual(len(erasure.certificate_ids), 3, "nothing more to do")

    def test_T7_killed_while_finishing_goes_on(self):
        invoices = [self._invoice() for _number in range(3)]
        erasure = self._erased()
        model = self.registry["ajw.privacy.erasure"]
        real, calls = model._finish_rows, []

        def finish(record, *args):
            calls.append(args[1])
            count = real(record, *args)
            if len(calls) == 2:
                raise Killed
            return count

        with patch.object(model, "_finish_rows", finish), suppress(Killed):
            self._finish(erasure, DUE)
        self.env.invalidate_all()
        self.assertEqual(erasure.state, "finishing")
        with self._on(DUE):
            self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
        for invoice in invoices:
            self.assertEqual(invoice.invoice_line_ids[0].name, f"Advice for {MARK} and Bruno")
        places = erasure.place_ids.filtered(
            lambda place: place.display_name == "account.move.line.name"
        )
        self.assertEqual({place.action: (place.row_count, place.done_count) for place in places},
                         {"keep": (0, 0), "redact": (3, 3)})  # fmt: skip

    @mute_logger(FINISHING)
    def test_a_row_that_cannot_be_erased_is_told_and_stops_no_other(self):
        bad, good = self._invoice(), self._invoice()
        erasure = self._erased()
        self.env.cr.execute(
            """CREATE FUNCTION x_stay() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN IF OLD.id = %s THEN RAISE EXCEPTION 'stays'; END IF; RETURN NEW; END $$;
               CREATE TRIGGER x_stay BEFORE UPDATE ON account_move_line
               FOR EACH ROW EXECUTE FUNCTION x_stay()""",
            [bad.invoice_line_ids[0].id],
        )
        self._finish(erasure, DUE)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("1 rows whose time is over", erasure.error)
        self.assertNotIn(self.NAME, erasure.error)
        self.assertEqual(good.invoice_line_ids[0].name, f"Advice for {MARK} and Bruno")
        self.env.cr.execute("DROP TRIGGER x_stay ON account_move_line")
        with self._on(DUE):
            erasure.with_user(self.officer).action_resume()
            self._advance(erasure)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])

    def test_officer_is_told_that_nothing_is_due(self):
        self._invoice()
        erasure = self._erased()
        with self.assertRaisesRegex(UserError, "Nothing of .* is due yet"):
            erasure.with_user(self.officer).action_resume()

    def test_text_changed_meanwhile_goes_as_a_whole(self):
        invoice = self._invoice()
        erasure = self._erased()
        self.env.cr.execute(
            "UPDATE account_move_line SET name = 'Zephyrsson, again' WHERE id = %s",
            [invoice.invoice_line_ids[0].id],
        )
        self._finish(erasure, DUE)
        self.assertEqual(erasure.state, "done", erasure.error)
        self.env.invalidate_all()
        self.assertEqual(invoice.invoice_line_ids[0].name, MARK)

    # -- the law ---------------------------------------------------------------------------------

    def test_W4_a_longer_law_wins_when_the_day_comes(self):
        invoice = self._invoice()
        erasure = self._erased()
        self.env.ref("ajw_privacy.keeping_rule_in_books").period = 10
        self._finish(erasure, DUE)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(len(erasure.certificate_ids), 1)
        self.assertEqual(invoice.invoice_partner_display_name, self.NAME)
        self.assertEqual(set().union(*self._kept(erasure).values()), {date(2035, 3, 31)})
        self.assertEqual(self._finish(erasure, "2035-04-01").state, "done", erasure.error)

    def test_W4_where_no_law_is_known_nothing_goes_until_one_is(self):
        self.company.country_id = self.env.ref("base.aq")
        invoice = self._invoice()
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(set(erasure.kept_ids.mapped("no_end")), {"no_rule"})
        self._finish(erasure, "2099-04-01")
        self.assertEqual(erasure.state, "kept")
        self.assertEqual(invoice.invoice_partner_display_name, self.NAME)
        self.env["ajw.privacy.keeping.duty.rule"].create(
            {
                "duty_id": self.env.ref("ajw_privacy.keeping_books").id,
                "country_ids": [Command.set(self.env.ref("base.aq").ids)],
                "article": "Ice Act, s. 1", "period": 5, "counted_from": "document",
            }
        )  # fmt: skip
        self._finish(erasure, "2029-05-10")
        self.assertEqual(
            (erasure.state, erasure.next_date), ("kept", date(2029, 5, 10)), erasure.error
        )
        self.assertEqual(set(erasure.kept_ids.mapped("article")), {"Ice Act, s. 1"})
        self.assertEqual(self._finish(erasure, "2029-05-11").state, "done", erasure.error)

    def test_W4_what_is_over_already_goes_at_once(self):
        old = self._invoice("2012-05-10")
        with self._on("2026-11-23"):
            erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(old.invoice_line_ids[0].name, f"Advice for {MARK} and Bruno")
        self.assertIn(erasure.subject_ref, old.invoice_partner_display_name)
        self.assertEqual(self._where(), [])

    def test_W4_a_cancelled_invoice_is_in_no_books(self):
        invoice = self._invoice()
        invoice.button_draft()
        invoice.button_cancel()
        self.env.cr.flush()
        erasure = self._erased()
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])

    # -- holds -----------------------------------------------------------------------------------

    def _hold(self, partner, name="Case 9"):
        return self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": name, "partner_id": partner.id, "reason": "A claim."}
        )  # fmt: skip

    def test_A8_a_hold_keeps_beyond_the_law(self):
        invoice = self._invoice()
        erasure = self._erased()
        hold = self._hold(self.subject)
        self._finish(erasure, DUE)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(len(erasure.certificate_ids), 1, "nothing was done")
        self.assertEqual(invoice.invoice_partner_display_name, self.NAME)
        self.assertEqual(erasure.kept_ids.hold_id, hold)
        hold.active = False
        self.assertEqual(self._finish(erasure, DUE).state, "done", erasure.error)

    def test_A8_rows_of_somebody_held_wait_with_the_hold_named(self):
        hold = self._hold(self.colleague)
        message = self.colleague.message_post(body=f"{self.NAME} saw it.", message_type="comment")
        before = self._rows_of(message)
        erasure = self._planned()
        place = erasure.place_ids.filtered(
            lambda place: place.model_name == "mail.message" and place.action == "keep"
        )
        self.assertEqual((place.row_count, place.reason), (1, "Legal hold: Case 9"))
        self._give_reasons(erasure)
        erasure.with_user(self.second).action_approve()
        self._advance(erasure)
        self.assertEqual(erasure.state, "kept", erasure.error)
        self.assertEqual(self._rows_of(message), before)
        self.assertIn('"duty":"hold"', erasure.certificate_ids.content)
        self.assertFalse(erasure.forgotten_at, "to be redacted when the hold ends")
        self._finish(erasure, "2027-01-01")
        self.assertEqual(erasure.state, "kept")
        hold.active = False
        self._finish(erasure, "2027-01-02")
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertIn(MARK, message.body)
        self.assertEqual(self._where(), [])

    def test_an_answered_request_lets_the_erasure_finish_by_itself(self):
        request = self._verified(
            kind="deletion", partner_id=self.subject.id, requester_email=self.EMAIL
        )
        erasure = self._erased(request_id=request.id)
        self._finish(erasure, "2026-12-01")
        self.assertEqual(erasure.state, "kept", erasure.error)
        request._do_answer("Erased but for this request.")
        self._finish(erasure, "2026-12-02")
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertFalse(request.requester_email)

    # -- who may see it --------------------------------------------------------------------------

    def test_W2_only_officers_of_the_company_see_what_is_kept(self):
        self._invoice()
        erasure = self._erased()
        kept = self.env["ajw.privacy.kept"]
        self.assertTrue(kept.with_user(self.officer).search([("erasure_id", "=", erasure.id)]))
        self.assertFalse(
            kept.with_user(self.other_officer).search([("erasure_id", "=", erasure.id)])
        )
        for user in (self.internal, self.admin):
            with self.assertRaises(AccessError):
                kept.with_user(user).search([])
        row = erasure.kept_ids[:1]
        with self.assertRaises(AccessError):
            row.with_user(self.officer).write({"until": "2000-01-01"})
        action = erasure.with_user(self.officer).action_view_kept()
        self.assertEqual(action["res_model"], "ajw.privacy.kept")

    def test_T7_documents_of_ended_proceedings_stay_a_year_longer(self):
        """CGST Act 2017, s. 36, proviso: a year after the appeal is over, if that is later."""
        over = date.today() - timedelta(days=30)
        appealed, other = self._invoice("2014-05-10"), self._invoice("2014-05-10")
        self.env["ajw.privacy.hold"].with_user(self.officer).create(
            {"name": "Appeal", "kind": "record", "model_name": "account.move",
             "res_id": appealed.id, "reason": "An appeal.", "date_from": "2016-01-01",
             "date_until": over}
        )  # fmt: skip
        erasure = self._erased()
        self.assertEqual(erasure.state, "kept", erasure.error)
        until = over + relativedelta(months=12)
        self.assertEqual(
            {(row.res_id, row.until, row.article) for row in erasure.kept_ids
             if row.field_name == "invoice_partner_display_name"},
            {(appealed.id, until, "CGST Act 2017, s. 36")},
        )  # fmt: skip
        self.assertEqual(appealed.invoice_partner_display_name, self.NAME)
        self.assertNotIn(self.NAME, other.invoice_partner_display_name)
        self._finish(erasure, str(until))
        self.assertEqual(appealed.invoice_partner_display_name, self.NAME)
        with self.subTest("another appeal"):
            hold = self.env["ajw.privacy.hold"].create(
                {"name": "Revision", "kind": "record", "model_name": "account.move",
                 "res_id": appealed.id, "reason": "A revision.", "date_from": "2016-01-01",
                 "company_id": self.company.id}
            )  # fmt: skip
            self._finish(erasure, str(until + timedelta(days=1)))
            self.assertEqual(appealed.invoice_partner_display_name, self.NAME)
            self.assertEqual(erasure.kept_ids.hold_id, hold)
            hold.active = False
            # a year from now: the later of the two ends
            later = date.today() + relativedelta(months=12)
            self._finish(erasure, str(until + timedelta(days=1)))
            self.assertEqual(set(erasure.kept_ids.mapped("until")), {later})
            self._finish(erasure, str(later + timedelta(days=1)))
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(self._where(), [])
