from odoo.tests import tagged

from ..engine.matcher import Matcher
from .erasure_common import ErasureCommon


@tagged("post_install", "-at_install")
class TestPerson(ErasureCommon):
    """By what a text names a person, and what of it others go by as well."""

    def _found(self, partner=None):
        """Value → strength of what a person is looked for by."""
        person = self.env["ajw.privacy.person"]
        found = person._identifiers(person._resolve(partner or self.subject))
        return {each.value: each.strength for each in found}

    def test_a_number_is_looked_for_as_its_country_once_wrote_it(self):
        self.subject.phone = "+52 1 55 5123 4567"
        found = self._found()
        self.assertIn("+525551234567", found)
        self.assertIn("+5215551234567", found)

    def test_former_numbers_addresses_and_tax_numbers_are_looked_for(self):
        self.subject.write({"phone": "+49 30 5559876", "vat": "DE136695976"})
        self.env.cr.flush()
        self.subject.write({"phone": "+49 30 5550000", "vat": False, "street": "New Road 9"})
        self.env.cr.flush()
        found = self._found()
        for value in ("+49305550123", "+49305559876", "+49305550000", "New Road 9"):
            self.assertIn(value, found)
        tracked = self._fetch(
            "SELECT count(*) FROM mail_tracking_value WHERE old_value_char = 'DE136695976'"
        )
        if tracked[0][0]:
            self.assertIn("DE136695976", found)

    def test_a_number_of_the_shelf_counts_in_every_company(self):
        for company, code in ((self.company, "TOK-4711-A"), (self.other_company, "TOK-4711-B")):
            self.subject.with_company(company).barcode = code
        found = self._found()
        self.assertLessEqual({"TOK-4711-A", "TOK-4711-B"}, found.keys())

    def test_an_account_two_people_hold_says_less(self):
        number = "DE89370400440532013000"
        accounts = self.env["res.partner.bank"]
        accounts.create({"acc_number": number, "partner_id": self.subject.id})
        self.assertEqual(self._found()[number], "strong")
        accounts.create({"acc_number": number, "partner_id": self.colleague.id})
        self.assertEqual(self._found()[number], "weak")

    def test_somebody_reached_elsewhere_is_somebody_else(self):
        person = self.env["ajw.privacy.person"]
        found = person._identifiers(person._resolve(self.subject))
        reached = Matcher([each for each in found if each.kind in ("email", "phone")])
        kinds = ["names", "emails", "phones"]
        for values, other in (
            ((self.NAME, "other@example.com", None), True),
            ((self.NAME, self.EMAIL, None), False),
            ((self.NAME, "other@example.com", self.PHONE), False),
            ((self.NAME, None, None), False),
        ):
            self.assertIs(person._is_somebody_else(values, kinds, reached), other, values)

    def test_what_is_asked_holds_no_wizard_and_no_proof(self):
        person = self.env["ajw.privacy.person"]
        models = {
            model: kinds
            for model, kinds, _links in person._models_of_people(person._resolve(self.subject))
        }
        self.assertLessEqual({"res.partner", "res.users", "res.partner.bank"}, models.keys())
        self.assertFalse([name for name in models if name.startswith("ajw.")])
        self.assertFalse([name for name in models if self.registry[name]._transient])
