from odoo.tests import tagged
from odoo.tools import mute_logger

from .erasure_common import ErasureCommon

STEPS = "odoo.addons.ajw_privacy.models.ajw_privacy_erasure_running"


@tagged("post_install", "-at_install")
class TestErasureShipped(ErasureCommon):
    """Examples that add-ons brought along are nobody's data; what somebody typed there is."""

    def setUp(self):
        super().setUp()
        self.form = self.env.ref("base.view_partner_form")
        self.assertIn("e.g. Brandon Freeman", self.form.arch_db)
        self.subject.name = "Brandon Freeman"
        self.env.cr.flush()

    def test_an_example_in_a_form_fails_no_certificate(self):
        erasure = self._advance(self._approved())
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertEqual(erasure.certificate_ids.verdict, "clean")
        self.assertIn("e.g. Brandon Freeman", self.form.arch_db)

    @mute_logger(STEPS)
    def test_T7_what_somebody_typed_into_the_form_does(self):
        erasure = self._advance(self._approved(), "scanning")
        self.env.cr.execute(
            "UPDATE ir_ui_view SET arch_db = jsonb_build_object('en_US', (arch_db->>'en_US') || %s)"
            " WHERE id = %s",
            [f"<!-- {self.EMAIL} -->", self.form.id],
        )
        self._advance(erasure)
        self.assertEqual(erasure.state, "failed")
        self.assertIn("ir_ui_view.arch_db", erasure.error)
        self.assertIn(str(self.form.id), erasure.error)

    def test_a_number_in_the_help_of_a_field_fails_no_certificate(self):
        help_ = self.env["ir.model.fields"]._get("res.lang", "grouping")
        self.assertIn("123456789", help_.help)
        self.subject.write({"name": "Quirina", "phone": "+352 123456789"})
        self.env.cr.flush()
        erasure = self._advance(self._approved())
        self.assertEqual(erasure.state, "done", erasure.error)
        self.assertIn("123456789", help_.help)
