"""T8: a backup is restored; one command erases and removes again, and says what it did."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.command import run_odoo
from tests.support.copied import Copy

PEOPLE = """
users = env["res.users"].with_context(no_reset_password=True)
for login in ("replay_first", "replay_second"):
    users.create({
        "name": login, "login": login,
        "group_ids": [(6, 0, env.ref("base.group_user").ids
                       + env.ref("ajw_consent.group_officer").ids)],
        "company_id": env.company.id,
        "company_ids": [(6, 0, env["res.company"].search([]).ids)]})
germany = env.ref("base.de").id
partners = env["res.partner"].create([
    {"name": "Quirina Zephyrsson", "email": "quirina.zq7@example.com", "country_id": germany,
     "phone": "+49 30 5550123", "street": "Tokenweg 7"},
    {"name": "Quirina Zephyrsson", "email": "another.quirina@example.com", "country_id": germany,
     "phone": "+49 30 7770001"}])
partners[1].message_post(body="Ask quirina.zq7@example.com", message_type="comment")
env["ir.attachment"].create(
    {"name": "Zephyrsson.txt", "raw": b"hers", "res_model": "res.partner",
     "res_id": partners[0].id})
company = env["res.company"].create({"name": "Tokenco Leaving", "country_id": germany})
users.search([("login", "in", ("replay_first", "replay_second"))]).company_ids |= company
env["res.partner"].create(
    {"name": "Customer of Tokenco", "email": "customer.zq8@example.com", "company_id": company.id})
env.cr.commit()
"""
ERASE = """
first, second = (env["res.users"].search([("login", "=", login)])
                 for login in ("replay_first", "replay_second"))
person = env["res.partner"].search([("email", "=", "quirina.zq7@example.com")])
erasure = env["ajw.privacy.erasure"].with_user(first).create(
    {"partner_id": person.id, "note": "Asked for it"})
erasure.action_plan()
work, known = erasure.with_env(env), {}
def run():
    while work._is_running():
        work._advance(known)
        env.cr.commit()
        work._take_from_disk(env.cr.commit)
run()
assert work.state == "planned", work.error
erasure.with_user(second).action_approve()
run()
assert work.state in ("done", "kept"), work.error
env.cr.commit()
"""
LEAVE = """
import datetime
first, second = (env["res.users"].search([("login", "=", login)])
                 for login in ("replay_first", "replay_second"))
company = env["res.company"].search([("name", "=", "Tokenco Leaving")])
departure = env["ajw.privacy.departure"].with_user(first).with_context(
    allowed_company_ids=first.company_ids.ids).create(
    {"company_id": company.id, "ended_on": datetime.date.today()})
departure.action_start()
work, known = departure.with_env(env), {}
def run():
    while work._is_running():
        work._advance(known)
        env.cr.commit()
run()
assert work.state == "exported", work.error
departure.with_user(second).action_approve()
# the recall period passes
work._step(ended_on=datetime.date.today() - datetime.timedelta(days=20))
work._begin_removal()
run()
assert work.state == "done", work.error
env.cr.commit()
"""
LEFT = """SELECT count(*) FROM res_partner
           WHERE email = 'quirina.zq7@example.com' OR street = 'Tokenweg 7'"""
CUSTOMERS = "SELECT count(*) FROM res_partner WHERE email = 'customer.zq8@example.com'"
NAMESAKE = "SELECT md5(p::text) FROM res_partner p WHERE email = 'another.quirina@example.com'"


def with_other_keys(config: Path, folder: Path) -> Path:
    """A configuration file with keys that are not those of the database."""
    text = re.sub(r"(?m)^encryption = .*", f"encryption = {Fernet.generate_key().decode()}",
                  config.read_text())  # fmt: skip
    path = folder / "other_keys.conf"
    path.write_text(re.sub(r"(?m)^hmac = .*", f"hmac = k1:{os.urandom(32).hex()}", text))
    return path


@pytest.fixture
def restored(copy):
    """A backup of the database as it was before the erasure, restored beside it."""
    copy.shell(PEOPLE)
    backup = Copy(copy.name)
    yield backup
    backup.drop()


def test_T8_a_restored_backup_is_erased_again(copy, restored, tmp_path):
    copy.shell(ERASE)
    assert copy.query(LEFT) == [(0,)]
    copy.shell(LEAVE)
    assert copy.query(CUSTOMERS) == [(0,)]
    file = tmp_path / "register.jsonl"
    done = copy.odoo("ajw_privacy_register", "-d", copy.name, "-o", str(file))
    assert done.returncode == 0, done.stdout[-3000:]
    assert "2 erasures written" in done.stdout
    assert b"quirina" not in file.read_bytes().lower()

    assert b"tokenco" not in file.read_bytes().lower()

    # the backup brings the person back, and the company that left
    assert restored.query(LEFT) == [(1,)]
    assert restored.query(CUSTOMERS) == [(1,)]
    namesake = restored.query(NAMESAKE)
    words = ("ajw_privacy_replay", "-d", restored.name, "-r", str(file))

    looked = restored.odoo(*words, "--check")
    assert looked.returncode == 0, looked.stdout[-3000:]
    assert "would be erased again" in looked.stdout
    assert "would be removed again" in looked.stdout
    wrong = run_odoo(restored.environment, with_other_keys(restored.config, tmp_path), words)
    assert wrong.returncode == 2, wrong.stdout[-3000:]
    assert "keys" in wrong.stdout
    file_cut = tmp_path / "cut.jsonl"
    file_cut.write_bytes(file.read_bytes()[:-30])
    cut = restored.odoo(*words[:-1], str(file_cut))
    assert cut.returncode == 2
    assert "changed or cut off" in cut.stdout
    assert restored.query(LEFT) == restored.query(CUSTOMERS) == [(1,)]

    again = restored.odoo(*words)
    assert again.returncode == 0, again.stdout[-3000:]
    assert "erased again as" in again.stdout
    assert "removed again as" in again.stdout
    for name in ("zephyrsson", "quirina", "tokenco"):
        assert name not in again.stdout.lower()
    assert restored.query(LEFT) == restored.query(CUSTOMERS) == [(0,)]
    assert restored.query(NAMESAKE) == namesake
    (state,) = restored.query(
        "SELECT e.state, c.verdict, e.replay_certificate IS NOT NULL FROM ajw_privacy_erasure e "
        "JOIN ajw_privacy_certificate c ON c.erasure_id = e.id WHERE e.replay_of IS NOT NULL"
    )
    assert state == ("done", "clean", True)

    (left,) = restored.query(
        "SELECT d.state, c.verdict, NOT y.active FROM ajw_privacy_departure d "
        "JOIN ajw_privacy_certificate c ON c.departure_id = d.id "
        "JOIN res_company y ON y.id = d.company_id"
    )
    assert left == ("done", "clean", True)

    erasures = """SELECT count(*), max(write_date) FROM (SELECT write_date FROM ajw_privacy_erasure
                  UNION ALL SELECT write_date FROM ajw_privacy_departure) e"""
    before = restored.query(erasures)
    once_more = restored.odoo(*words)
    assert once_more.returncode == 0, once_more.stdout[-3000:]
    assert "done before: 2" in once_more.stdout
    assert restored.query(erasures) == before
