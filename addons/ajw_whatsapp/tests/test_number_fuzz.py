"""Whatever stands in the field of a number: the right number, or a sentence; never another one."""

import random
from itertools import product

from odoo.exceptions import UserError, ValidationError
from odoo.tests import BaseCase, Form, tagged

from ..tools.recipient import RecipientError, whatsapp_number
from .document_common import DocumentCommon
from .number_table import (
    ELSEWHERE,
    NUMBER,
    READABLE,
    UNREADABLE,
    mangled,
    national,
    typed_digits,
)

#: What a sentence about a number has to say: what is wrong, and where to put it right.
SENTENCE = r"(not a valid phone number|no country prefix|landline)[\s\S]*contact"


@tagged("-at_install", "post_install")
class TestNumberTable(BaseCase):
    def test_each_number_is_read_or_refused(self):
        for typed in READABLE:
            with self.subTest(typed=typed):
                self.assertEqual(whatsapp_number(typed, "IN"), NUMBER)
        for typed in UNREADABLE:
            with self.subTest(typed=typed[:40]), self.assertRaises(RecipientError) as caught:
                whatsapp_number(typed, "IN")
            self.assertEqual(caught.exception.code, "phone")

    def test_a_number_is_read_as_it_is_dialled_where_the_contact_lives(self):
        for country, typed, number in ELSEWHERE:
            with self.subTest(country=country, typed=typed):
                if number:
                    self.assertEqual(whatsapp_number(typed, country), number)
                    continue
                with self.assertRaises(RecipientError) as caught:
                    whatsapp_number(typed, country)
                self.assertEqual(caught.exception.code, "phone")

    def test_with_its_prefix_a_number_is_the_same_in_every_country(self):
        prefixed = [
            typed
            for typed in READABLE
            if set(typed) & {"+", "＋"} or typed_digits(typed).startswith("00")
        ]
        self.assertGreater(len(prefixed), 8)
        for typed, country in product(prefixed, ("US", "DE", None)):
            with self.subTest(typed=typed, country=country):
                self.assertEqual(whatsapp_number(typed, country), NUMBER)

    def test_no_random_text_becomes_a_number_that_does_not_stand_there(self):
        rng = random.Random(19)  # noqa: S311 - a test that fails has to fail again
        read = 0
        for _n in range(4000):
            typed = mangled(rng)
            for country in ("IN", "US", None):
                try:
                    number = whatsapp_number(typed, country)
                except RecipientError as error:
                    self.assertIn(error.code, ("missing", "country", "phone", "landline"))
                    continue
                read += 1
                self.assertRegex(number, r"\A\+[1-9][0-9]{6,14}\Z")
                self.assertIn(national(number), typed_digits(typed), ascii(typed))
        self.assertGreater(read, 1000)


@tagged("-at_install", "post_install")
class TestNumberFuzz(DocumentCommon):
    """As the people who look after contacts and send documents."""

    def setUp(self):
        super().setUp()
        self.clerk = self._create_user(
            "contact_clerk", "base.group_user", "base.group_partner_manager"
        )
        self.contact = self.partner.with_user(self.clerk)

    def test_contact_form(self):
        for typed in READABLE:
            with self.subTest(typed=typed):
                self.contact.ajw_whatsapp_number = False
                with Form(self.contact) as form:
                    form.ajw_whatsapp_number = typed
                    self.assertEqual(form.ajw_whatsapp_number, NUMBER, "seen while typing")
                self.assertEqual(self.contact.ajw_whatsapp_number, NUMBER)

    def test_contact_form_says_what_is_wrong_and_keeps_the_number_that_was(self):
        before = "+919876500000"
        self.contact.ajw_whatsapp_number = before
        self.env.flush_all()
        for typed in UNREADABLE:
            with self.subTest(typed=typed[:40]):
                with (
                    self.assertRaisesRegex(ValidationError, SENTENCE) as caught,
                    self.env.cr.savepoint(),
                    Form(self.contact) as form,
                ):
                    form.ajw_whatsapp_number = typed
                self.assertLess(len(str(caught.exception)), 400)
                self.assertNotIn("\u202e", str(caught.exception))
                self.env.invalidate_all()
                self.assertEqual(self.contact.ajw_whatsapp_number, before)

    def test_new_contact_over_rpc(self):
        contacts = self.env["res.partner"].with_user(self.clerk)
        india = self.env.ref("base.in").id
        for typed in READABLE:
            values = {"name": "New", "country_id": india, "ajw_whatsapp_number": typed}
            with self.subTest(typed=typed):
                self.assertEqual(contacts.create(values).ajw_whatsapp_number, NUMBER)
        count = contacts.search_count([])
        for typed in UNREADABLE:
            values = {"name": "New", "country_id": india, "ajw_whatsapp_number": typed}
            with (
                self.subTest(typed=typed[:40]),
                self.assertRaisesRegex(ValidationError, SENTENCE),
                self.env.cr.savepoint(),
            ):
                contacts.create(values)
        self.assertEqual(contacts.search_count([]), count)

    def test_without_country_a_number_needs_its_prefix(self):
        self.contact.country_id = False
        for typed in ("98765 43210", "٩٨٧٦٥٤٣٢١٠", "\u200f98765 43210", "919876543210"):
            with (
                self.subTest(typed=typed),
                self.assertRaisesRegex(ValidationError, "no country prefix"),
                self.env.cr.savepoint(),
            ):
                self.contact.ajw_whatsapp_number = typed

    def test_composer_reads_the_number_or_says_what_is_wrong(self):
        """The phone field is anybody's: what stands there was not looked at before."""
        self._opt_in(self.partner, self.purpose_order)
        order = self._create_order()
        for typed in READABLE:
            with self.subTest(typed=typed):
                self.partner.phone = typed
                composer = self._compose(order, self.seller)
                self.assertEqual((composer.number, composer.problem), (NUMBER, False))
        for typed in UNREADABLE:
            with self.subTest(typed=typed[:40]):
                self.partner.phone = typed
                composer = self._compose(order, self.seller)
                self.assertRegex(composer.problem, SENTENCE)
                with self.assertRaisesRegex(UserError, SENTENCE):
                    composer.action_send()
        self.assertNothingQueued(order)
