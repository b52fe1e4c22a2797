"""Addresses in one form."""

from odoo.tests import BaseCase, tagged

from ..tools.address import AddressError, normalize_address


@tagged("-at_install", "post_install")
class TestAddress(BaseCase):
    def test_marks_that_nobody_sees_and_digits_of_other_scripts(self):
        for typed in (
            "\u202a+91 98765 43210\u202c",
            "+٩١ ٩٨٧٦٥ ٤٣٢١٠",
            "＋９１９８７６５４３２１０",
            "tel:+919876543210",
            "\u200f0091 98765\u200b43210",
        ):
            for channel in ("whatsapp", "sms", "phone"):
                with self.subTest(typed=typed, channel=channel):
                    self.assertEqual(normalize_address(channel, typed), "+919876543210")

    def test_letters_are_no_digits(self):
        """On a telephone's keys they would be: half a number and a name are somebody's number."""
        for typed in ("98765abcde", "+91 98765 abcde", "call 98765abcde", "+1 650 FLOWERS"):
            with self.subTest(typed=typed), self.assertRaises(AddressError) as caught:
                normalize_address("whatsapp", typed, "IN")
            self.assertEqual(caught.exception.code, "phone")

    def test_an_extension_is_left_out(self):
        self.assertEqual(normalize_address("phone", "+1 650 253 0000 ext 5"), "+16502530000")
