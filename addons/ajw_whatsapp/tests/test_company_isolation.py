from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import WhatsappCommon
from .fake_meta import SECRET, TOKEN, WABA_ID

WEBHOOK = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_webhook_event"
TELLING = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_account_telling"
OTHER_NUMBER_ID = "100000000000777"


@tagged("post_install", "-at_install")
class TestCompanyIsolation(WhatsappCommon):
    """The scheduled actions: the work of one company goes on whatever fails in another."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["res.company"].create(
            {"name": "Other Trading", "country_id": cls.env.ref("base.in").id}
        )
        cls.second = cls.env["ajw.whatsapp.account"].create(
            {
                "name": "Other",
                "company_id": cls.other.id,
                "phone_number_id": OTHER_NUMBER_ID,
                "waba_id": WABA_ID,
                "state": "connected",
            }
        )

    def setUp(self):
        super().setUp()
        self.second.base_url = self.meta.base_url
        self.second.write({"access_token": TOKEN, "app_secret": SECRET})

    def _received_by(self, account):
        return self.env["ajw.whatsapp.message"].search(
            [("account_id", "=", account.id), ("direction", "=", "inbound")]
        )

    def _both_hear(self):
        """Have a customer write to each company, to the first one first."""
        first = self._report(self._inbound("Hello", "wamid.first"))
        payload = self._inbound("Namaste", "wamid.second")
        value = payload["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = OTHER_NUMBER_ID
        return first, self._report(payload, account=self.second)

    def test_an_account_that_cannot_send_keeps_no_other_from_sending(self):
        message = self._enqueue()
        self.assertNotEqual(self.account.cron_id, self.second.cron_id)
        self.second.action_remove_secrets()
        self.second.sudo().state = "connected"
        self._run_outbox(self.second)
        self._run_outbox()
        self.assertEqual(message.state, "accepted")
        self.assertTrue(self.second.stopped_reason)
        self.assertFalse(self.account.stopped_reason)

    def test_a_webhook_call_that_fails_keeps_no_other_company_waiting(self):
        first, second = self._both_hear()
        Event = self.env.registry["ajw.whatsapp.webhook.event"]
        process = Event._process_items

        def break_down(event, *args):
            if event.company_id == self.company:
                event.env.cr.execute("SELECT 1/0")
            return process(event, *args)

        with patch.object(Event, "_process_items", break_down), mute_logger(WEBHOOK):
            self._run_webhooks()
        self.assertEqual((first.state, second.state), ("pending", "done"))
        self.assertFalse(self._received_by(self.account))
        self.assertEqual(self._received_by(self.second).company_id, self.other)

    def test_a_look_up_that_fails_keeps_no_other_company_waiting(self):
        first, second = self._both_hear()
        Event = self.env.registry["ajw.whatsapp.webhook.event"]
        prefetch = Event._prefetch

        def break_down(events, parsed):
            if any(event.company_id == self.company for event in parsed):
                raise ValueError("a defect")
            return prefetch(events, parsed)

        with patch.object(Event, "_prefetch", break_down), mute_logger(WEBHOOK):
            self._run_webhooks()
        self.assertEqual((first.state, second.state), ("pending", "done"))

    def test_documents_that_cannot_be_told_keep_no_other_companys_waiting(self):
        message = self._enqueue()
        message._engine()._set_state("accepted", wamid="wamid.sent")
        self._report(self._status(message, "delivered"))
        self._both_hear()
        Account = self.env.registry["ajw.whatsapp.account"]
        tell, told = Account._tell_documents, []

        def break_down(account, *args):
            told.append(account.company_id)
            if account.company_id == self.company:
                raise ValueError("a defect")
            return tell(account, *args)

        with patch.object(Account, "_tell_documents", break_down), mute_logger(TELLING):
            self._run_webhooks()
        self.assertEqual(told, [self.company, self.other])
        self.assertEqual(message.state, "delivered")
        self.assertTrue(message.outcome_pending, "the account's own sender tells them later")
