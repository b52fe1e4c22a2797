"""The real process: where it listens, what a restart keeps, how fast it is."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from urllib.request import urlopen

from sandbox import bench

CUSTOMER = "919876543210"


def get(address, path):
    with urlopen(f"{address}{path}", timeout=10) as answer:
        return json.load(answer)


class TestProcess(unittest.TestCase):
    def start(self, *arguments):
        process, address = bench.start(*arguments)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, address

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 0)

    def test_only_loopback(self):
        for host in (
            "0.0.0.0",  # noqa: S104 - it is refused
            "192.0.2.1",
            "::",
            "example.com",
        ):
            result = subprocess.run(
                [sys.executable, "-m", "sandbox", "--port", "0", "--host", host],
                capture_output=True,
                text=True,
                timeout=20,
                cwd=bench.ROOT,
            )
            self.assertEqual(result.returncode, 2, host)
            self.assertIn("loopback", result.stderr)

    def test_taken_port_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            result = subprocess.run(
                [sys.executable, "-m", "sandbox", "--port", port],
                capture_output=True,
                text=True,
                timeout=20,
                cwd=bench.ROOT,
            )
        self.assertEqual(result.returncode, 1)
        self.assertIn("Is another one running", result.stderr)

    def test_restart_keeps_the_conversation(self):
        with tempfile.TemporaryDirectory() as folder:
            state = str(Path(folder) / "state.json")
            process, address = self.start("--state-file", state)
            bench.post(address, "/_sandbox/accounts", bench.ACCOUNT)
            message = {"from": CUSTOMER, "text": "Still there?"}
            bench.post(address, "/_sandbox/inbound", message)
            self.stop(process)
            process, address = self.start("--state-file", state)
            shown = get(address, f"/_sandbox/phones/{CUSTOMER}")["messages"]
            self.assertEqual([m["content"]["body"] for m in shown], ["Still there?"])
            # The 24-hour window is still open, too.
            body = {"messaging_product": "whatsapp", "to": CUSTOMER, "text": {"body": "Yes."}}
            path = f"/v23.0/{bench.ACCOUNT['phone_number_id']}/messages"
            bench.post(address, path, body, bench.ACCOUNT["access_token"])
            # A crash loses at most the last seconds.
            deadline = 100
            while b"Yes." not in Path(state).read_bytes() and deadline:
                deadline -= 1
                signal.sigtimedwait([], 0.1)
            process.kill()
            process.wait()
            _process, address = self.start("--state-file", state)
            shown = get(address, f"/_sandbox/phones/{CUSTOMER}")["messages"]
            self.assertEqual([m["content"]["body"] for m in shown], ["Still there?", "Yes."])

    def test_stops_while_a_phone_page_listens(self):
        process, address = self.start()
        stream = urlopen(f"{address}/phone/+{CUSTOMER}/events", timeout=10)
        self.addCleanup(stream.close)
        stream.readline()
        self.stop(process)

    def test_nothing_is_left_in_the_temporary_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = {**os.environ, "TMPDIR": folder}
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--port", "0"],
                stdout=subprocess.PIPE,
                env=environment,
                cwd=bench.ROOT,
            )
            self.addCleanup(process.stdout.close)
            process.stdout.readline()
            self.assertEqual(len(list(Path(folder).iterdir())), 1)
            self.stop(process)
            self.assertEqual(list(Path(folder).iterdir()), [])


class TestRate(unittest.TestCase):
    def test_a_thousand_sends_a_second(self):
        affinity = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, affinity)
        result = asyncio.run(bench.measure(count=4_000))
        self.assertGreaterEqual(result["sends_per_second"], 1_000, result)
        self.assertEqual(result["statuses"], 8_000, result)
