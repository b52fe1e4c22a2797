"""What the log holds at its most talkative, and what each role can export: no secret of Meta's."""

import hashlib
import hmac
import json
import logging

from odoo.tests import tagged
from odoo.tests.common import HttpCase
from odoo.tools import mute_logger

from .common import WhatsappCommonMixin
from .fake_meta import SECRET, TOKEN, meta_error

PROOF = hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
SECRETS = (TOKEN, SECRET, PROOF, "verify-for-tests")
#: Who could log something: the HTTP libraries, the sender, the webhook, the scheduler.
LOGGERS = ("", "urllib3", "requests", "odoo", "odoo.addons.ajw_whatsapp")


class _Keep(logging.Handler):
    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


@tagged("post_install", "-at_install")
class TestSecretsLog(WhatsappCommonMixin, HttpCase):
    def _listen(self):
        keep = _Keep()
        for name in LOGGERS:
            logger = logging.getLogger(name)
            level, propagate = logger.level, logger.propagate
            logger.setLevel(logging.DEBUG)
            self.addCleanup(logger.setLevel, level)
            self.addCleanup(setattr, logger, "propagate", propagate)
        # the others have no use for so much
        for handler in logging.getLogger().handlers:
            self.addCleanup(handler.setLevel, handler.level)
            handler.setLevel(max(handler.level, logging.INFO))
        # At this level Odoo logs SQL with its parameters: the columns hold ciphers only.
        logging.getLogger().addHandler(keep)
        self.addCleanup(logging.getLogger().removeHandler, keep)
        return keep

    def test_sender_and_webhook_at_debug_level_log_no_secret(self):
        keep = self._listen()
        self.meta.script("upload", "drop")
        self.meta.script("send", meta_error(131000, 500), meta_error(190, 401))
        message = self._enqueue()
        for _run in range(4):
            message._engine().write({"retry_at": False})
            self.account.state = "connected"
            self._run_outbox()
        manager = self.account.with_user(self.manager)
        manager.action_test_connection()
        manager.action_sync_templates()
        manager.action_self_test()
        body = json.dumps(self._status(message, "delivered")).encode()
        for signature in (self._sign(body), "sha256=" + "0" * 64):
            self.url_open(
                f"/ajw_whatsapp/webhook/{self.account.webhook_path}",
                data=body,
                headers={"Content-Type": "application/json", "X-Hub-Signature-256": signature},
            )
        self._run_webhooks()
        log = "\n".join(keep.lines)
        self.assertIn("urllib3", log, "the HTTP library was heard")
        self.assertGreater(len(keep.lines), 20)
        for secret in SECRETS:
            self.assertNotIn(secret, log)

    def test_no_role_exports_a_secret(self):
        account = self.account
        secrets = ["access_token", "app_secret", "verify_token"]
        ciphers = [f"{name}_cipher" for name in secrets]
        roles = {
            "manager": self.manager,
            "user": self.user,
            "settings": self._create_user("wa_settings", "base.group_system"),
            "employee": self._create_user("wa_employee", "base.group_user"),
        }
        account.invalidate_recordset()
        stored = self.env.cr
        stored.execute(
            "SELECT access_token_cipher FROM ajw_whatsapp_account WHERE id = %s", account.ids
        )
        [cipher] = stored.fetchone()
        for role, user in roles.items():
            for names in ([name] for name in (*secrets, *ciphers, "name")):
                with self.subTest(role=role, names=names), mute_logger("odoo.models"):
                    try:
                        rows = account.with_user(user).export_data(["id", *names])["datas"]
                    except Exception as error:  # noqa: BLE001 - a refusal is fine, if it tells nothing
                        rows = str(error)
                    for secret in (*SECRETS, cipher):
                        self.assertNotIn(secret, str(rows))
