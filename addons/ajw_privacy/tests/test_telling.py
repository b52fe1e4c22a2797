from contextlib import contextmanager
from datetime import date, timedelta
from unittest.mock import MagicMock, patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import MailDeliveryException

from ..engine import codes
from ..models import ajw_privacy_request_mails as mails
from ..models.ajw_privacy_package import VALID_DAYS
from .request_common import CODE, RequestCommon


@tagged("post_install", "-at_install")
class TestTelling(RequestCommon):
    """The person gets the copy, and learns of every step the law asks to tell them of."""

    @contextmanager
    def _outbox(self, broken=False):
        """Collects (recipient, subject, text) of what reaches the mail server."""
        sent = []

        def send_email(server, message, *args, **kwargs):
            if broken:
                raise MailDeliveryException("refused asha@example.com")
            body = message.get_body(("html",)).get_content()
            sent.append((message["To"], message["Subject"], body))
            return message["Message-Id"]

        server = self.registry["ir.mail_server"]
        with (
            patch.object(server, "send_email", send_email),
            patch.object(server, "_connect__", lambda *a, **k: MagicMock()),
            patch.object(server, "_disable_send", lambda *a: False),
        ):
            yield sent

    def _said(self, request):
        return " ".join(str(body) for body in request.sudo().message_ids.mapped("body"))

    # -- the copy --------------------------------------------------------------------------------

    def test_A9_access_is_not_answered_without_a_copy(self):
        for kind in ("access", "portability"):
            request = self._verified(kind=kind)
            for step in (request.action_answer, lambda one=request: one._do_answer("done")):
                with self.assertRaisesRegex(UserError, "Make the copy first"):
                    step()
            self.assertEqual(request.state, "progress")
            request.action_make_package()
            request.package_ids.sudo().valid_until = fields.Datetime.now()
            with self.assertRaisesRegex(UserError, "Make the copy first"):
                request._do_answer("done")
            request.action_make_package()
            request._do_answer("done")
            self.assertEqual((request.state, request.given_otherwise), ("answered", False))

    def test_A9_given_otherwise_is_said_with_a_note(self):
        request = self._verified()
        action = request.action_answer_otherwise()
        step = (
            self.env[action["res_model"]]
            .with_user(self.officer)
            .with_context(**action["context"])
            .create({})
        )
        with self.assertRaisesRegex(UserError, "few words"):
            step.action_apply()
        step.note = "handed over on paper"
        step.action_apply()
        self.assertEqual((request.state, request.given_otherwise), ("answered", True))
        self.assertIn("another way", self._said(request))

    def test_A9_the_copy_is_valid_from_the_answer_on(self):
        request = self._verified()
        request.action_make_package()
        later = fields.Datetime.now() + timedelta(days=VALID_DAYS - 1)
        with freeze_time(later):
            request._do_answer("done")
        self.assertGreaterEqual(request.package_ids.valid_until, later + timedelta(days=VALID_DAYS - 1))  # fmt: skip # noqa: E501

    def test_A9_an_expired_copy_is_made_again_for_an_answered_request(self):
        request = self._verified()
        request.action_make_package()
        request._do_answer("done")
        request.package_ids.sudo().valid_until = fields.Datetime.now()
        with self.assertRaisesRegex(UserError, "Make Copy Again"):
            request.package_ids.action_download()
        with self._outbox() as sent:
            request.action_make_package()
        self.assertTrue(request.package_ids[:1].is_valid)
        self.assertEqual(len(sent), 1)
        refused = self._verified()
        refused._do_refuse("not theirs")
        with self.assertRaisesRegex(UserError, "closed"):
            refused.action_make_package()

    def test_A9_given_otherwise_leaves_no_copy_to_download(self):
        """An officer who found something wrong with the copy gives the data another way."""
        request = self._verified()
        request.action_make_package()
        request._do_answer("handed over on paper", otherwise=True)
        self.assertFalse(request.package_ids)
        request.action_make_package()  # asked for on purpose, after the answer
        self.assertTrue(request.package_ids.is_valid)

    # -- the mails -------------------------------------------------------------------------------

    def test_A9_the_person_is_told_at_the_address_on_file(self):
        def answer():
            request = self._verified()
            request.action_make_package()
            with self._outbox() as sent:
                request._do_answer("see page 3 of the secret-note")
            return request, sent

        def refuse():
            request = self._request()
            with self._outbox() as sent:
                request._do_refuse("manifestly unfounded, Art. 12(5)")
            return request, sent

        def extend():
            request = self._request()
            with freeze_time("2026-02-20"), self._outbox() as sent:
                request._do_extend(date(2026, 2, 20), "many documents to go through")
            return request, sent

        for step, words in (
            (answer, "has answered"),
            (refuse, "manifestly unfounded, Art. 12(5)"),
            (extend, "many documents to go through"),
        ):
            with self.subTest(words):
                request, sent = step()
                [(to, subject, text)] = sent
                self.assertEqual(to, "asha@example.com")
                self.assertIn(words, text)
                self.assertIn(request.name, text)
                for secret in ("Asha", "impostor", "+49", "secret-note"):
                    self.assertNotIn(secret, subject + text)
                self.assertNotIn("/my/privacy", text, "there is no login")
                self.assertIn("told by email", self._said(request))
        self.assertFalse(self.env["mail.mail"].search([("email_to", "=", "asha@example.com")]))

    def test_A9_who_has_a_login_gets_the_link(self):
        user = self._user("privacy_asha", "base.group_portal", self.company.ids)
        user.partner_id.email = "login@example.com"
        request = self._verified(partner_id=user.partner_id.id)
        request.action_make_package()
        with self._outbox() as sent:
            request._do_answer("done")
        self.assertIn("/my/privacy", sent[0][2])

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_a_mail_server_that_hangs_up_undoes_no_step_and_shows_no_error(self):
        """After the transaction is done nothing can be taken back: the queue tries again."""
        request = self._request()
        with (
            patch.object(mails.modules.module, "current_test", False),
            patch.object(mails, "Registry", side_effect=OSError("asha@example.com: hung up")),
        ):
            request._do_refuse("not theirs")
            send = self.env.cr.postcommit._funcs.pop()
            self.env.cr.postcommit.clear()
            with self.assertLogs("odoo.addons.ajw_privacy", "WARNING") as logs:
                send()
        self.assertNotIn("asha@", str(logs.output))
        self.assertTrue(
            self.env["mail.mail"].search([("email_to", "=", "asha@example.com")]),
            "it waits in the queue",
        )

    def test_without_an_address_the_officer_is_told(self):
        self.person.email = False
        request = self._request()
        with self._outbox() as sent:
            request._do_refuse("not theirs")
        self.assertFalse(sent)
        self.assertIn("another way", self._said(request))

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_a_mail_that_fails_is_said_and_not_kept(self):
        request = self._request()
        with (
            self._outbox(broken=True),
            self.assertLogs("odoo.addons.ajw_privacy", "WARNING") as logs,
        ):
            request._do_refuse("not theirs")
        self.assertEqual(request.state, "refused")
        self.assertIn("could not be sent", self._said(request))
        self.assertNotIn("told by email", self._said(request))
        self.assertNotIn("asha@", str(logs.output))

    # -- the code --------------------------------------------------------------------------------

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_A9_a_code_that_could_not_be_sent_is_void_and_kept_nowhere(self):
        request = self._request()
        with (
            self._outbox(broken=True),
            patch.object(codes, "generate", return_value=CODE),
            self.assertLogs("odoo.addons.ajw_privacy", "WARNING"),
        ):
            request.action_send_code()
        code = self.env["ajw.privacy.verification"].search([("request_id", "=", request.id)])
        self.assertEqual((code.state, code.sudo().code_hash), ("void", False))
        self.assertFalse(self.env["mail.mail"].search([("body_html", "like", CODE)]))
        self.assertIn("could not be sent", self._said(request))
        self.assertNotIn("A code was sent", self._said(request))
        self.assertIn("no code", request._check_code(CODE))

    def test_a_code_that_was_sent_is_noted_then(self):
        request = self._request()
        with self._outbox() as sent, patch.object(codes, "generate", return_value=CODE):
            request.action_send_code()
        self.assertIn(CODE, sent[0][2])
        self.assertIn("A code was sent", self._said(request))
        self.assertFalse(self.env["mail.mail"].search([("body_html", "like", CODE)]))
        self.assertIsNone(request._check_code(CODE))

    # -- late ------------------------------------------------------------------------------------

    def test_a_late_refusal_says_so(self):
        request = self._request()
        with freeze_time("2026-02-20"):
            request._do_extend(date(2026, 2, 20), "many documents")
            step = self.env["ajw.privacy.step"].with_user(self.officer)
            values = {"request_id": request.id, "step": "refuse", "note": "not theirs"}
            self.assertFalse(step.create(values).is_late)
        with freeze_time("2026-03-02"):  # after the first period, within the extended one
            late = step.create(values)
            self.assertTrue(late.is_late)
            self.assertFalse(step.create({**values, "step": "answer"}).is_late)
            late.action_apply()
        self.assertTrue(request.closed_late)
        self.assertIn("Closed late: it had to be told by 2026-02-28", self._said(request))

    def test_in_time_is_not_late(self):
        with freeze_time("2026-02-28"):
            request = self._request()
            request._do_refuse("not theirs")
        self.assertFalse(request.closed_late)
