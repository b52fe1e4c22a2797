"""Whatever arrives at the webhook's address: never an error of ours, never a lost event.

The parser alone is tried with generated structures in ``tests/plain/test_webhook.py``; here all of
the way is, over HTTP, through the log and the scheduled action.
"""

import json
import random
import string

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..cloud_api import webhook
from .common import WhatsappCommonMixin

MODULE = "odoo.addons.ajw_whatsapp.models.ajw_whatsapp_webhook_event"
KEYS = (
    "object entry id changes field value metadata phone_number_id messages statuses contacts from "
    "wa_id type text body status timestamp errors user_preferences recipient_id from_user_id"
).split()
WORDS = ["messages", "text", "STOP", "stop", "919876543210", "sent", "failed", "read", "1", ""]


def anything(rng, depth=4):
    """Return random JSON, often of words that the parser knows."""
    kind = rng.randrange(8 if depth else 6)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, -1, 2**31, 10**30, 1750000000, 1e300, 0.5])
    if kind in (2, 3):
        return rng.choice(WORDS)
    if kind in (4, 5):
        return "".join(rng.choices(string.printable + "ü‮न\x00\ud800", k=rng.randrange(12)))
    if kind == 6:
        return [anything(rng, depth - 1) for _n in range(rng.randrange(4))]
    return {rng.choice(KEYS): anything(rng, depth - 1) for _n in range(rng.randrange(5))}


@tagged("post_install", "-at_install")
class TestWebhookFuzz(WhatsappCommonMixin, HttpCase):
    def setUp(self):
        super().setUp()
        self.path = f"/ajw_whatsapp/webhook/{self.account.webhook_path}"
        self.random = random.Random(5)  # noqa: S311 - a test that fails has to fail again

    def _post(self, body, signature=None):
        return self.url_open(
            self.path,
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-Hub-Signature-256": signature or self._sign(body),
            },
            method="POST",
        )

    def _work_through(self):
        events = self.env["ajw.whatsapp.webhook.event"].search(
            [("account_id", "=", self.account.id), ("state", "=", "pending")]
        )
        with mute_logger(MODULE):
            events._process()
        self.env.flush_all()
        return events

    def _heard(self):
        return self.env["ajw.whatsapp.message"].search_count(
            [("account_id", "=", self.account.id), ("direction", "=", "inbound")]
        )

    def test_A9_every_good_message_is_kept_beside_random_structures(self):
        for number in range(40):
            good = self._inbound(f"Good {number}", f"wamid.good{number}")["entry"][0]
            odd_changes = [anything(self.random) for _n in range(3)]
            good["changes"] = [*odd_changes[:1], *good["changes"], *odd_changes[1:]]
            entries = [anything(self.random), good, anything(self.random)]
            payload = {"object": anything(self.random, 1), "entry": entries}
            answer = self._post(json.dumps(payload).encode())
            self.assertEqual(answer.status_code, 200)
        events = self._work_through()
        self.assertEqual(len(events), 40)
        self.assertFalse(events.filtered(lambda event: event.state in ("failed", "pending")))
        bodies = self.env["ajw.whatsapp.message"].search(
            [("account_id", "=", self.account.id), ("direction", "=", "inbound")]
        )
        kept = {body for body in bodies.mapped("body") if body and body.startswith("Good ")}
        self.assertEqual(kept, {f"Good {number}" for number in range(40)})

    def test_random_bytes_are_no_error(self):
        for number in range(30):
            body = self.random.randbytes(self.random.randrange(400))
            self.assertEqual(self._post(body).status_code, 200)
            self.assertEqual(self._post(body, f"sha256={number:064d}").status_code, 403)
        events = self._work_through()
        self.assertEqual(len(events), 30, "what was signed is kept, and nothing else")
        self.assertEqual(set(events.mapped("state")), {"failed"})
        self.assertFalse(self._heard())

    def test_mutilated_calls_are_no_error(self):
        whole = json.dumps(self._inbound("Hello")).encode()
        for _n in range(30):
            body = bytearray(whole)
            for _m in range(self.random.randrange(1, 6)):
                body[self.random.randrange(len(body))] = self.random.randrange(256)
            self.assertEqual(self._post(bytes(body)).status_code, 200)
            self.assertEqual(
                self._post(whole[: self.random.randrange(len(whole))]).status_code, 200
            )
        self.assertEqual(len(self._work_through()), 60)

    def test_A9_a_stop_among_any_types_is_heard(self):
        for number, odd in enumerate((None, True, 0, 1e308, "x", [], {}, [[]], [None], {"a": []})):
            with self.subTest(odd=odd):
                self._opt_in(self.partner)
                payload = self._inbound("STOP", f"wamid.{number}")
                value = payload["entry"][0]["changes"][0]["value"]
                value |= {"contacts": odd, "statuses": odd, "errors": odd}
                value["messages"] += [odd, {"type": odd, "from": odd, "id": odd}]
                value["messages"][0] |= {"timestamp": odd, "context": odd, "from_user_id": odd}
                payload["entry"][0] |= {"time": odd, "id": odd}
                self.assertEqual(self._post(json.dumps(payload).encode()).status_code, 200)
                self._work_through()
                self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_ten_megabytes(self):
        body = b'{"entry": [' + b"0," * 5_000_000 + b"0]}"
        self.assertEqual(self._post(body).status_code, 413)
        self.assertFalse(self._work_through())
        # Meta calls again with what it was refused; what comes beside is heard.
        good = json.dumps(self._inbound("STOP", "wamid.beside")).encode()
        self.assertEqual(self._post(good).status_code, 200)
        self._work_through()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_A9_a_stop_below_a_thousand_levels_is_heard(self):
        """Nested before it, behind it, and in the message itself."""
        for number, levels in enumerate((50, 900, 1100, 20000)):
            for place in ("entry", "changes", "messages", "context"):
                with self.subTest(levels=levels, place=place):
                    self._opt_in(self.partner)
                    payload = self._inbound("STOP", f"wamid.{place}{number}")
                    value = payload["entry"][0]["changes"][0]["value"]
                    beside = {
                        "entry": payload["entry"],
                        "changes": payload["entry"][0]["changes"],
                        "messages": value["messages"],
                    }.get(place)
                    if beside is None:
                        value["messages"][0]["context"] = "DEEP"
                    else:
                        beside.insert(0, "DEEP")
                        beside.append("DEEP")
                    text = json.dumps(payload)
                    for opening, closing in (("[", "]"), ('{"a":', "}")):
                        deep = opening * levels + "0" + closing * levels
                        text = text.replace('"DEEP"', deep, 1)
                    text = text.replace('"DEEP"', "0")
                    self.assertEqual(self._post(text.encode()).status_code, 200)
                    self.assertEqual(set(self._work_through().mapped("state")), {"done"})
                    self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")

    def test_any_address_is_answered(self):
        body = json.dumps(self._inbound("Hello")).encode()
        headers = {"X-Hub-Signature-256": self._sign(body), "Content-Type": "application/json"}
        for path in (
            "%00",
            "a%00b",
            "%ff%fe",
            "x" * 4000,
            "%F0%9F%98%80",
            "%2e%2e",
            "%25s",
            "' OR 1",
        ):
            for method in ("GET", "POST"):
                with self.subTest(path=path[:9], method=method):
                    answer = self.url_open(
                        f"/ajw_whatsapp/webhook/{path}", data=body, headers=headers, method=method
                    )
                    self.assertEqual(answer.status_code, 404)
        for method in ("PUT", "PATCH", "DELETE"):
            with self.subTest(method=method):
                answer = self.url_open(self.path, data=body, headers=headers, method=method)
                self.assertEqual(answer.status_code, 405)
        self.assertFalse(self._work_through())

    def test_any_header_is_answered(self):
        body = json.dumps(self._inbound("Hello")).encode()
        odd = (
            b"\xff\xfe",
            "sha256=ü".encode(),
            b"sha256=" + b"0" * 4000,
            b"sha1=00",
            b"sha256=\xb2",
        )
        for signature in odd:
            with self.subTest(signature=signature[:12]):
                self.assertEqual(self._post(body, signature).status_code, 403)
        self.assertFalse(self._work_through())
        for name, value in (
            ("Content-Type", "\xff/\xfe; charset=nonsense"),
            ("Content-Type", "application/json; charset=utf-16"),
            ("Content-Encoding", "gzip"),
            ("Accept-Language", "xx-" + "y" * 500),
            ("X-Forwarded-For", "nonsense"),
        ):
            with self.subTest(header=name, value=value[:20]):
                answer = self.url_open(
                    f"{self.path}?path=other&db=other&hub.mode=subscribe",
                    data=body,
                    headers={
                        "Content-Type": "application/json",
                        "X-Hub-Signature-256": self._sign(body),
                        name: value.encode("latin-1"),
                    },
                    method="POST",
                )
                self.assertEqual(answer.status_code, 200)
                self.assertEqual(self._work_through().mapped("state"), ["done"])

    def test_any_handshake_is_answered(self):
        good = [("hub.mode", "subscribe"), ("hub.verify_token", "verify-for-tests")]
        for challenge in ("", "<script>alert(1)</script>", "9" * 5000, "\0", "😀\u202e", "%s{0}"):
            with self.subTest(challenge=challenge[:9]):
                answer = self.url_open(
                    self.path, params=[*good, ("hub.challenge", challenge)], method="GET"
                )
                self.assertEqual(answer.status_code, 200)
                self.assertTrue(answer.headers["Content-Type"].startswith("text/plain"))
                self.assertEqual(answer.content.decode(), challenge[:256])
        for params in (
            [],
            [("hub.challenge", "1")],
            [*good[:1], ("hub.verify_token", "verify-for-tests\0"), ("hub.challenge", "1")],
            [*good[:1], ("hub.verify_token", "x" * 5000)],
            [("hub.mode", "\0"), *good[1:]],
            [(f"hub.mode[{n}]", "subscribe") for n in range(300)],
        ):
            with self.subTest(params=str(params)[:60]):
                answer = self.url_open(self.path, params=params, method="GET")
                self.assertEqual(answer.status_code, 403)

    def test_a_megabyte_of_statuses_is_worked_through(self):
        statuses = [
            {"id": f"wamid.unknown{n}", "status": "sent", "timestamp": "1"} for n in range(8000)
        ]
        body = json.dumps(self._call_of(statuses=statuses)).encode()
        self.assertLess(len(body), webhook.MAX_BODY_BYTES)
        good = json.dumps(self._inbound("STOP", "wamid.after")).encode()
        self.assertEqual(self._post(body).status_code, 200)
        self.assertEqual(self._post(good).status_code, 200)
        self._work_through()
        self.assertEqual(self._ask_gate(self.partner).reason, "withdrawn")
