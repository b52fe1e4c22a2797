from odoo.tests import tagged

from .seal_common import SealCommon


@tagged("-at_install", "post_install")
class TestSeal(SealCommon):
    def test_A2_what_is_new_is_sealed_once(self):
        self._opt_in(self.partner, self.purpose_invoice | self.purpose_order)
        first = self._seal()
        self.assertEqual((first.sequence, first.event_count, first.total), (1, 2, 2))
        self.assertFalse(self._seal(), "nothing is new")
        self._withdraw(self.partner)
        second = self._seal()
        self.assertEqual((second.sequence, second.event_count, second.total), (2, 1, 3))
        self.assertEqual(second.previous_hash, first.hash)
        self.assertEqual(self._problems(), [])
