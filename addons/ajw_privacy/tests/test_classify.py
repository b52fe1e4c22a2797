from odoo.tests import BaseCase, tagged

from ..engine.classify import FieldFacts, suspect, suspect_model
from ..engine.guard import is_machinery


@tagged("post_install", "-at_install")
class TestClassify(BaseCase):
    def test_links_to_people(self):
        for facts in (
            FieldFacts("whoever_id", "many2one", "res.partner"),
            FieldFacts("seller_id", "many2one", "res.users"),
            FieldFacts("guest_id", "many2one", "mail.guest"),
            FieldFacts("watchers", "many2many", "res.partner"),
            FieldFacts("origin", "reference"),
            FieldFacts("res_id", "many2one_reference"),
        ):
            self.assertEqual(suspect(facts).level, "link", facts)

    def test_named_like_personal_data(self):
        for name, type_, category in (
            ("email_from", "char", "email"),
            ("x_home_phone", "char", "phone"),
            ("ajw_whatsapp_number", "char", "phone"),
            ("street2", "char", "address"),
            ("partner_latitude", "float", "address"),
            ("birthday", "date", "identifier"),
            ("gender", "selection", "identifier"),
            ("signed_by", "char", "name"),
            ("contact_name", "char", "name"),
            ("ip_address", "char", "ip"),
            ("acc_number", "char", "financial"),
        ):
            found = suspect(FieldFacts(name, type_))
            self.assertTrue(found, name)
            self.assertEqual((found.level, found.category), ("personal", category), name)

    def test_contents_may_hold_anything(self):
        for facts in (
            FieldFacts("whatever", "text"),
            FieldFacts("whatever", "html"),
            FieldFacts("whatever", "json"),
            FieldFacts("whatever", "binary"),
            FieldFacts("subject", "char"),
        ):
            self.assertEqual(suspect(facts).level, "content", facts)

    def test_ordinary_fields_are_left_in_peace(self):
        for facts in (
            FieldFacts("create_uid", "many2one", "res.users"),
            FieldFacts("product_id", "many2one", "product.product"),
            FieldFacts("mail_id", "many2one", "mail.mail"),
            FieldFacts("phone_number_id", "char"),
            FieldFacts("name", "char"),
            FieldFacts("description", "text", translate=True),
            FieldFacts("email_layout_xmlid", "char"),
            FieldFacts("send_mail", "boolean"),
            FieldFacts("amount_total", "monetary"),
            FieldFacts("zipper", "char"),
            FieldFacts("subject_ref", "char"),
            FieldFacts("address_salt", "char"),
            FieldFacts("description_short", "char"),
        ):
            self.assertIsNone(suspect(facts), facts)

    def test_a_name_is_personal_beside_an_email(self):
        name = FieldFacts("name", "char")
        self.assertNotIn("name", suspect_model([name, FieldFacts("color", "integer")]))
        email = FieldFacts("email", "char")
        self.assertIn("name", suspect_model([name, email]))
        self.assertNotIn("name", suspect_model([name, email], {"email"}))

    def test_machinery_is_out_of_reach(self):
        for name in ("ir.rule", "ir.config_parameter", "res.users", "res.groups", "res.company",
                     "base.automation", "ajw.consent.event", "ajw.privacy.run"):  # fmt: skip
            self.assertTrue(is_machinery(name), name)
        for name in ("ir.attachment", "mail.message", "res.partner", "ajw.whatsapp.message"):
            self.assertFalse(is_machinery(name), name)
