"""odoo.conf.sample is a configuration that Odoo reads and starts with."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from cryptography.fernet import Fernet

from harness.config import NOWHERE, odoo_command, odoo_environment
from harness.database import Databases
from harness.environment import prepare_services
from harness.ports import HOST, pick
from harness.report import Reporter
from harness.services import Service
from harness.stack import ROOT, open_stack, write_private
from tests.support.stack import prepared_database

DATABASE = "ajw_sample"
SAMPLE = ROOT / "odoo.conf.sample"
LIMIT_SECONDS = 60


@pytest.fixture(scope="module")
def environment():
    with open(os.devnull, "w") as nowhere:
        return prepare_services(open_stack(), Reporter(nowhere))


@pytest.fixture(scope="module")
def config(environment):
    """The sample with its blanks filled in, and the lines for this machine's PostgreSQL."""
    stack, server = environment.stack, environment.server
    first = pick(set())
    blanks = {
        "</opt/odoo/addons>": ",".join(environment.source.addons),
        "</opt/ajw/addons>": str(ROOT / "addons"),
        "</var/lib/odoo>": str(stack.data),
        "<production>": DATABASE,
        "<random>": secrets.token_urlsafe(24),
        "</var/log/odoo/odoo.log>": str(stack.log("sample")),
        "<key>": Fernet.generate_key().decode(),
        "<1:64 hex digits>": f"1:{secrets.token_hex(32)}",
        "; db_host = <127.0.0.1>": f"db_host = {server.host}",
        "; db_port = <5432>": f"db_port = {server.port}",
        "db_user = odoo": f"db_user = {server.user}",
        "; db_password = <password>": f"db_password = {server.password or 'none'}",
        "; bin_path = </opt/wkhtmltox/bin>": f"bin_path = {stack.bin}",
        "http_port = 8069": f"http_port = {first}",
        "gevent_port = 8072": f"gevent_port = {pick({first})}",
        # A test machine has less memory and fewer connections to give.
        "workers = 5": "workers = 2",
        # Odoo reports home; that is no setting a production needs.
        "[ajw_keys]\n": f"publisher_warranty_url = {NOWHERE}\n\n[ajw_keys]\n",
    }
    text = SAMPLE.read_text()
    for blank, value in blanks.items():
        assert blank in text, f"{blank} is not in {SAMPLE.name}"
        text = text.replace(blank, value)
    lines = [line for line in text.splitlines() if not line.startswith(";")]
    assert not [line for line in lines if re.search(r"<[^>]+>", line)]
    stack.log("sample").unlink(missing_ok=True)
    path = stack.home / "sample.conf"
    write_private(path, text)
    yield path, first
    path.unlink()


def test_odoo_knows_every_option_and_reads_its_value(environment, config):
    code = (
        "import json; from odoo.tools import config as c; c.parse_config([]);"
        "print(json.dumps({k: c[k] for k in ('workers', 'proxy_mode', 'list_db', 'dbfilter',"
        "'max_cron_threads', 'limit_time_real', 'limit_time_cpu', 'limit_memory_soft',"
        "'limit_time_real_cron', 'http_interface', 'db_name', 'log_handler')}))"
    )
    done = subprocess.run(
        [environment.stack.python, "-c", code],
        env=odoo_environment(environment.stack, environment.server, config[0]),
        cwd=environment.stack.run,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "WARNING" not in done.stderr, done.stderr
    values = json.loads(done.stdout.splitlines()[-1])
    assert values["list_db"] is False
    assert values["proxy_mode"] is True
    assert values["workers"] == 2
    assert values["max_cron_threads"] >= 1
    assert values["dbfilter"] == f"^{DATABASE}$"
    assert values["db_name"] == [DATABASE]
    assert values["http_interface"] == "127.0.0.1"
    assert (
        0 < values["limit_time_cpu"] <= values["limit_time_real"] < values["limit_time_real_cron"]
    )
    # The access log would keep the tokens of portal links.
    assert "werkzeug:WARNING" in values["log_handler"]


def test_the_sample_names_no_option_that_odoo_lacks(environment):
    code = "from odoo.tools import config as c; print('\\n'.join(c.options))"
    done = subprocess.run(
        [environment.stack.python, "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    known = set(done.stdout.split())
    section = SAMPLE.read_text().partition("[ajw_keys]")[0]
    named = set(re.findall(r"^(?:; )?([a-z_]+) = ", section, re.M))
    assert len(named) > 20
    assert named <= known, named - known


def test_odoo_starts_with_it_and_answers_through_a_proxy(environment, config):
    """Several processes, as in production; the log says no warning; the keys are found."""
    path, port = config
    template = prepared_database()
    databases = Databases(environment.stack, environment.server)
    databases.copy(template, DATABASE)
    service = Service(environment.stack, "sample-odoo")
    try:
        service.start(
            odoo_command(environment.stack),
            env=odoo_environment(environment.stack, environment.server, path),
            cwd=environment.stack.run,
        )
        service.wait(f"http://{HOST}:{port}/web/health", LIMIT_SECONDS)
        request = urllib.request.Request(
            f"http://{HOST}:{port}/ajw_whatsapp/webhook/nobody?hub.mode=subscribe",
            headers={"X-Forwarded-Host": "odoo.example.com", "X-Forwarded-Proto": "https"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        # Not a page of Odoo's that no database was found: our own answer to an unknown address.
        assert (refused.value.code, refused.value.read()) == (404, b"unknown address")
        until = time.monotonic() + LIMIT_SECONDS
        log = environment.stack.log("sample")
        while "HTTP service" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.2)
        shouts = re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", log.read_text(), re.M)
        assert shouts == []
    finally:
        service.stop()
        databases.drop(DATABASE)
