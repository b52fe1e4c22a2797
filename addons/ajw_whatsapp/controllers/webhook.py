import logging

from werkzeug.exceptions import RequestEntityTooLarge

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import consteq

from ..cloud_api import webhook

_logger = logging.getLogger(__name__)


class WhatsappWebhook(http.Controller):
    """Where Meta reports. Verifies, stores, wakes the scheduled action and answers."""

    @http.route(
        "/ajw_whatsapp/webhook/<string:path>",
        type="http",
        auth="public",
        methods=["GET"],
        csrf=False,
        save_session=False,
        readonly=True,
    )
    def handshake(self, path, **params):
        """Answer Meta's check that the address is ours: the challenge, if the verify token fits."""
        account = self._account(path)
        if not account:
            return self._answer(404, "unknown address")
        try:
            expected = account._read_secret("verify_token")
        except UserError:
            return self._answer(403, "not available")
        challenge = params.get("hub.challenge", "")
        if (
            not expected
            or params.get("hub.mode") != "subscribe"
            or not consteq(expected.encode(), params.get("hub.verify_token", "").encode())
        ):
            return self._answer(403, "the verify token does not fit")
        return self._answer(200, challenge[:256])

    @http.route(
        "/ajw_whatsapp/webhook/<string:path>",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        max_content_length=webhook.MAX_BODY_BYTES,
    )
    def receive(self, path, **_params):
        """Take in one call: 200 once it is stored, so that Meta does not send it again."""
        account = self._account(path)
        if not account:
            return self._answer(404, "unknown address")
        body = self._read_body()
        if body is None:
            return self._answer(413, "too long")
        signature = request.httprequest.headers.get("X-Hub-Signature-256")
        try:
            believed = account._believes(path, body, signature)
        except UserError:
            # The keys will come back; until then Meta keeps the event and calls again.
            _logger.warning(
                "Webhook of WhatsApp account %s: the app secret cannot be read", account.id
            )
            return self._answer(503, "not available")
        account._note_webhook(believed)
        if not believed:
            return self._answer(403, "the signature does not fit")
        # Read later, also when it is no JSON: what was signed is Meta's, and calling again would
        # not make it better. It may hold a STOP, so it is kept and a person looks.
        account.env["ajw.whatsapp.webhook.event"]._receive(account, webhook.decode(body))
        return self._answer(200, "ok")

    def _account(self, path):
        """Return the account of a webhook path."""
        # sudo: Meta calls without a user; the signature decides what is believed
        return request.env["ajw.whatsapp.account"].sudo()._of_webhook(path)

    def _read_body(self):
        """Return the raw bytes, or ``None`` when there are too many of them."""
        length = request.httprequest.content_length
        if length is not None and length > webhook.MAX_BODY_BYTES:
            return None
        try:
            body = request.httprequest.get_data()
        except RequestEntityTooLarge:  # sent in chunks, without saying how many bytes will come
            return None
        return body if len(body) <= webhook.MAX_BODY_BYTES else None

    def _answer(self, status, text):
        return request.make_response(
            text,
            headers=[
                ("Content-Type", "text/plain; charset=utf-8"),
                ("X-Content-Type-Options", "nosniff"),
                ("Cache-Control", "no-store"),
            ],
            status=status,
        )
