"""A sandbox that answers like Meta, after a while, for the benchmarks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

JOURNAL_SIZE = 300_000
TIMEOUT = 60
SECONDS_TO_START = 30

#: Identifiers of the bench's number, for both sides.
ACCOUNT = {
    "app_id": "300000000000009",
    "waba_id": "200000000000009",
    "phone_number_id": "100000000000009",
    "app_secret": "bench-secret",
    "access_token": "bench-token",
    "verify_token": "bench-verify",
    "display_phone_number": "+91 44 4000 1234",
    "verified_name": "Bench Trading",
    "subscribed": True,
}


@dataclass
class StandIn:
    """A running sandbox.

    :param url: its address
    :param account: what a WhatsApp account in Odoo needs to use it
    """

    url: str
    account: dict = field(default_factory=lambda: dict(ACCOUNT))

    def control(self, verb: str, path: str, **kwargs) -> dict:
        """Call the sandbox's control side and return its answer."""
        answer = requests.request(verb, f"{self.url}/_sandbox{path}", timeout=TIMEOUT, **kwargs)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def journal(self, **filters) -> list[dict]:
        """Return the calls that came in, oldest first.

        :param filters: ``kind``, ``since`` (a ``seq``), ``limit``, see ``sandbox/README.md``
        """
        return self.control("GET", "/journal", params=filters)["entries"]

    def received(self) -> int:
        """Return the number of the newest call."""
        return self.control("GET", "/journal", params={"limit": 1})["last_seq"]


@contextmanager
def stand_in(bench, latency_ms: int = 150, statuses: bool = False) -> Iterator[StandIn]:
    """Have a sandbox answer messages and uploads after a while.

    :param harness.bench.Bench bench: whose Python runs it
    :param latency_ms: milliseconds between a call and its answer
    :param statuses: whether it reports what became of messages
    """
    from harness.shell import clean_environment
    from harness.stack import ROOT

    process = subprocess.Popen(
        [
            *(str(bench.environment.stack.python), "-m", "sandbox", "--port", "0"),
            *("--journal-size", str(JOURNAL_SIZE)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=ROOT,
    )
    try:
        line = process.stdout.readline()
        if "http://" not in line:
            raise RuntimeError("the sandbox did not start")
        meta = StandIn(line.split()[1])
        meta.control("POST", "/settings", json={"auto_statuses": statuses, "template_review_ms": 0})
        meta.control("POST", "/accounts", json=meta.account)
        for kind in ("send", "media_upload"):
            meta.control(
                "POST",
                "/faults",
                json={"kind": "latency", "always": True, "on": kind, "ms": latency_ms},
            )
        yield meta
    finally:
        process.terminate()
        process.wait(SECONDS_TO_START)
