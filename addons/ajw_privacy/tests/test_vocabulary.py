from odoo.tests import BaseCase, tagged

from ..engine import vocabulary


@tagged("post_install", "-at_install")
class TestVocabulary(BaseCase):
    def test_valid_declarations(self):
        for spec in (
            {"category": "email", "erase": "clear"},
            {"category": "financial", "erase": "keep", "reason": "books", "law": "s.128"},
            {"erase": "none", "reason": "a product"},
        ):
            self.assertEqual(vocabulary.problems_of(spec), [], spec)

    def test_invalid_declarations_say_what_to_use(self):
        for spec, expected in (
            ({"category": "email"}, "erase is None"),
            ({"category": "mail", "erase": "clear"}, "category is 'mail'"),
            ({"erase": "clear"}, "category is None"),
            ({"category": "email", "erase": "keep"}, "give the reason"),
            ({"erase": "none", "reason": "  "}, "give the reason"),
            ({"category": "email", "erase": "clear", "resaon": "x"}, "unknown key resaon"),
            ("clear", "must be a mapping"),
        ):
            with self.subTest(spec=spec):
                self.assertIn(expected, "; ".join(vocabulary.problems_of(spec)))

    def test_extensions_add_up_and_the_most_derived_wins(self):
        class Base:
            _ajw_personal_data = {
                "email": {"category": "email", "erase": "clear"},
                "vat": {"category": "identifier", "erase": "clear"},
            }

        class Extension(Base):
            _ajw_personal_data = {
                "vat": {"category": "identifier", "erase": "keep", "reason": "tax"},
                "pet": {"category": "name", "erase": "burn"},
            }

        entries, problems = vocabulary.collect(Extension)
        self.assertEqual(set(entries), {"email", "vat"})
        self.assertEqual(entries["vat"].erase, "keep")
        self.assertEqual(set(problems), {"pet"})

    def test_parse_refuses_what_is_invalid(self):
        with self.assertRaises(ValueError):
            vocabulary.parse({"category": "email", "erase": "keep"})
