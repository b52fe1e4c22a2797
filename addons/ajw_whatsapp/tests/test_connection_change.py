"""An account whose token is replaced, or taken away, while its sender is at work."""

import time
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.ajw_consent.tools.keyring import get_keyring

from ..models import ajw_whatsapp_account_failure as failure
from ..models import ajw_whatsapp_account_send as sending
from .common import WhatsappCommon
from .fake_meta import TOKEN, meta_error

NEW = "second-token-for-tests"


@tagged("post_install", "-at_install")
class TestConnectionChange(WhatsappCommon):
    def _replace_token(self, token=NEW, valid=(NEW,)):
        """The manager enters another token; Meta takes the valid ones from now on."""
        self.account.with_user(self.manager).access_token = token
        self.env.flush_all()
        self.meta.tokens = set(valid)

    def _run_and(self, act, claim, after=False):
        """Run the sender with two messages a claim, and act at one of the claims.

        :param act: what happens
        :param int claim: at which claim, counted from 1
        :param bool after: once it is made, and not before
        """
        claim_batch = self.env.registry["ajw.whatsapp.account"]._claim_batch
        claims = []

        def claiming(account, limit):
            claims.append(limit)
            if len(claims) == claim and not after:
                self._wait_for(2 * (claim - 1))
                act()
            result = claim_batch(account, limit)
            if len(claims) == claim and after:
                act()
            return result

        self._patch_account("_claim_batch", claiming)
        with patch.multiple(sending, MIN_BATCH=2, MAX_BATCH=2, WORKERS=1):
            self._run_outbox()
        self._patch_account("_claim_batch", claim_batch)

    def _wait_for(self, count):
        """Wait until Meta took all that was claimed before."""
        deadline = time.monotonic() + 10
        while len(self._taken()) < count and time.monotonic() < deadline:
            time.sleep(0.01)

    def _taken(self):
        """Return the calls by which Meta took messages, in order."""
        return [call for call in self.meta.of("send") if call["status"] == 200]

    def _tokens(self):
        """Return the tokens that they were made with."""
        return [call["headers"]["Authorization"].removeprefix("Bearer ") for call in self._taken()]

    def _assert_each_sent_once(self, messages):
        self.assertEqual(set(messages.mapped("state")), {"accepted"})
        self.assertEqual(set(messages.mapped("attempts")), {1})
        self.assertCountEqual(
            [call["json"]["to"] for call in self._taken()], messages.mapped("number")
        )
        self.assertEqual(self.account.state, "connected")
        self.assertFalse(self.account.activity_ids)

    def test_a_run_goes_on_with_the_new_token(self):
        messages = self._enqueue_many(6)
        self._run_and(lambda: self._replace_token(valid=(TOKEN, NEW)), claim=2)
        self._assert_each_sent_once(messages)
        self.assertEqual(self._tokens(), [TOKEN] * 2 + [NEW] * 4)

    def test_a_secret_that_is_only_encrypted_anew_is_the_same_connection(self):
        """Two nodes of which one has a newer key encrypt all secrets in turn."""
        account = self.account.sudo()
        mark, cipher = account._connection_mark(), account.access_token_cipher
        account.access_token_cipher = get_keyring().encrypt(TOKEN)
        self.assertNotEqual(account.access_token_cipher, cipher)
        self.assertEqual(account._connection_mark(), mark)
        account.access_token_cipher = get_keyring().encrypt(NEW)
        self.assertNotEqual(account._connection_mark(), mark)

    def test_an_error_of_the_former_token_does_not_stop_the_account(self):
        messages = self._enqueue_many(6)
        # the last claim of all, so that none comes after it to notice the new token
        self._run_and(self._replace_token, claim=3, after=True)
        self.assertEqual(self.account.state, "connected")
        self.assertFalse(self.account.activity_ids)
        self._assert_each_sent_once(messages)
        self.assertEqual(self._tokens()[-2:], [NEW] * 2)

    def test_a_claim_that_is_on_the_wire_with_the_former_token_goes_out_with_the_new_one(self):
        messages = self._enqueue_many(6)
        self._run_and(self._replace_token, claim=2, after=True)
        self._run_outbox()  # where Meta's answer came before the next claim, the run has ended
        self._assert_each_sent_once(messages)
        self.assertEqual(self._tokens()[-4:], [NEW] * 4)

    def test_a_new_token_that_meta_does_not_take_stops_the_account(self):
        messages = self._enqueue_many(6)
        with mute_logger(failure.__name__):
            self._run_and(lambda: self._replace_token(valid=(TOKEN,)), claim=2)
        self.assertEqual(messages.mapped("state"), ["accepted"] * 2 + ["queued"] * 4)
        self.assertEqual(set(messages[2:].mapped("attempts")), {0})
        self.assertEqual((self.account.state, self.account.stopped_code), ("stopped", 190))

    def test_an_error_of_the_former_token_while_looking_templates_up(self):
        self.template.category_checked_at = False
        message = self._enqueue()
        write_refreshed = self.env.registry["ajw.whatsapp.account"]._write_refreshed

        def write(account, *args):
            self._replace_token()
            account.invalidate_recordset()
            return write_refreshed(account, *args)

        self._patch_account("_write_refreshed", write)
        self.meta.script("template", meta_error(190, 401))
        self._run_outbox()
        self.assertEqual((self.account.state, message.state), ("connected", "queued"))
        self._patch_account("_write_refreshed", write_refreshed)
        message._engine().retry_at = False
        self._run_outbox()
        self._assert_each_sent_once(message)

    def test_a_token_that_is_taken_away_ends_the_run(self):
        messages = self._enqueue_many(6)

        def remove():
            self.account.with_user(self.manager).action_remove_secrets()
            self.env.flush_all()

        self._run_and(remove, claim=2)
        self.assertEqual(messages.mapped("state"), ["accepted"] * 2 + ["queued"] * 4)
        self.assertEqual((self.account.state, self._tokens()), ("draft", [TOKEN] * 2))
