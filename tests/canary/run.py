"""The play in one process of Odoo: act, look, erase, look again; the result is a file of JSON.

    python -m tests.canary.run -c odoo.conf -d DATABASE --out FILE [--audit-trail] [--seed N]

The database is used up by it: give it a copy.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import os
import random
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.canary import scanner, snapshot
from tests.canary.flows import for_modules
from tests.canary.people import Inventor, Person
from tests.canary.stage import CLERK, Stage

#: Erasures end after so many runs of the scheduled action, or never.
MAX_RUNS = 20
#: Where many people meet: what hangs on such a row is not about one of them.
SHARED_TABLES = {"res_partner", "res_users", "product_product", "product_template", "res_company"}
#: Names that namesakes share.
NAMES = ("first", "last", "old_last")


class Play:
    """Everything that happens on one database."""

    def __init__(self, env: Any, *, audit_trail: bool, seed: int):
        self.env = env
        self.inventor = Inventor(seed)
        self.result: dict[str, Any] = {
            "seed": seed, "audit_trail": audit_trail, "seconds": {}, "flows": {}, "people": {},
        }  # fmt: skip
        with self._timed("stage"):
            self.stage = Stage(env, self.inventor, audit_trail=audit_trail)
        #: Sessions that earlier runs left: the same seed makes the same people.
        self.earlier = set(self._sessions_on_disk())
        self.erased: list[Person] = []
        self.bystanders: list[Person] = []

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        yield
        self.result["seconds"][what] = round(time.monotonic() - begun, 1)

    # -- acting ----------------------------------------------------------------------------------

    def act(self) -> None:
        """Invent the people and send them through every flow."""
        with self._timed("flows"):
            friend = self._bystander("friend")
            below = {"parent_id": self.stage.group.id, "type": "other"}
            colleague = self._bystander("colleague", **below)
            single = self._customer("single", friend, colleague)
            first = self._customer("one of two", friend, colleague, **below)
            second = self.inventor.person("the other of two", like=first, same=NAMES)
            self._customer(second, friend, colleague)
            worker = self._worker("worker", friend, colleague)
            self.erased = [single, first, worker]
            self.bystanders += [second]
            self._two_controllers(friend, colleague)
            self._sessions(single)

    def _bystander(self, key: str, **values: Any) -> Person:
        person = self.inventor.person(key)
        self.stage.contact(person, **values)
        self.bystanders.append(person)
        return person

    def _customer(self, person: Any, friend: Person, colleague: Person, **values: Any) -> Person:
        person = self.inventor.person(person) if isinstance(person, str) else person
        self.stage.contact(person, **values)
        self._flows(person, "customer", friend, colleague)
        return person

    def _worker(self, key: str, friend: Person, colleague: Person) -> Person:
        person = self.inventor.person(key)
        user = self.stage.user(
            person.words["login"],
            CLERK,
            self.stage.company.ids,
            name=person.old_name,
            email=person.old_email,
            phone=person.old_phone,
        )
        user.partner_id.company_id = self.stage.company
        self.env.cr.commit()
        user.write({"name": person.name, "email": person.email, "phone": person.phone,
                    "signature": f"<p>{person.name}</p>"})  # fmt: skip
        self.env.cr.commit()
        person.records |= {"user": user, "partner": user.partner_id}
        self._flows(person, "worker", friend, colleague)
        return person

    def _two_controllers(self, friend: Person, colleague: Person) -> None:
        """The same human is a customer of two companies: each keeps a contact of its own."""
        here = self.inventor.person("here")
        there = self.inventor.person(
            "there", like=here, same=(*NAMES, "mailbox", "phone", "street")
        )
        for person, company in ((here, self.stage.company), (there, self.stage.other_company)):
            self.stage.contact(person, company=company)
            person.records |= {"friend": friend.partner, "colleague": colleague.partner}
            env = self.stage.as_clerk(company)
            contact = person.partner.with_env(env)
            contact.message_post(body=f"Called {person.name} at {person.phone}")
            env["res.partner.bank"].create(
                {"acc_number": person.words["iban"], "partner_id": contact.id}
            )
            if "sale.order" in env:
                env["sale.order"].create(
                    {"partner_id": contact.id, "note": f"<p>{person.name}</p>",
                     "order_line": [(0, 0, {"product_id": self.stage.product.id})]}
                ).action_confirm()  # fmt: skip
            self.env.cr.commit()
        self.erased.append(here)
        self.bystanders.append(there)

    def _flows(self, person: Person, who: str, friend: Person, colleague: Person) -> None:
        person.records |= {"friend": friend.partner, "colleague": colleague.partner}
        for flow in for_modules(self.env.registry._init_modules, who):
            name = f"{flow.name} ({person.key})"
            try:
                flow.run(self.stage, person)
                self.env.cr.commit()
                self.result["flows"][name] = ""
            except Exception:  # noqa: BLE001 - all that do not work are told at once
                self.env.cr.rollback()
                self.env.invalidate_all()
                self.result["flows"][name] = traceback.format_exc(limit=-6)

        self._merge(person)

    def _merge(self, person: Person) -> None:
        """Apps entered the same person again, under their address: an officer merges them first."""
        twins = self.env["res.partner"].with_context(active_test=False).search(
            [
                ("email_normalized", "in", [person.email, person.old_email]),
                ("id", "not in", (person.partner | person.partner.child_ids).ids),
            ]
        )  # fmt: skip
        for twin in twins:
            self.env["base.partner.merge.automatic.wizard"].create({})._merge(
                [person.partner.id, twin.id], person.partner
            )
        person.records["merged"] = len(twins)
        self.env.cr.commit()

    def _sessions(self, person: Person) -> None:
        """They are signed in, and once visited without signing in."""
        from odoo.http import root

        user = person.records.get("user")
        signed_in = {"db": self.env.cr.dbname, "login": person.words["login"]}
        signed_in["uid"] = user.id if user else None
        visiting = {"db": self.env.cr.dbname, "uid": None, "mass_mailing_email": person.email}
        for values in (signed_in, visiting):
            session = root.session_store.new()
            session.update(values)
            root.session_store.save(session)

    # -- looking ---------------------------------------------------------------------------------

    def _tokens(self, person: Person) -> dict[str, str]:
        """What must be gone; what somebody else goes by as well is theirs, too."""
        shared = {"one of two": NAMES, "here": (*NAMES, "mailbox", "phone", "street")}
        return person.tokens(*shared.get(person.key, ()))

    def _look(self, person: Person) -> list[scanner.Hit]:
        from odoo.tools import config

        words = self._tokens(person)
        folders = {
            "filestore": Path(config.filestore(self.env.cr.dbname)),
            "sessions": Path(config.session_dir),
        }
        files = [self._owned(hit) for hit in scanner.scan_files(folders, words)]
        files = [hit for hit in files if hit[:1] + hit[2:3] not in self.earlier]
        return scanner.scan_tables(self.env.cr._obj, words) + files

    def _sessions_on_disk(self) -> Iterator[tuple[str, str]]:
        from odoo.tools import config

        folder = Path(config.session_dir)
        for path in folder.rglob("*"):
            yield "sessions", str(path.relative_to(folder))

    def _owned(self, hit: scanner.Hit) -> scanner.Hit:
        """A file of the filestore under what it hangs on, as the list of what may stay names it."""
        self.env.cr.execute(
            "SELECT concat_ws('.', res_model, res_field) FROM ir_attachment WHERE store_fname = %s "
            "ORDER BY res_model LIMIT 1",
            [hit.row],
        )
        found = self.env.cr.fetchone()
        if hit.table != "filestore":
            return hit
        return hit._replace(
            table=f"filestore of {found[0] or 'a message'}" if found else "filestore"
        )

    def look(self, when: str) -> None:
        """Count where everybody stands."""
        self.env.flush_all()
        with self._timed(f"scan {when}"):
            for person in self.erased:
                hits = self._look(person)
                person.records[when] = hits
                told = self.result["people"].setdefault(person.key, {})
                told[when] = scanner.summary(hits) | {"places": scanner.by_place(hits)}
                if when == "after":
                    lawless = [hit for hit in hits if not self._law_of(person, hit)]
                    told["lawless"] = scanner.by_place(lawless)
                    told["laws"] = self._laws(person, hits)
                    told["lawless_rows"] = sorted({(*hit[:3],) for hit in lawless})[:40]

    def _law_of(self, person: Person, hit: scanner.Hit) -> str:
        """The law of which the database says that it keeps what is left, ``""``: none does."""
        erasure = person.records.get("erasure")
        if not erasure:
            return ""
        if "kept" not in person.records:
            self.env.cr.execute(
                """SELECT k.model_name, k.field_name, k.res_id::text, a.store_fname, k.article
                     FROM ajw_privacy_kept k LEFT JOIN ir_attachment a ON a.id = k.file_id
                    WHERE k.erasure_id = %s AND k.state = 'kept' AND k.article <> ''
                      AND (k.until IS NOT NULL OR k.no_end IS NOT NULL)""",
                [erasure.id],
            )
            kept: dict[Any, str] = {}
            for model, field, row, file, article in self.env.cr.fetchall():
                kept[self.env[model]._table, field, row] = article
                kept[file] = article
            person.records["kept"] = kept
        kept = person.records["kept"]
        if hit.column == "file":
            return kept.get(hit.row, "")
        row = kept.get((hit.table, None, hit.row), "")
        return kept.get((hit.table, hit.column, hit.row), row)

    def _laws(self, person: Person, hits: list[scanner.Hit]) -> dict[str, list[str]]:
        """Place → articles that the database names for what is left there."""
        found: dict[str, set[str]] = {}
        for hit in hits:
            if article := self._law_of(person, hit):
                found.setdefault(f"{hit.table}.{hit.column}", set()).add(article)
        return {place: sorted(articles) for place, articles in sorted(found.items())}

    def look_at_others(self, when: str) -> None:
        """Note every row, and which are the bystanders'."""
        self.env.flush_all()
        cursor = self.env.cr._obj
        with self._timed(f"snapshot {when}"):
            self.__dict__[when] = snapshot.take(cursor)
            if when != "before":
                return
            about = set()
            for person in self.erased:
                about |= snapshot.rows_of(person.records["before"])
                about |= snapshot.linked(cursor, self._records_of(person))
            self.about = about
            # what hangs on documents of theirs is told apart: it may go with them
            self.around = snapshot.linked(
                cursor, _by_table(row for row in about if row[0] not in SHARED_TABLES)
            )
            # where only a name stands that a namesake has too, on rows that are linked somehow
            for person in self.erased:
                if shared := set(person.tokens()) - set(self._tokens(person)):
                    names = {kind: person.tokens()[kind] for kind in shared}
                    self.around |= snapshot.rows_of(scanner.scan_tables(cursor, names))
            # what their rows are built on, as a mail is on a message
            self.around |= snapshot.built_on(cursor, about | self.around, self._built_on())
            self.theirs = {
                person.key: (
                    snapshot.linked(cursor, self._records_of(person))
                    | snapshot.rows_of(scanner.scan_tables(cursor, self._own_words(person)))
                ) - about
                for person in self.bystanders
            }  # fmt: skip

    def _built_on(self) -> list[snapshot.Key]:
        """Links to the rows that rows of a model are built on."""
        names = {
            (model._table, column)
            for model in self.env.registry.values()
            for column in model._inherits.values()
        }
        return [
            key for key in snapshot.keys(self.env.cr._obj)
            if (key.table, key.column) in names and key.target not in SHARED_TABLES
        ]  # fmt: skip

    def _own_words(self, person: Person) -> dict[str, str]:
        same = {"the other of two": NAMES, "there": (*NAMES, "mailbox", "phone", "street")}
        return person.tokens(*same.get(person.key, ()))

    def _records_of(self, person: Person) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        partner = person.partner.with_context(active_test=False)
        partners = partner | partner.child_ids
        found["res_partner"] = partners.ids
        found["res_users"] = partners.user_ids.ids
        for name in ("employee", "visitor"):
            if record := person.records.get(name):
                found[record._table] = record.ids
        return found

    def compare(self) -> None:
        """Which rows of others were changed, and in which columns."""
        before, after = self.__dict__["before"], self.__dict__["after"]
        changed = snapshot.changed(before, after)

        def told(rows: Iterable[tuple]) -> list[list]:
            return [[*row, snapshot.differences(before, after, row)] for row in sorted(rows)]

        self.result["bystanders"] = {
            key: {"rows": len(rows), "changed": told(rows & changed)}
            for key, rows in self.theirs.items()
        }
        self.result["changed_elsewhere"] = told(changed - self.about - self.around)

    def integrity(self, when: str) -> None:
        """Whether the hash chains of the books hold."""
        if "account.move" not in self.env:
            return
        told = {}
        for company in self.stage.company | self.stage.other_company:
            books = company.with_env(self.stage.as_clerk(company))
            results = books._check_hash_integrity()["results"]
            told[company.name] = sorted({row["status"] for row in results})
        self.result.setdefault("integrity", {})[when] = told

    # -- erasing ---------------------------------------------------------------------------------

    def erase(self) -> None:
        """One officer asks, another approves, the scheduled action does it."""
        with self._timed("erase"):
            for person in self.erased:
                self._erase(person)

    def _erase(self, person: Person) -> None:
        first, second = self.stage.officers
        company = {"allowed_company_ids": (self.stage.company | self.stage.other_company).ids}
        env = self.env(user=first, context=company)
        begun = time.monotonic()
        told = self.result["people"][person.key]
        try:
            erasure = env["ajw.privacy.erasure"].create(
                {"partner_id": person.partner.id, "note": "Canary",
                 "company_id": self.stage.company.id}
            )  # fmt: skip
            person.records["erasure"] = erasure
            erasure.action_plan()
            self._run(erasure)
            told["planned"] = (erasure.state, erasure.error or "")
            told["findings"] = [[each.level, each.code] for each in erasure.finding_ids]
            asked = erasure.finding_ids.filtered(lambda each: each.level == "confirm")
            asked.reason = "The canary leaves in the midst of everything."
            erasure.with_user(second).action_approve()
            self._run(erasure)
        except Exception:  # noqa: BLE001 - told with the others
            self.env.cr.rollback()
            self.env.invalidate_all()
            told["refused"] = traceback.format_exc(limit=-4)
            return
        erasure = erasure.sudo()
        told["seconds"] = round(time.monotonic() - begun, 1)
        told["state"], told["error"] = erasure.state, erasure.error or ""
        told["verdicts"] = erasure.certificate_ids.mapped("verdict")
        told["failed"] = [
            [place.model_name, place.field_name or "", place.action, place.error]
            for place in erasure.place_ids
            if place.failed_count
        ]
        told["kept"] = [
            [place.model_name, place.field_name or "", place.row_count, str(place.until or "")]
            for place in erasure.place_ids
            if place.action == "keep" and place.row_count
        ]

    def _run(self, erasure: Any) -> None:
        """Let the scheduled action run until it has nothing more to do."""
        self.env.cr.commit()
        cron = self.env.ref("ajw_privacy.ir_cron_erasure")
        for _run in range(MAX_RUNS):
            cron.method_direct_trigger()
            self.env.cr.commit()
            self.env.invalidate_all()
            if erasure.sudo().state not in ("planning", "approved", "erasing", "scanning"):
                return

    def self_check(self) -> None:
        """What the data map does not know."""
        with self._timed("self-check"):
            data_map = self.env["ajw.privacy.data.map"]
            rows, findings = data_map._picture()
            self.result["fields"] = len(rows)
            self.result["unclassified"] = sorted(
                f"{finding.model}.{finding.field}: {finding.message}" for finding in findings
            )
        self.result["modules"] = len(self.env.registry._init_modules)


def _by_table(rows: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table, row in rows:
        found.setdefault(table, []).append(row)
    return found


@contextmanager
def nobody_outside() -> Iterator[None]:
    """No mail and no request leaves the machine; sent mail counts as sent."""
    import requests

    def refuse(self, method, url, **options):  # noqa: ANN001
        raise requests.exceptions.ConnectionError("nothing leaves the canary")

    def swallow(self, message, *arguments, **options):  # noqa: ANN001
        return message["Message-Id"]

    sending = "odoo.addons.base.models.ir_mail_server.IrMail_Server.send_email"
    connecting = "odoo.addons.base.models.ir_mail_server.IrMail_Server._connect__"
    picture = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5Er"
        "kJggg=="
    )
    drawing = "odoo.addons.base.models.ir_actions_report.IrActionsReport._run_wkhtmltoimage"
    with (
        # not every machine has the program; what it draws is no text
        patch(drawing, lambda self, bodies, *rest, **options: [picture for _body in bodies]),
        patch.object(requests.Session, "request", refuse),
        patch(sending, swallow),
        patch(connecting, lambda *arguments, **options: None),
    ):
        yield


def play(env: Any, *, audit_trail: bool, seed: int, until: str = "erase") -> dict[str, Any]:
    """The whole of it.

    :param until: the last act, for who writes flows
    :return: what was found, as the tests and the report read it
    """
    with nobody_outside():
        acted = Play(env, audit_trail=audit_trail, seed=seed)
        try:
            _play(acted, until)
        except Exception:  # noqa: BLE001 - what was found until then helps to find out why
            acted.result["broken"] = traceback.format_exc()
    return acted.result


def _play(acted: Play, until: str) -> None:
    acted.act()
    if until == "act":
        return
    acted.self_check()
    acted.integrity("before")
    acted.look("before")
    acted.look_at_others("before")
    if until == "look":
        return
    acted.erase()
    acted.look("after")
    acted.look_at_others("after")
    acted.integrity("after")
    acted.compare()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", dest="config", required=True)
    parser.add_argument("-d", dest="database", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--until", choices=["act", "look", "erase"], default="erase")
    parser.add_argument("--audit-trail", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    options = parser.parse_args(arguments)

    import odoo.cli  # noqa: F401 - makes Odoo's own packages ready
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(
        ["-c", options.config, "-d", options.database, "--no-http", "--log-level=error"],
        setup_logging=True,
    )
    logging.getLogger("odoo").setLevel(logging.ERROR)
    from odoo.addons.ajw_consent.tests.common import TEST_KEYS
    from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

    os.environ.setdefault(ENVIRONMENT_VARIABLE, TEST_KEYS)
    begun = time.monotonic()
    registry = Registry(options.database)
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        result = play(env, audit_trail=options.audit_trail, seed=options.seed, until=options.until)
    result["seconds"]["all"] = round(time.monotonic() - begun, 1)
    Path(options.out).write_text(json.dumps(result, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
