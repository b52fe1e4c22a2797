"""A few endpoints of the Cloud API on loopback: real sockets, so that broken ones are real too."""

import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-for-tests"
SECRET = "secret-for-tests"
PHONE_NUMBER_ID = "100200300"
WABA_ID = "400500600"
APP_ID = "700800900"


def meta_error(code, status=400, headers=None, **values):
    """Return an answer in the shape of Meta's errors."""
    error = {"message": f"(#{code}) Text", "type": "OAuthException", "code": code, **values}
    return (status, {"error": error}, headers or {})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.meta.handle(self, body)

    do_GET = do_POST = do_DELETE = _handle


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # All senders connect at once: with the usual five places a busy machine turns some away.
    request_queue_size = 128


class FakeMeta:
    """Records every call in ``calls`` and answers as told by :meth:`script`, else with success."""

    def __init__(self):
        self.calls = []
        self.templates = []
        #: access tokens that are taken
        self.tokens = {TOKEN}
        self.callback_url = ""
        #: recipients whose messages something between here and Meta refuses
        self.forbidden = set()
        self._scripts = {}
        self._lock = threading.Lock()
        self._counter = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.meta = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def script(self, kind, *answers):
        """Queue answers: ``(status, json, headers)``, ``"drop"`` or seconds to wait."""
        self._scripts.setdefault(kind, []).extend(answers)

    def of(self, kind):
        """Return the calls of a kind."""
        return [call for call in self.calls if call["kind"] == kind]

    def handle(self, handler, body):
        url = urlsplit(handler.path)
        path = re.sub(r"^/v\d+\.\d+/", "", url.path)
        kind = self._kind(handler.command, path)
        try:
            content = json.loads(body) if body else None
        except ValueError:
            content = None
        with self._lock:
            self._counter += 1
            number = self._counter
            call = {
                "kind": kind,
                "method": handler.command,
                "path": path,
                "query": {key: values[0] for key, values in parse_qs(url.query).items()},
                "headers": dict(handler.headers),
                "body": body,
                "json": content,
            }
            self.calls.append(call)
            answers = self._scripts.get(kind) or []
            answer = answers.pop(0) if answers else None
        if kind == "send" and (content or {}).get("to") in self.forbidden:
            answer = (403, b"<html>Forbidden</html>", {})
        if isinstance(answer, int | float):
            time.sleep(answer)
            answer = None
        if answer == "drop":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            handler.close_connection = True
            handler.connection.close()
            return
        if answer is None:
            known = {*self.tokens, f"{APP_ID}|{SECRET}"}
            if handler.headers.get("Authorization", "").split(" ")[-1] not in known:
                answer = meta_error(190, 401)
            else:
                answer = (200, self._success(kind, content, number), {})
        status, payload, headers = answer
        call["status"] = status
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:  # pylint: disable=except-pass
            pass  # the client gave up waiting

    def _kind(self, method, path):
        if method == "DELETE":
            return "delete"
        if path.endswith("/messages"):
            return "send"
        if path.endswith("/media"):
            return "upload"
        if path.endswith("/uploads"):
            return "sample"
        if path.startswith("upload:"):
            return "sample_data"
        if path.endswith("/message_templates"):
            return "template_create" if method == "POST" else "template_list"
        if path.endswith("/phone_numbers"):
            return "numbers"
        if path.endswith("/subscribed_apps"):
            return "subscribe" if method == "POST" else "apps"
        if path.endswith("/register"):
            return "register"
        if path == "debug_token":
            return "token"
        if path == PHONE_NUMBER_ID:
            return "number"
        if path == WABA_ID:
            return "account"
        return "template_edit" if method == "POST" else "template"

    def _success(self, kind, content, number):
        match kind:
            case "send":
                contact = {"user_id": content["recipient"]} if "recipient" in content else {}
                if "to" in content:
                    contact = {"input": content["to"], "wa_id": content["to"].lstrip("+")}
                return {
                    "messaging_product": "whatsapp",
                    "contacts": [contact],
                    "messages": [{"id": f"wamid.{number}", "message_status": "accepted"}],
                }
            case "upload":
                return {"id": f"media{number}"}
            case "sample":
                return {"id": "upload:session"}
            case "sample_data":
                return {"h": "4:handle"}
            case "number":
                return {
                    "id": PHONE_NUMBER_ID,
                    "display_phone_number": "+91 44 0000 0000",
                    "verified_name": "Ledger Trading",
                    "quality_rating": "GREEN",
                    "name_status": "APPROVED",
                    "status": "CONNECTED",
                    "webhook_configuration": {"application": self.callback_url},
                }
            case "account":
                return {
                    "id": WABA_ID,
                    "name": "Ledger Trading",
                    "account_review_status": "APPROVED",
                    "health_status": {"can_send_message": "AVAILABLE", "entities": []},
                }
            case "apps":
                return {"data": [{"whatsapp_business_api_data": {"id": APP_ID}}]}
            case "token":
                scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
                data = {"is_valid": True, "app_id": APP_ID, "expires_at": 0, "scopes": scopes}
                return {"data": data}
            case "numbers":
                return {"data": [{"id": PHONE_NUMBER_ID}]}
            case "template_list":
                return {"data": self.templates}
            case "template":
                return {
                    "id": "555",
                    "name": "test_document",
                    "language": "en",
                    "status": "APPROVED",
                    "category": "UTILITY",
                }
            case "template_create":
                return {"id": f"9{number}", "status": "PENDING", "category": "UTILITY"}
            case _:
                return {"success": True}
