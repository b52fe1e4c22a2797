from odoo.tests import BaseCase, tagged

from ..tools.plan import pick_language
from ..tools.recipient import Recipient, RecipientError, choose_recipient, whatsapp_number


@tagged("-at_install", "post_install")
class TestRecipient(BaseCase):
    def test_one_form_whichever_way_it_was_typed(self):
        for typed in ("+91 98765 43210", "098765 43210", "98765-43210", "0091 9876543210"):
            with self.subTest(typed=typed):
                self.assertEqual(whatsapp_number(typed, "IN"), "+919876543210")

    def test_prefix_wins_over_country(self):
        self.assertEqual(whatsapp_number("+27 82 123 4567", "IN"), "+27821234567")

    def test_unusable_numbers_say_why(self):
        for typed, country, code in (
            ("", "IN", "missing"),
            ("98765 43210", None, "country"),
            ("12345", "IN", "phone"),
            ("not a number", "IN", "phone"),
            ("+91 44 2345 6789", "IN", "landline"),
        ):
            with self.subTest(typed=typed), self.assertRaises(RecipientError) as caught:
                whatsapp_number(typed, country)
            self.assertEqual(caught.exception.code, code)

    def test_fixed_or_mobile_is_accepted(self):
        self.assertEqual(whatsapp_number("+1 650 253 0000"), "+16502530000")

    def test_first_field_decides_even_if_wrong(self):
        self.assertEqual(
            choose_recipient([("own", "12"), ("phone", "+919876543210")], "IN"),
            Recipient("", "own", "12", "phone"),
        )
        self.assertEqual(
            choose_recipient([("own", " "), ("phone", "+919876543210")], None),
            Recipient("+919876543210", "phone", "+919876543210", ""),
        )
        self.assertEqual(choose_recipient([("own", False)], "IN").error, "missing")

    def test_pick_language(self):
        for offered, wanted, expected in (
            (["en", "hi"], "hi_IN", "hi"),
            (["pt_PT", "pt_BR"], "pt_BR", "pt_BR"),
            (["en", "pt_PT"], "pt_BR", "pt_PT"),
            (["hi", "en_US"], "de_DE", "en_US"),
            (["hi", "ta"], "de_DE", "hi"),
            (["hi", "en"], False, "en"),
            ([], "en_US", None),
        ):
            with self.subTest(offered=offered, wanted=wanted):
                self.assertEqual(pick_language(offered, wanted), expected)
