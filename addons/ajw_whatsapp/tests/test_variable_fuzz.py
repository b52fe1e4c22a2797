"""What stands on a document goes into a message as Meta takes it, or a sentence says why not.

The rules alone are tried with generated texts in ``tests/plain/test_template_checks.py``; here all
of the way is, from the form of a contact to what would be posted to Meta.
"""

import random
import re
from urllib.parse import unquote

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .document_common import DocumentCommon

#: Meta: a variable holds no line break, no tab and not more than four spaces in a row.
FORBIDDEN = re.compile(r"[\n\r\t]| {5}|\A\s|\s\Z|\A\Z")
#: Characters that order a text anew up to its end.
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
PIECES = (
    *("\n", "\r\n", "\t", " " * 9, "\v\f", "\x85", "\u2028", "\u00a0" * 6, "\x01", "\x1b[31m"),
    *("\u202e", "\u2066", "\u2069", "\u200f", "\u200b", "\ufeff", "{{1}}", "{{number}}", "*_~`"),
    *("Asha", "Rao & Sons", "مرحبا", "שלום", "नमस्ते", "😀", "👩‍👩‍👧", "🇮🇳", "x" * 300, "😀" * 200),
)
#: Name of a contact → what the message says of it; ``None``: it cannot be sent.
NAMES = {
    "Asha\nRao": "Asha Rao",
    "Asha\r\n\tRao": "Asha Rao",
    "Asha     Rao": "Asha Rao",
    "\u00a0Asha\u2003\u2003Rao\u2028": "Asha Rao",
    "Asha 😀👩‍👩‍👧": "Asha 😀👩‍👩‍👧",
    "مرحبا بالعالم": "مرحبا بالعالم",
    "\u202eAsha\u202c": "Asha",
    "{{number}}": "{{number}}",
    "<b>*Asha*</b>": "<b>*Asha*</b>",
    "x" * 900: "x" * 900,
    "x" * 1024: None,
    "😀" * 500: None,
    "\u200b\u200f\ufeff": None,
}


@tagged("-at_install", "post_install")
class TestVariableFuzz(DocumentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._opt_in(cls.partner, cls.purpose_order)
        cls.clerk = cls._create_user(
            "variable_clerk", "base.group_user", "base.group_partner_manager"
        )
        cls.order = cls._create_order()

    def _rename(self, name):
        """Name the customer as whoever looks after contacts would."""
        self.partner.with_user(self.clerk).name = name

    def _check(self, components, text):
        """Check all parameters by Meta's rules."""
        for component in components:
            for parameter in component["parameters"]:
                if parameter["type"] == "text":
                    self.assertNotRegex(parameter["text"], FORBIDDEN)
                    self.assertNotRegex(parameter["text"], TURNS)
                    parameter["text"].encode()
        self.assertLessEqual(len(text.encode("utf-16-le")), 2 * 1024)

    def test_each_name_as_the_seller_sends_it(self):
        for name, expected in NAMES.items():
            with self.subTest(name=ascii(name[:20])):
                self._rename(name)
                composer = self._compose(self.order, self.seller)
                before = self._messages(self.order)
                if expected is None:
                    with self.assertRaisesRegex(UserError, "too long|is empty"):
                        composer.action_send()
                    self.assertEqual(self._messages(self.order), before)
                    continue
                self.assertFalse(composer.problem)
                composer.action_send()
                message = self._messages(self.order) - before
                components = message.sudo().template_components
                self._check(components, message.body)
                self.assertEqual(components[0]["parameters"][0]["text"], expected)
                self.assertIn(f"Hello {expected},", message.body)
                self._set_state(message, "delivered")

    def test_random_names_keep_metas_rules(self):
        rng = random.Random(23)  # noqa: S311 - a test that fails has to fail again
        sent = refused = 0
        template = self.order_template.with_user(self.seller)
        order = self.order.with_user(self.seller)
        for _n in range(300):
            name = "".join(rng.choices(PIECES, k=rng.randrange(1, 8)))
            self._rename(name)
            try:
                rendered = template._render(order)
            except UserError as error:
                self.assertRegex(str(error), r"too long: Text takes 1024|is empty")
                refused += 1
                continue
            self._check(rendered.components, rendered.body_text)
            kept = [
                char for char in rendered.components[0]["parameters"][0]["text"] if char.isalnum()
            ]
            self.assertEqual(kept, [char for char in name if char.isalnum()], "nothing is lost")
            sent += 1
        self.assertGreater(sent, 100)
        self.assertGreater(refused, 5)

    def test_the_header_and_the_link_have_rules_of_their_own(self):
        template = self._create_template(
            "sale.order",
            self.purpose_order,
            name="with_header_and_link",
            header_type="text",
            header_text="For {{customer}}",
            body="Here it is.",
            button_ids=[
                Command.create(
                    {"type": "URL", "text": "Open", "url": "https://pay.trading.example/{{1}}"}
                )
            ],
            variable_ids=[
                Command.create(
                    {"place": "header", "name": "customer", "field_path": "partner_id.name"}
                ),
                Command.create({"place": "button", "name": "1", "field_path": "partner_id.name"}),
            ],
        )
        self._rename("Rao & Sons,\n 50% नमस्ते 😀")
        rendered = template.with_user(self.seller)._render(self.order.with_user(self.seller))
        self.assertEqual(rendered.header_text, "For Rao & Sons, 50% नमस्ते 😀")
        suffix = rendered.components[-1]["parameters"][0]["text"]
        self.assertRegex(suffix, r"\A[!-~]+\Z", "an address is ASCII without spaces")
        self.assertEqual(unquote(suffix), "Rao & Sons, 50% नमस्ते 😀")
        self.assertEqual(rendered.buttons[0]["url"], f"https://pay.trading.example/{suffix}")
        for name, sentence in (("x" * 60, "Header takes 60"), ("😀" * 30, "Header takes 60")):
            self._rename(name)
            with self.subTest(name=name[:3]), self.assertRaisesRegex(UserError, sentence):
                template._render(self.order)
