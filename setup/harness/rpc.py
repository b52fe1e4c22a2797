"""Clients of the running servers: Odoo as a user's browser calls it, and the sandbox's controls."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

TIMEOUT = 60  # seconds; rendering a PDF takes some of them


class OdooError(Exception):
    """Odoo refused a call.

    :param kind: name of Odoo's exception, such as ``odoo.exceptions.AccessError``.
    :param message: what the user would read.
    """

    def __init__(self, kind: str, message: str):
        super().__init__(f"{kind.rpartition('.')[2]}: {message}")
        self.kind = kind
        self.message = message


class OdooClient:
    """A logged-in user of Odoo.

    :param address: of the server, without a slash at the end.
    :raises OdooError: when the login is refused.
    """

    def __init__(self, address: str, database: str, login: str, password: str):
        self.address = address
        self.session = requests.Session()
        user = self._post("/web/session/authenticate", db=database, login=login, password=password)
        self.uid: int = user["uid"]
        self.context: dict[str, Any] = user.get("user_context") or {}

    def _post(self, path: str, **params: Any) -> Any:
        response = self.session.post(
            self.address + path,
            json={"jsonrpc": "2.0", "method": "call", "params": params},
            timeout=TIMEOUT,
        )
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            data = answer["error"].get("data") or {}
            raise OdooError(
                data.get("name") or "", data.get("message") or answer["error"]["message"]
            )
        return answer.get("result")

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a public method of a model, as the web client does.

        :raises OdooError: when Odoo raises.
        """
        context = {**self.context, **kwargs.pop("context", {})}
        return self._post(
            f"/web/dataset/call_kw/{model}/{method}",
            model=model,
            method=method,
            args=list(args),
            kwargs={**kwargs, "context": context},
        )

    def create(self, model: str, values: dict, **kwargs: Any) -> int:
        """Create one record and return its id."""
        return self.call(model, "create", [values], **kwargs)[0]

    def read(self, model: str, record: int, *fields: str) -> dict:
        """Return fields of one record."""
        return self.call(model, "read", [record], list(fields))[0]

    def search_read(self, model: str, domain: list, *fields: str, **kwargs: Any) -> list[dict]:
        """Return fields of the records that match a domain."""
        return self.call(model, "search_read", domain, list(fields), **kwargs)

    def reference(self, xml_id: str) -> int:
        """Return the database id of an external identifier."""
        module, _, name = xml_id.partition(".")
        return self.call("ir.model.data", "check_object_reference", module, name)[1]


class SandboxClient:
    """The control side of the stand-in for Meta: what a tester does with the phones.

    :param address: of the server, without a slash at the end.
    """

    def __init__(self, address: str):
        self.address = address
        self.session = requests.Session()

    def _call(self, verb: str, path: str, **kwargs: Any) -> Any:
        response = self.session.request(
            verb, f"{self.address}/_sandbox{path}", timeout=TIMEOUT, **kwargs
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def register(self, account: dict[str, str]) -> None:
        """Make an app with its number known, or change what is known of it."""
        self._call("POST", "/accounts", json=account)

    def verify_callback(self, waba_id: str) -> dict:
        """Perform the handshake with the account's webhook address; return how it went."""
        return self._call("POST", f"/accounts/{waba_id}/verify_callback")

    def journal(self, number: str = "", kind: str = "") -> list[dict]:
        """Return the calls that Meta would have received."""
        params = {key: value for key, value in (("number", number), ("kind", kind)) if value}
        answer = self._call("GET", "/journal", params=params)
        return answer["entries"] if isinstance(answer, dict) else answer

    def clear_journal(self) -> None:
        self._call("DELETE", "/journal")

    def type_text(self, phone_number_id: str, number: str, text: str) -> None:
        """Write to the business as the customer with that number."""
        body = {"phone_number_id": phone_number_id, "from": number, "text": text}
        self._call("POST", "/inbound", json=body)

    def press_button(self, phone_number_id: str, number: str, button: dict) -> None:
        """Press a quick-reply button as the customer with that number."""
        body = {"phone_number_id": phone_number_id, "from": number, "button": button}
        self._call("POST", "/inbound", json=body)

    def read_messages(self, number: str) -> None:
        """Open the conversation on the customer's phone."""
        self._call("POST", f"/phones/{quote(number)}/read")

    def show_phone(self, number: str) -> dict:
        """Return the options of the customer's phone, and its messages, newest last."""
        return self._call("GET", f"/phones/{quote(number)}")

    def add_fault(self, fault: dict) -> Any:
        """Make the sandbox misbehave."""
        return self._call("POST", "/faults", json=fault)

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def change_settings(self, **values: Any) -> None:
        """Change what can be tuned, see ``sandbox/settings.py``."""
        self._call("POST", "/settings", json=values)

    def change_template(self, template_id: str, change: dict) -> None:
        """Change a template's status or category as Meta's reviewers do."""
        self._call("POST", f"/templates/{template_id}", json=change)

    def mails(self, to: str = "") -> list[dict]:
        """Return the mails that arrived, newest first; only those to one address when given."""
        return self._call("GET", "/mails", params={"to": to} if to else {})["mails"]

    def reset(self) -> None:
        """Forget everything."""
        self._call("POST", "/reset")
