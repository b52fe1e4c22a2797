from odoo.addons.ajw_consent.tests.common import ConsentCommon, ConsentCommonMixin
from odoo.addons.mail.tests.common import MockEmail


class MailingCommonMixin(ConsentCommonMixin):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketer = cls._create_user(
            "marketer",
            "mass_mailing.group_mass_mailing_user",
            "base.group_partner_manager",
            email="marketer@example.com",
        )
        cls.notice = cls._publish_notice(for_email=True, for_sms=True)
        cls.purpose_marketing.double_opt_in = False
        cls.email = "customer@example.com"
        cls.partner.email = cls.email
        cls.env["mail.blacklist"].search([]).unlink()

    def _agree(self, kind="given", partner=None, email=None, controller=None):
        return self.env["ajw.consent.event"]._record(
            controller or self.controller,
            partner or self.partner,
            self.purpose_marketing,
            "email",
            email or (partner or self.partner).email_normalized,
            kind,
            "in_person",
            notice=self.notice if kind == "given" else None,
        )

    def _mailing(self, recipients=None, **values):
        recipients = self.partner if recipients is None else recipients
        return (
            self.env["mailing.mailing"]
            .with_user(self.marketer)
            .with_company(self.company)
            .create(
                {
                    "subject": "Offers",
                    "body_html": "<p>Ours</p>",
                    "mailing_type": "mail",
                    "mailing_model_id": self.env["ir.model"]._get(recipients._name).id,
                    "mailing_domain": [("id", "in", recipients.ids)],
                    **values,
                }
            )
        )

    def _answer(self, partner=None, email=None):
        partner = partner or self.partner
        key = (partner.id, email or self.email)
        answers = self.env["ajw.consent.gate"]._check(
            self.controller, self.purpose_marketing, "email", [key]
        )
        return answers[key].reason


class MailingCommon(MailingCommonMixin, ConsentCommon, MockEmail):
    def _send(self, mailing):
        """Send a mailing and return the addresses that something left for."""
        with self.mock_mail_gateway(mail_unlink_sent=False):
            mailing.action_send_mail()
        return sorted(address for mail in self._mails for address in mail["email_to"])
