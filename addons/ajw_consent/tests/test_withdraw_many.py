from odoo.tests import tagged

from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestWithdrawMany(ConsentCommon):
    """A long list of addresses withdraws in one go."""

    def _holders(self, count):
        return self.env["res.partner"].create(
            [
                {"name": f"C{i}", "email": f"many{count}_{i}@example.com", "phone": f"+9198{i:08}"}
                for i in range(count)
            ]
        )

    def _withdraw_all(self, addresses):
        return self.env["ajw.consent.event"]._withdraw_address(
            self.controller, "email", addresses, "back_office", purposes=self.purpose_marketing
        )

    def _reasons(self, partners):
        answers = self.env["ajw.consent.gate"]._check(
            self.controller,
            self.purpose_marketing,
            "email",
            [(partner.id, partner.email_normalized) for partner in partners],
        )
        return [answer.reason for answer in answers.values()]

    def test_C2_each_of_them_and_nobody_else(self):
        partners = self._holders(4)
        twin = partners[0].copy({"email": partners[0].email})
        notice = self._publish_notice(for_email=True)
        bystander = self._create_partner("Bystander", self.number, email="by@example.com")
        for partner in (partners[1], bystander):
            self.env["ajw.consent.event"]._record(
                *(self.controller, partner, self.purpose_marketing, "email"),
                *(partner.email, "given", "in_person", notice),
            )
        gone = self._withdraw_all([partners[2].email])
        self.assertEqual(len(gone), 1)
        events = self._withdraw_all([*partners.mapped("email"), "nobody@example.com"])
        self.assertEqual(events.subject_id.partner_id, partners - partners[2] + twin)
        self.assertEqual(self._reasons(partners + twin), ["withdrawn"] * 5)
        self.assertNotIn("withdrawn", self._reasons(bystander))
        self.assertFalse(self._withdraw_all(partners.mapped("email")), "said already")
        self.assertEqual(
            self.env["ajw.consent.suppression"]._suppressed(
                self.controller, self.purpose_marketing, "email", ["nobody@example.com"]
            ),
            {"nobody@example.com"},
        )

    def test_queries_do_not_grow_with_the_addresses(self):
        def cost(count):
            addresses = self._holders(count).mapped("email")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertEqual(len(self._withdraw_all(addresses)), count)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        cost(3)
        few = cost(4)
        self.assertLessEqual(cost(40), few + 5)
