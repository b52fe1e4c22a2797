"""What takes an address off the suppression list, and what does not."""

from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged

from ..models.ajw_consent_suppression_following import EXPLICIT_METHODS
from ..models.ledger_guard import LEDGER_SENTINEL
from ..models.selections import METHODS
from .common import ConsentCommon

OTHER = "+919876543277"


@tagged("-at_install", "post_install")
class TestSuppressionLifting(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.start = fields.Datetime.now().replace(microsecond=0) - timedelta(days=1)
        cls.list = cls.env["ajw.consent.suppression"]

    def record(self, minutes, kind, method, purpose=None, address="", partner=None):
        """Record an answer as of so many minutes after the start."""
        return self.env["ajw.consent.event"]._record(
            self.controller,
            partner or self.partner,
            purpose or self.purpose_invoice,
            "whatsapp",
            self.number if address == "" else address,
            kind,
            method,
            notice=self.notice if kind in ("given", "renewed") else None,
            occurred_at=self.start + timedelta(minutes=minutes),
        )

    def stop(self, minutes=0, number=None):
        return self.env["ajw.consent.event"]._withdraw_address(
            self.controller,
            "whatsapp",
            number or self.number,
            "whatsapp_message",
            occurred_at=self.start + timedelta(minutes=minutes),
        )

    def suppressed(self, address=None, purpose=None):
        return bool(
            self.list._suppressed(
                self.controller,
                purpose or self.purpose_invoice,
                "whatsapp",
                [address or self.number],
            )
        )

    def rows(self):
        return self.list.search([("company_id", "=", self.company.id)], order="id")

    def status(self, purpose=None, partner=None):
        return (
            (partner or self.partner)
            .ajw_consent_state_ids.filtered(
                lambda state: state.purpose_id == (purpose or self.purpose_invoice)
            )
            .mapped("status")
        )

    # -- a no that is learnt of late -------------------------------------------------------------

    def late_stop(self):
        """A STOP of minute 0, recorded after what has been recorded so far."""
        return self.env["ajw.consent.event"]._withdraw_address(
            self.controller,
            "whatsapp",
            self.number,
            "whatsapp_message",
            occurred_at=self.start,
            spare_later=True,
        )

    def test_A9_a_no_learnt_of_late_closes_what_was_agreed_to_before_it(self):
        self.record(-10, "given", "in_person")
        self.record(10, "given", "in_person", self.purpose_order)
        self.late_stop()
        self.assertEqual(self.status(), ["withdrawn"])
        self.assertEqual(self.status(self.purpose_order), ["given"])
        self.assertTrue(self._ask_gate(self.partner, self.purpose_order).allowed)
        self.assertTrue(self.suppressed(purpose=self.purpose_marketing), "the rest is closed")
        self.assertEqual(self.env["ajw.consent.event"]._verify(), [])

    def test_A9_of_the_same_moment_a_no_learnt_of_late_counts(self):
        self.record(0, "given", "in_person")
        self.late_stop()
        self.assertEqual(self.status(), ["withdrawn"])

    def test_A9_what_could_not_lift_an_older_no_does_not_outlive_one_learnt_of_late(self):
        """An import, and a page of somebody who came by the number after the STOP."""
        for method in ("import", "portal"):
            with self.subTest(method=method), self.env.cr.savepoint() as savepoint:
                self.record(10, "given", method)
                self.assertFalse(self.suppressed())
                self.late_stop()
                self.assertTrue(self.suppressed())
                self.assertFalse(self._ask_gate(self.partner).allowed)
                savepoint.close(rollback=True)
            self.env.invalidate_all()

    def test_a_page_of_who_held_the_number_before_outlives_a_no_learnt_of_late(self):
        self.record(-10, "given", "in_person")
        self.record(10, "given", "portal")
        self.late_stop()
        self.assertTrue(self._ask_gate(self.partner).allowed)

    # -- the answer counts, not the event --------------------------------------------------------

    def test_A9_every_way_of_saying_yes_lifts_or_not(self):
        lifting = {
            *("whatsapp_message", "whatsapp_button", "portal", "web_form", "email_link"),
            *("qr_code", "paper", "spoken", "in_person"),
        }
        self.assertEqual(EXPLICIT_METHODS, lifting)
        for number, (method, _label) in enumerate(METHODS):
            with self.subTest(method=method):
                address = f"+9198765001{number:02}"
                partner = self._create_partner(method, address)
                self.stop(0, address)
                self.record(10, "given", method, address=address, partner=partner)
                self.assertEqual(self.suppressed(address), method not in lifting)
                self.assertEqual(
                    self._ask_gate(partner).allowed, method in lifting, self._ask_gate(partner)
                )

    def test_A9_an_unproven_number_lifts_no_stop(self):
        self.partner._ajw_set_unproven({self.number})
        self.stop()
        self.record(10, "given", "portal")
        self.assertEqual(self.status(), ["unconfirmed"])
        self.assertTrue(self.suppressed())
        # What confirms must come from the number.
        self.record(20, "confirmed", "back_office")
        self.assertTrue(self.suppressed())
        self.stop(30)
        self.record(40, "given", "portal")
        self.record(50, "confirmed", "whatsapp_message")
        self.assertFalse(self.suppressed())
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def _typed_after_the_stop(self):
        """A contact that got a number by a typing error after its holder had said STOP."""
        self.stop(0, OTHER)
        return self._create_partner("Typing Error", OTHER, email="typing@example.com")

    def test_A9_a_page_lifts_no_strangers_stop(self):
        stranger = self._typed_after_the_stop()
        for minutes, method in enumerate(("portal", "email_link", "qr_code", "web_form"), 10):
            self.record(minutes, "given", method, address=OTHER, partner=stranger)
            self.assertEqual(self.status(partner=stranger), ["unconfirmed"], method)
            self.assertTrue(self.suppressed(OTHER), method)
        row = self.env["ajw.consent.confirmation"].search([("partner_id", "=", stranger.id)])[:1]
        self.assertEqual(
            (row.state, row.email), ("no_email", False), "its own email proves nothing"
        )
        self.record(20, "confirmed", "email_link", address=OTHER, partner=stranger)
        self.assertTrue(self.suppressed(OTHER))
        self.assertFalse(self._ask_gate(stranger).allowed)

    def stop_learnt_late(self, number=None):
        return self.env["ajw.consent.event"]._withdraw_address(
            *(self.controller, "whatsapp", number or self.number, "whatsapp_message"),
            occurred_at=self.start,
            spare_later=True,
        )

    def test_A9_a_stop_learnt_late_spares_no_strangers_page(self):
        stranger = self._create_partner("Typing Error", OTHER, email="typing@example.com")
        self.record(10, "given", "portal", address=OTHER, partner=stranger)
        self.assertTrue(self._ask_gate(stranger).allowed)
        self.stop_learnt_late(OTHER)
        self.assertEqual(self.status(partner=stranger), ["withdrawn"])
        self.assertTrue(self.suppressed(OTHER))
        self.assertFalse(self._ask_gate(stranger).allowed)

    def test_A9_a_stop_learnt_late_spares_what_its_holder_agreed_to_since(self):
        self.record(-10, "given", "portal")
        self.stop(-5)
        self.record(10, "given", "portal")
        self.stop_learnt_late()
        self.assertEqual(self.status(), ["given"])
        self.assertTrue(self._ask_gate(self.partner).allowed)

    def test_A9_a_message_from_the_number_lifts_its_stop(self):
        stranger = self._typed_after_the_stop()
        self.record(10, "given", "portal", address=OTHER, partner=stranger)
        self.record(20, "confirmed", "whatsapp_message", address=OTHER, partner=stranger)
        self.assertFalse(self.suppressed(OTHER))
        self.assertTrue(self._ask_gate(stranger).allowed)
        self.assertTrue(self.suppressed(OTHER, self.purpose_order), "that purpose only")
        # Proven once: the next purpose needs no further message.
        self.record(30, "given", "portal", self.purpose_order, OTHER, stranger)
        self.assertEqual(self.status(self.purpose_order, stranger), ["given"])
        self.assertFalse(self.suppressed(OTHER, self.purpose_order))

    def test_A9_somebody_who_answers_for_it_lifts_a_strangers_stop(self):
        for number, method in enumerate(("paper", "spoken", "in_person")):
            with self.subTest(method=method):
                address = f"+91987650020{number}"
                self.stop(0, address)
                partner = self._create_partner(method, address)
                self.record(10, "given", method, address=address, partner=partner)
                self.assertFalse(self.suppressed(address))
                self.assertTrue(self._ask_gate(partner).allowed)

    def test_A9_a_page_lifts_ones_own_stop(self):
        mine = self._create_partner("Holds It", OTHER)
        self.stop(0, OTHER)
        self.record(10, "given", "portal", address=OTHER, partner=mine)
        self.assertEqual(self.status(partner=mine), ["given"])
        self.assertFalse(self.suppressed(OTHER))

    def test_A9_the_page_tells_beforehand_that_it_waits(self):
        stranger = self._typed_after_the_stop()
        self.env["ajw.consent.subject"]._find_or_create(self.controller, stranger)
        choices = self.env["ajw.consent.preference"]._choices(self.controller, stranger)
        asked = [choice for choice in choices if choice.purpose == self.purpose_invoice]
        self.assertEqual([choice.confirm for choice in asked], [True])

    def test_A9_a_documents_link_lifts_once_it_is_confirmed(self):
        self.stop()
        self.record(10, "given", "document_link")
        self.assertTrue(self.suppressed())
        self.record(20, "confirmed", "email_link")
        self.assertFalse(self.suppressed())

    def test_A9_the_renewal_of_what_is_closed_lifts_nothing(self):
        self.record(0, "given", "portal")
        self.record(10, "withdrawn", "spoken")
        self.record(20, "renewed", "portal")
        self.assertEqual(self.status(), ["withdrawn"])
        self.assertTrue(self.suppressed())
        self.assertFalse(self.rows().lifted_at)

    def test_A9_a_yes_from_before_the_no_lifts_nothing(self):
        twin = self._create_partner("Same Number", self.number)
        self.record(20, "withdrawn", "spoken")
        self.record(5, "given", "paper", partner=twin)
        self.assertEqual(self.status(partner=twin), ["given"])
        self.assertTrue(self.suppressed())
        self.assertEqual(self._ask_gate(twin).reason, "suppressed")

    def test_a_number_is_lifted_however_it_is_written(self):
        partner = self._create_partner("In Argentina", "+5491123456789")
        self.stop(0, "+541123456789")
        self.record(10, "given", "paper", address="+5491123456789", partner=partner)
        self.assertFalse(self.suppressed("+541123456789"))

    # -- exceptions ------------------------------------------------------------------------------

    def test_one_exception_from_a_stop_is_enough(self):
        self.stop()
        for minutes in (10, 20, 30):
            self.record(minutes, "given", "portal")
        self.assertFalse(self.suppressed())
        general, *exceptions = self.rows()
        self.assertEqual((general.purpose_code or "", general.lifted_at), ("", False))
        self.assertEqual(len(exceptions), 1)
        self.assertTrue(self.suppressed(purpose=self.purpose_order))
        self.stop(40)
        self.assertTrue(self.suppressed())
        self.record(50, "given", "portal")
        self.assertFalse(self.suppressed())
        self.assertEqual(len(self.rows()), 3, "an exception from each STOP")

    # -- what is inherited -----------------------------------------------------------------------

    def test_A9_a_no_to_all_lists_an_address_once_it_comes_up(self):
        self.record(10, "withdrawn", "spoken", address=None)
        self.assertTrue(self.suppressed())
        self.assertFalse(self.suppressed(OTHER), "nobody knew it")
        self.record(5, "given", "import", address=OTHER)
        self.assertTrue(self.suppressed(OTHER), "at once, not with the catch-up")
        self.assertEqual(set(self.partner.ajw_consent_state_ids.mapped("is_suppressed")), {True})
        holder = self._create_partner("Holds It", OTHER)
        self.assertEqual(self._ask_gate(holder).reason, "suppressed")

    def test_A9_a_no_to_all_holds_for_what_is_imported_later(self):
        self.record(10, "withdrawn", "spoken", address=None)
        self.record(20, "given", "import", address=OTHER)
        self.assertTrue(self.suppressed(OTHER))
        self.assertFalse(self._ask_gate(self.partner, address=OTHER).allowed)
        self.record(30, "given", "portal", address=OTHER)
        self.assertTrue(self._ask_gate(self.partner, address=OTHER).allowed)

    def test_a_no_to_all_lists_what_other_purposes_named(self):
        self.record(0, "given", "paper", purpose=self.purpose_order, address=OTHER)
        self.record(10, "withdrawn", "spoken", address=None)
        self.assertTrue(self.suppressed(OTHER))
        self.assertFalse(self.suppressed(OTHER, self.purpose_order))

    # -- catching up -----------------------------------------------------------------------------

    def _catch_up_queries(self, first, count):
        """Queries for so many answers, each said no to at another moment."""
        partners = self.env["res.partner"].create(
            [
                {
                    "name": f"P{n}",
                    "phone": f"+9198764{n:05}",
                    "country_id": self.partner.country_id.id,
                }
                for n in range(first, first + count)
            ]
        )
        with patch.object(type(self.list), "_follow", lambda *args: None):
            for minutes, partner in enumerate(partners):
                self.record(
                    *(minutes, "withdrawn", "spoken"),
                    address=partner.phone_sanitized if minutes % 2 else None,
                    partner=partner,
                )
        # As a search gives them: read together.
        states = self.env["ajw.consent.state"].browse(partners.ajw_consent_state_ids.ids)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.list._suppress_states(states)
        self.env.flush_all()
        used = self.env.cr.sql_log_count - before
        for partner in partners:
            self.assertTrue(self.suppressed(partner.phone_sanitized))
        self.assertEqual(set(states.mapped("is_suppressed")), {True})
        return used

    def test_catching_up_takes_no_query_per_answer(self):
        self._catch_up_queries(0, 2)
        few = self._catch_up_queries(10, 2)
        self.assertLessEqual(self._catch_up_queries(20, 20), few)

    def test_catching_up_gives_what_following_gives(self):
        self.record(10, "withdrawn", "spoken", address=None)
        self.record(5, "given", "import", address=OTHER)
        followed = {(row.purpose_code, row.digest, row.since) for row in self.rows()}
        states = self.partner.ajw_consent_state_ids.with_context(ajw_ledger=LEDGER_SENTINEL)
        self.env.flush_all()
        self.env.cr.execute(
            "DELETE FROM ajw_consent_suppression WHERE company_id = %s", [self.company.id]
        )
        self.env.invalidate_all()
        states.write({"is_suppressed": False})
        with self.enter_registry_test_mode(), freeze_time(fields.Datetime.now()):
            self.env.ref("ajw_consent.ir_cron_suppression").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(
            {(row.purpose_code, row.digest, row.since) for row in self.rows()}, followed
        )
