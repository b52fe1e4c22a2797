from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import WhatsappCommon
from .fake_meta import meta_error


@tagged("post_install", "-at_install")
class TestTemplate(WhatsappCommon):
    stand_in = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        product = cls.env["product.product"].create(
            {"name": "Thing", "type": "service", "taxes_id": False}
        )
        rupee = cls.env.ref("base.INR")
        rupee.active = True
        pricelist = cls.env["product.pricelist"].create(
            {"name": "Rupees", "currency_id": rupee.id, "company_id": cls.company.id}
        )
        cls.order = cls.env["sale.order"].create(
            {
                "partner_id": cls.partner.id,
                "company_id": cls.company.id,
                "pricelist_id": pricelist.id,
                "order_line": [
                    (0, 0, {"product_id": product.id, "price_unit": 1234.5, "tax_ids": False})
                ],
            }
        )

    def _starters(self):
        self.account.with_user(self.manager).action_create_starter_templates()
        return self.env["ajw.whatsapp.template"].search(
            [
                ("account_id", "=", self.account.id),
                ("name", "in", ("invoice_document", "order_document")),
            ]
        )

    def test_starter_templates(self):
        starters = self._starters()
        self.assertEqual(
            sorted((t.name, t.language, t.model) for t in starters),
            [
                ("invoice_document", "en", "account.move"),
                ("invoice_document", "hi", "account.move"),
                ("order_document", "en", "sale.order"),
                ("order_document", "hi", "sale.order"),
            ],
        )
        for template in starters:
            self.assertEqual((template.status, template.category), ("DRAFT", "UTILITY"))
            self.assertFalse(template.problems, template.display_name)
            self.assertIn("STOP", template.footer)
            self.assertTrue(template.purpose_id)
        self.assertEqual(self._starters(), starters, "a second time changes nothing")

    def test_render_in_english(self):
        template = self._starters().filtered(
            lambda t: (t.name, t.language) == ("order_document", "en")
        )
        rendered = template._render(self.order)
        self.assertIn(f"Hello {self.partner.name}", rendered.body_text)
        self.assertIn("1,234.50", rendered.body_text)
        self.assertIn("₹", rendered.body_text)
        self.assertNotIn("{{", rendered.body_text)
        body, button = rendered.components
        self.assertEqual(
            [parameter["parameter_name"] for parameter in body["parameters"]],
            ["customer", "number", "date", "amount"],
        )
        suffix = button["parameters"][0]["text"]
        self.assertTrue(suffix.startswith(f"my/orders/{self.order.id}?access_token="))
        self.assertEqual((button["sub_type"], button["index"]), ("url", "0"))
        self.assertEqual(rendered.buttons[0]["url"], f"{self.order.get_base_url()}/{suffix}")

    def test_render_in_hindi_without_the_language_installed(self):
        self.env["res.lang"].search([("code", "=", "hi_IN")]).active = False
        template = self._starters().filtered(
            lambda t: (t.name, t.language) == ("order_document", "hi")
        )
        rendered = template._render(self.order)
        self.assertIn("नमस्ते", rendered.body_text)
        self.assertIn("₹1,234.50", rendered.body_text.replace("\xa0", ""))

    def test_positional_parameters_carry_no_name(self):
        template = self._create_template(
            name="numbers",
            parameter_format="POSITIONAL",
            header_type="text",
            header_text="About {{1}}",
            body="Dear {{1}}, {{2}} it is.",
            variable_ids=[
                (0, 0, {"place": "header", "name": "1", "source": "text", "text_value": "this"}),
                (0, 0, {"name": "2", "source": "field", "field_path": "name"}),
                (0, 0, {"name": "1", "source": "text", "text_value": "a\n b"}),
            ],
        )
        rendered = template._render(self.order)
        self.assertEqual(
            rendered.components[1]["parameters"],
            [{"type": "text", "text": "a b"}, {"type": "text", "text": self.order.name}],
        )
        self.assertEqual(rendered.header_text, "About this")

    def test_an_empty_variable_is_said_and_nothing_sent(self):
        self.template.variable_ids.field_path = "client_order_ref"
        with self.assertRaisesRegex(UserError, "is empty"):
            self.template._render(self.order)

    def test_a_value_is_never_filled_in_twice(self):
        self.partner.name = "{{number}}"
        rendered = self.template._render(self.order)
        self.assertIn("Hello {{number}},", rendered.body_text)

    def test_problems_are_found_before_meta_finds_them(self):
        template = self._create_template(name="bad", body="x {{customer}} y {{missing}} z")
        self.assertIn("{{missing}}", template.problems)
        template.write({"body": "{{customer}} first"})
        self.assertIn("begins or ends", template.problems)
        template.write({"body": "no variable at all"})
        self.assertIn("{{customer}} does not occur", template.problems)
        with self.assertRaises(UserError):
            template.with_user(self.manager).action_submit()
        with self.assertRaises(UserError):
            template._render(self.order)
        self.assertFalse(self.meta.calls)

    def test_names_and_paths_are_checked(self):
        for values in ({"name": "Bad Name"}, {"language": "english"}):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self._create_template(**{"name": "other", **values})
        for path in (
            "nothing",
            "partner_id.nothing",
            "order_line",
            "name.x",
            "",
            "partner_id.image_1920",
        ):
            with self.subTest(path=path), self.assertRaises(ValidationError):
                self.template.variable_ids.field_path = path

    def test_submit_uploads_a_sample_and_follows_the_answer(self):
        template = self._starters().filtered(
            lambda t: (t.name, t.language) == ("invoice_document", "en")
        )
        template.with_user(self.manager).action_submit()
        self.assertEqual(template.status, "PENDING")
        self.assertTrue(template.meta_template_id)
        self.assertEqual(
            [call["kind"] for call in self.meta.calls], ["sample", "sample_data", "template_create"]
        )
        sample = self.meta.calls[1]
        self.assertTrue(sample["body"].startswith(b"%PDF"))
        self.assertTrue(sample["headers"]["Authorization"].startswith("OAuth "))
        components = {part["type"]: part for part in self.meta.calls[2]["json"]["components"]}
        self.assertEqual(components["HEADER"]["example"]["header_handle"], ["4:handle"])
        examples = components["BODY"]["example"]["body_text_named_params"]
        self.assertEqual(
            {row["param_name"] for row in examples}, {"customer", "number", "amount", "due_date"}
        )
        [button] = components["BUTTONS"]["buttons"]
        self.assertTrue(button["url"].endswith("/{{1}}"))
        self.assertNotIn("{{", button["example"][0])

    def test_a_refused_submission_says_why(self):
        template = self._starters()[:1]
        self.meta.script("template_create", meta_error(100, 400, error_user_msg="Name is taken"))
        with self.assertRaisesRegex(UserError, "Name is taken"):
            template.with_user(self.manager).action_submit()
        self.assertEqual(template.status, "DRAFT")

    def _row(self, **values):
        return {
            "id": "555",
            "name": "test_document",
            "language": "en",
            "status": "APPROVED",
            "category": "UTILITY",
            "parameter_format": "NAMED",
            "quality_score": {"score": "GREEN"},
            "components": [
                {"type": "HEADER", "format": "DOCUMENT"},
                {"type": "BODY", "text": "Dear {{customer}}, about {{subject}} today."},
                {"type": "FOOTER", "text": "Bye"},
                {
                    "type": "BUTTONS",
                    "buttons": [{"type": "URL", "text": "Open", "url": "https://x.example/{{1}}"}],
                },
            ],
            **values,
        }

    def test_sync_takes_over_what_meta_has(self):
        self.meta.templates = [
            self._row(category="MARKETING"),
            self._row(language="hi", id="556", status="SOMETHING_NEW"),
            self._row(name="theirs", id="557", category="NEW_CATEGORY"),
        ]
        self.account.with_user(self.manager).action_sync_templates()
        self.assertEqual((self.template.category, self.template.quality), ("MARKETING", "GREEN"))
        self.assertEqual(self.template.footer, "Bye")
        by_key = {(v.place, v.name): v for v in self.template.variable_ids}
        self.assertEqual(
            sorted(by_key), [("body", "customer"), ("body", "subject"), ("button", "1")]
        )
        self.assertEqual(
            by_key["body", "customer"].field_path, "partner_id.name", "what fills it in stays"
        )
        templates = self.env["ajw.whatsapp.template"].search([("account_id", "=", self.account.id)])
        self.assertEqual(len(templates), 3, "one for each name and language")
        hindi = templates.filtered(lambda t: t.language == "hi")
        self.assertEqual(hindi.status, "UNKNOWN")
        theirs = templates.filtered(lambda t: t.name == "theirs")
        self.assertEqual(
            theirs.category, "MARKETING", "an unknown category must not pass for a known one"
        )
        self.meta.templates = []
        self.account.with_user(self.manager).action_sync_templates()
        self.assertEqual(set(templates.mapped("status")), {"DELETED"})

    def test_A4_what_meta_decided_cannot_be_overruled(self):
        self.template.category = "MARKETING"
        template = self.template.with_user(self.manager)
        for values in (
            {"category": "UTILITY"},
            {"status": "APPROVED"},
            {"meta_template_id": "1"},
            {"quality": "GREEN"},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                template.write(values)
        values = {
            "account_id": self.account.id,
            "name": "mine",
            "body": "x",
            "model": "sale.order",
        }
        templates = template.browse().with_context(default_status="APPROVED")
        with self.assertRaises(AccessError):
            templates.create(values | {"status": "APPROVED"})
        mine = templates.create(values)
        self.assertEqual(mine.status, "DRAFT")
        mine.category = "MARKETING"
        mine.category = "UTILITY"

    def test_an_edited_text_is_not_sent_before_meta_has_seen_it(self):
        self.template.with_user(self.manager).body = "Hello {{customer}}, pay now!"
        self.assertEqual(self.template.status, "DRAFT")
        self.template.with_user(self.manager).action_submit()
        self.assertEqual(self.template.status, "PENDING")
        [call] = self.meta.of("template_edit")
        self.assertEqual(call["path"], "555")
        self.assertNotIn("name", call["json"])

    def test_what_meta_knows_a_template_by_does_not_change(self):
        other = self._create_account(phone_number_id="77")
        template = self.template.with_user(self.manager)
        for values in ({"name": "renamed"}, {"language": "hi"}, {"account_id": other.id}):
            with self.subTest(values=values), self.assertRaisesRegex(UserError, "Duplicate"):
                template.write(values)
        template.write({"name": "test_document", "language": "en", "model": "sale.order"})
        self.assertEqual(template.status, "APPROVED")
        draft = template.create(
            {"account_id": self.account.id, "name": "mine", "body": "x", "model": "sale.order"}
        )
        draft.name = "renamed"

    def test_buttons_and_place_holders_changed_beside_the_template_need_a_review(self):
        template = self.template.with_user(self.manager)
        variables, buttons = template.variable_ids, template.button_ids
        button = buttons.sudo().create(
            {"template_id": template.id, "text": "Open", "url": "https://x.example"}
        )
        button = button.with_user(self.manager)
        for change in (
            lambda: buttons.create({"template_id": template.id, "text": "a", "url": "https://b"}),
            lambda: button.write({"url": "https://elsewhere.example"}),
            lambda: button.unlink(),
            lambda: variables.write({"name": "someone"}),
            lambda: variables.create({"template_id": template.id, "name": "b", "source": "text"}),
            lambda: variables.unlink(),
        ):
            self.template.status = "APPROVED"
            change()
            self.assertEqual(self.template.status, "DRAFT")

    def test_what_fills_a_place_holder_in_needs_no_review(self):
        self.template.with_user(self.manager).variable_ids.field_path = "partner_id.city"
        self.assertEqual(self.template.status, "APPROVED")
