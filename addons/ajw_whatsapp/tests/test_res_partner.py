from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from odoo.addons.ajw_consent.tests.common import ConsentCommon


@tagged("-at_install", "post_install")
class TestWhatsappNumber(ConsentCommon):
    def test_stored_in_one_form(self):
        self.partner.ajw_whatsapp_number = "098765 43211"
        self.assertEqual(self.partner.ajw_whatsapp_number, "+919876543211")
        other = self._create_partner("Other", False, ajw_whatsapp_number="98765 43212")
        self.assertEqual(other.ajw_whatsapp_number, "+919876543212")

    def test_shown_in_one_form_while_typing(self):
        form = Form(self.partner)
        form.ajw_whatsapp_number = "98765 43211"
        self.assertEqual(form.ajw_whatsapp_number, "+919876543211")

    def test_unusable_number_is_refused_with_what_to_do(self):
        for number, country, message in (
            ("044 2345 6789", "base.in", "landline"),
            ("98765 43210", False, "no country"),
            ("123", "base.in", "not a valid phone number"),
        ):
            partner = self.env["res.partner"].create(
                {"name": "P", "country_id": country and self.env.ref(country).id}
            )
            with self.subTest(number=number), self.assertRaisesRegex(ValidationError, message):
                partner.ajw_whatsapp_number = number

    def test_own_number_wins_over_phone(self):
        self.assertEqual(
            self.partner._ajw_whatsapp_recipients()[self.partner.id][:2], (self.number, "phone")
        )
        self.partner.ajw_whatsapp_number = "+919876543211"
        self.assertEqual(
            self.partner._ajw_whatsapp_recipients()[self.partner.id][:2],
            ("+919876543211", "ajw_whatsapp_number"),
        )

    def test_the_companys_country_is_no_guess_for_a_persons_number(self):
        self.assertEqual(self.company.country_id.code, "IN")
        stranger = self._create_partner("Stranger", "98765 43210", country_id=False)
        self.assertEqual(
            stranger.with_company(self.company)._ajw_whatsapp_recipients()[stranger.id].error,
            "country",
        )

    def test_A9_a_stop_reaches_who_holds_the_number_for_whatsapp_only(self):
        holder = self._create_partner("Holder", False, ajw_whatsapp_number="+919876543299")
        self._opt_in(holder, address="+919876543299")
        self.assertTrue(self._ask_gate(holder, address="+919876543299").allowed)
        self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "whatsapp", "+919876543299", "whatsapp_message"
        )
        self.assertEqual(self._ask_gate(holder, address="+919876543299").reason, "withdrawn")
        self.assertIn(
            holder,
            self.env["res.partner"]._ajw_holding_address(
                self.controller, "whatsapp", "+919876543299"
            ),
        )

    def test_consent_is_recorded_for_the_number_whatsapp_uses(self):
        self.partner.ajw_whatsapp_number = "+919876543211"
        self.assertEqual(self.partner._ajw_default_address("whatsapp"), "+919876543211")
        self.assertEqual(self.partner._ajw_default_address("sms"), self.number)
