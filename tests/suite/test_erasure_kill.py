"""An erasure whose process is killed comes to its end all the same, and does nothing twice."""

from __future__ import annotations

import signal

PREPARE = """
import base64


def officer(login):
    return env["res.users"].with_context(no_reset_password=True).create(
        {"name": login, "login": login, "company_id": env.company.id,
         "company_ids": [(6, 0, env["res.company"].search([]).ids)],
         "group_ids": [(6, 0, [env.ref("base.group_user").id,
                               env.ref("ajw_consent.group_officer").id])]})

first, second = officer("kill_first"), officer("kill_second")
people = env["res.partner"].create([
    {"name": "Xandrova Quillmark", "email": "xq@example.com", "phone": "+49305550199",
     "street": "Tokenweg 9", "country_id": env.ref("base.de").id},
    {"name": "Xandrova Quillmark", "email": "other.xq@example.com", "street": "Elsewhere 1"},
])
others = env["res.partner"].create({"name": "Somebody Else"})
env["mail.message"].create([
    {"model": "res.partner", "res_id": others.id, "message_type": "comment",
     "author_id": others.id, "body": f"<p>{number}: call xq@example.com today</p>"}
    for number in range(1200)])
env["mail.message"].create([
    {"model": "res.partner", "res_id": people[0].id, "message_type": "comment",
     "author_id": people[0].id, "body": f"<p>{number}: mine</p>"} for number in range(600)])
env["ir.attachment"].create([
    {"name": f"letter-{number}.txt", "res_model": "res.partner", "res_id": people[0].id,
     "datas": base64.b64encode(f"letter {number} of xq@example.com".encode() * 50)}
    for number in range(40)])
env.cr.commit()
erasure = env["ajw.privacy.erasure"].with_user(first).create(
    {"partner_id": people[0].id, "note": "Asked for it"})
erasure.action_plan()
env.cr.commit()
env["ajw.privacy.erasure"]._cron_work()
env.cr.commit()
erasure.invalidate_recordset()
assert erasure.state == "planned", (erasure.state, erasure.error)
for finding in erasure.finding_ids:
    if finding.level == "confirm":
        finding.with_user(second).reason = "Settled otherwise"
erasure.with_user(second).action_approve()
env.cr.commit()
"""
# Dies as by kill -9 in the middle of a transaction, after so many statements that change something.
DIE = """
import os, signal
from odoo.sql_db import Cursor
execute, left = Cursor.execute, [{number}]

def killed(self, query, *args, **kwargs):
    done = execute(self, query, *args, **kwargs)
    code = query if isinstance(query, (str, bytes)) else query.code
    text = code.decode() if isinstance(code, bytes) else code
    if text.lstrip()[:6].upper() in ("UPDATE", "DELETE", "INSERT"):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    return done

Cursor.execute = killed
env["ajw.privacy.erasure"]._cron_work()
env.cr.commit()
"""
WORK = """
env["ajw.privacy.erasure"]._cron_work()
env.cr.commit()
"""
NAMESAKE = "SELECT md5(p::text) FROM res_partner p WHERE email = 'other.xq@example.com'"
LEFT = """
SELECT 'message', count(*) FROM mail_message WHERE body LIKE '%xq@example.com%'
                                               AND body NOT LIKE '%other.xq@example.com%'
 UNION ALL SELECT 'partner', count(*) FROM res_partner WHERE email = 'xq@example.com'
 UNION ALL SELECT 'file', count(*) FROM ir_attachment WHERE name LIKE 'letter-%'
 UNION ALL SELECT 'queue', count(*) FROM ajw_privacy_erasure_spool
"""
STATE = "SELECT state, error FROM ajw_privacy_erasure"


def run(copy, script):
    words = ("shell", "-d", copy.name, "--no-http", "--log-level=warn")
    return copy.odoo(*words, stdin=f"exec(compile({script!r}, 'script', 'exec'))\n")


def test_T7_a_killed_erasure_goes_on_where_it_was(copy):
    copy.shell(PREPARE)
    namesake = copy.query(NAMESAKE)
    deaths = 0
    for number in (1, 12, 40, 90, 150):
        done = run(copy, DIE.format(number=number))
        if done.returncode == -signal.SIGKILL:
            deaths += 1
            [[state, error]] = copy.query(STATE)
            assert state in ("approved", "erasing", "scanning"), (state, error)
    assert deaths >= 3, done.stdout[-2000:]
    copy.shell(WORK)
    assert copy.query(STATE) == [("done", None)]
    assert {count for _what, count in copy.query(LEFT)} == {0}
    verdicts = copy.query("SELECT verdict FROM ajw_privacy_certificate")
    assert verdicts == [("clean",)], "one certificate"
    assert copy.query("SELECT count(*) FROM mail_message WHERE body LIKE '%: call%'") == [(1200,)]
    assert copy.query(NAMESAKE) == namesake
    copy.shell(WORK)
    assert copy.query("SELECT count(*) FROM ajw_privacy_certificate") == [(1,)], "nothing twice"
