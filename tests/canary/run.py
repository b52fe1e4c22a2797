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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.canary.erasing import Erasing
from tests.canary.flows import for_modules
from tests.canary.looking import Looking
from tests.canary.people import NAMES, Inventor, Person
from tests.canary.stage import CLERK, Stage


class Play(Looking, Erasing):
    """Everything that happens on one database."""

    def __init__(self, env: Any, *, audit_trail: bool, seed: int):
        self.env = env
        self.inventor = Inventor(seed)
        self.result: dict[str, Any] = {
            "seed": seed, "audit_trail": audit_trail, "seconds": {}, "flows": {}, "people": {},
            "flow_seconds": {},
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
            begun = time.monotonic()
            try:
                flow.run(self.stage, person)
                self.env.cr.commit()
                self.result["flows"][name] = ""
            except Exception:  # noqa: BLE001 - all that do not work are told at once
                self.env.cr.rollback()
                self.env.invalidate_all()
                self.result["flows"][name] = traceback.format_exc(limit=-6)
            self.result["flow_seconds"][name] = round(time.monotonic() - begun, 2)

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

    # -- the data map ----------------------------------------------------------------------------

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
