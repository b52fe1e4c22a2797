"""Apps, WhatsApp Business Accounts, business phone numbers and access tokens."""

import hashlib
import hmac
import re
import time
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

from .journal import digits
from .net import is_loopback

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NEEDED = ("app_id", "app_secret", "access_token", "waba_id", "phone_number_id")
_OPTIONAL = {
    "display_phone_number": str,
    "verified_name": str,
    "verify_token": str,
    "callback_url": str,
    "subscribed": bool,
    "registered": bool,
    "require_proof": bool,
    "name_status": str,
    "review_status": str,
    "payment_method": bool,
    "expires_at": int,
    "scopes": list,
}
SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")


@dataclass
class App:
    app_id: str
    app_secret: str = ""
    callback_url: str = ""
    verify_token: str = ""
    verified: bool = False
    require_proof: bool = False


@dataclass
class Waba:
    """`subscriptions`: app id → {} or {"override_callback_uri", "verify_token"}."""

    waba_id: str
    name: str = ""
    subscriptions: dict = field(default_factory=dict)
    review_status: str = "APPROVED"
    payment_method: bool = True


@dataclass
class Number:
    phone_number_id: str
    waba_id: str
    app_id: str
    access_token: str
    display_phone_number: str = ""
    verified_name: str = ""
    registered: bool = True
    pin: str = ""
    pin_failures: int = 0
    name_status: str = "APPROVED"
    expires_at: int = 0
    scopes: list = field(default_factory=lambda: list(SCOPES))

    @property
    def digits(self):
        return digits(self.display_phone_number)


@dataclass
class Token:
    """What an access token opens.

    `wabas` is empty for an app's own token (`app_id|app_secret`), which opens no account;
    `expires_at` is in seconds since 1970, 0 for never.
    """

    value: str
    app: App
    wabas: set
    proof: str
    expires_at: int = 0
    scopes: tuple = SCOPES

    def has_expired(self):
        return bool(self.expires_at) and self.expires_at <= time.time()


class Registry:
    """Every account that was announced over the control API."""

    def __init__(self):
        self.apps = {}
        self.wabas = {}
        self.numbers = {}
        self.tokens = {}

    def upsert(self, values):
        """Announce an account, or change it. The key is `phone_number_id`.

        A changed callback address or verify token has to be verified again.

        :param dict values: see `_NEEDED` and `_OPTIONAL`.
        :return: the Number.
        :raises ValueError: when something is missing or malformed.
        """
        for name in _NEEDED:
            if not isinstance(values.get(name), str) or not values[name]:
                raise ValueError(f"{name} is required and must be text")
        for name in ("app_id", "waba_id", "phone_number_id"):
            if not _ID.fullmatch(values[name]):
                raise ValueError(f"{name} must be letters, digits, - and _ only")
        for name in values:
            if name not in _NEEDED and name not in _OPTIONAL:
                raise ValueError(f"unknown field: {name}")
            if name in _OPTIONAL and type(values[name]) is not _OPTIONAL[name]:
                raise ValueError(f"{name} must be of type {_OPTIONAL[name].__name__}")
        if values.get("callback_url"):
            check_callback(values["callback_url"])

        app = self.apps.setdefault(values["app_id"], App(values["app_id"]))
        app.app_secret = values["app_secret"]
        app.require_proof = values.get("require_proof", app.require_proof)
        callback_url = values.get("callback_url", app.callback_url)
        verify_token = values.get("verify_token", app.verify_token)
        if (callback_url, verify_token) != (app.callback_url, app.verify_token):
            app.callback_url, app.verify_token, app.verified = callback_url, verify_token, False

        waba = self.wabas.setdefault(values["waba_id"], Waba(values["waba_id"]))
        waba.name = values.get("verified_name") or waba.name or f"WABA {waba.waba_id}"
        waba.review_status = values.get("review_status", waba.review_status)
        waba.payment_method = values.get("payment_method", waba.payment_method)
        if "subscribed" in values:
            if values["subscribed"]:
                waba.subscriptions.setdefault(app.app_id, {})
            else:
                waba.subscriptions.pop(app.app_id, None)

        old = self.numbers.get(values["phone_number_id"])
        number = Number(
            phone_number_id=values["phone_number_id"],
            waba_id=waba.waba_id,
            app_id=app.app_id,
            access_token=values["access_token"],
            display_phone_number=values.get(
                "display_phone_number", old.display_phone_number if old else ""
            ),
            verified_name=values.get("verified_name", old.verified_name if old else ""),
            registered=values.get("registered", old.registered if old else True),
            pin=old.pin if old else "",
            name_status=values.get("name_status", old.name_status if old else "APPROVED"),
            expires_at=values.get("expires_at", old.expires_at if old else 0),
            scopes=values.get("scopes", old.scopes if old else list(SCOPES)),
        )
        self.numbers[number.phone_number_id] = number
        self.index_tokens()
        return number

    def index_tokens(self):
        """Rebuild the tokens; one token may open several accounts."""
        self.tokens = {}
        for number in self.numbers.values():
            app = self.apps[number.app_id]
            token = self.tokens.get(number.access_token)
            if token is None:
                proof = hmac.new(
                    app.app_secret.encode(), number.access_token.encode(), hashlib.sha256
                ).hexdigest()
                token = Token(
                    number.access_token,
                    app,
                    set(),
                    proof,
                    number.expires_at,
                    tuple(number.scopes),
                )
                self.tokens[number.access_token] = token
            token.wabas.add(number.waba_id)

    def app_token(self, value):
        """Return the Token of an app's own token (`app_id|app_secret`), or None."""
        app_id, _bar, secret = value.partition("|")
        app = self.apps.get(app_id)
        if not app or not app.app_secret:
            return None
        if not hmac.compare_digest(app.app_secret.encode(), secret.encode()):
            return None
        proof = hmac.new(app.app_secret.encode(), value.encode(), hashlib.sha256).hexdigest()
        return Token(value, app, set(), proof)

    def app_for(self, waba_id):
        """Return the app that an account was announced with, or None."""
        for number in self.numbers.values():
            if number.waba_id == waba_id:
                return self.apps[number.app_id]
        return None

    def numbers_of(self, waba_id):
        return [n for n in self.numbers.values() if n.waba_id == waba_id]

    def describe(self, number):
        """Return what the control API shows of an account; secrets stay out."""
        app = self.apps[number.app_id]
        waba = self.wabas[number.waba_id]
        return {
            "app_id": app.app_id,
            "waba_id": waba.waba_id,
            "phone_number_id": number.phone_number_id,
            "display_phone_number": number.display_phone_number,
            "verified_name": number.verified_name,
            "callback_url": app.callback_url,
            "callback_verified": app.verified,
            "subscribed": app.app_id in waba.subscriptions,
            "override_callback_uri": waba.subscriptions.get(app.app_id, {}).get(
                "override_callback_uri"
            ),
            "registered": number.registered,
            "require_proof": app.require_proof,
        }

    def dump(self):
        return {
            "apps": [asdict(app) for app in self.apps.values()],
            "wabas": [asdict(waba) for waba in self.wabas.values()],
            "numbers": [asdict(number) for number in self.numbers.values()],
        }

    def load(self, data):
        self.apps = {row["app_id"]: App(**row) for row in data["apps"]}
        self.wabas = {row["waba_id"]: Waba(**row) for row in data["wabas"]}
        self.numbers = {row["phone_number_id"]: Number(**row) for row in data["numbers"]}
        self.index_tokens()


def check_callback(url):
    """Refuse a callback address that leaves this machine.

    :raises ValueError: with what to do about it.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("callback_url must be an http or https address")
    if not is_loopback(parts.hostname):
        raise ValueError("callback_url must be on this machine (127.0.0.1, ::1 or localhost)")
