"""Every way into the ledger that is none: by every role, over the network and by sudo."""

import json

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .common import ConsentCommonMixin
from .ledger_bytes import LEDGER, LedgerBytesMixin
from .seal_common import SealCommon

#: Role → groups. The last one is of another company.
ROLES = {
    "portal": "base.group_portal",
    "internal": "base.group_user",
    "consent user": "ajw_consent.group_user",
    "officer": "ajw_consent.group_officer",
    "administrator": "base.group_system,base.group_erp_manager,base.group_allow_export",
    "everything": "base.group_system,base.group_erp_manager,ajw_consent.group_officer",
    "officer of B": "ajw_consent.group_officer",
}


class WaysInMixin(ConsentCommonMixin, LedgerBytesMixin):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Company B"})
        cls.users = {}
        for number, (role, groups) in enumerate(ROLES.items()):
            company = cls.other_company if role == "officer of B" else cls.company
            cls.users[role] = new_test_user(
                cls.env,
                login=f"way_in_{number}",
                groups=groups,
                company_id=company.id,
                company_ids=[(6, 0, company.ids)],
            )
        cls.event = cls._opt_in(cls.partner, evidence={"note": "At the till", "ip": "192.0.2.7"})
        cls.env.flush_all()
        cls.env["ajw.consent.seal"]._seal(cls.controller)
        cls.env.flush_all()

    def _rows(self):
        """One row of each table of the ledger: model → record."""
        return {name: self.env[name].sudo().search([], order="id desc", limit=1) for name in LEDGER}

    def _copied(self, row):
        """The values of a row as somebody would send them to forge another one."""
        names = [
            name
            for name, field in row._fields.items()
            if field.store and field.column_type and name not in ("id", "uuid", "sequence")
        ]
        values = row.read(names, load=None)[0]
        del values["id"]
        return {
            name: fields.Datetime.to_string(value) if hasattr(value, "year") else value
            for name, value in values.items()
        }


@tagged("-at_install", "post_install")
class TestWaysInOverRpc(WaysInMixin, HttpCase):
    """Real requests: JSON-RPC of the web client, and the API of bearers of a key."""

    def _call(self, model, method, args, kwargs=None):
        """Call a method as the user logged in; return Odoo's answer (dict)."""
        path = f"/web/dataset/call_kw/{model}/{method}"
        params = {"model": model, "method": method, "args": args, "kwargs": kwargs or {}}
        answer = self.url_open(
            path,
            data=json.dumps({"jsonrpc": "2.0", "method": "call", "params": params}),
            headers={"Content-Type": "application/json"},
        )
        return answer.json()

    def _deeds(self, model, row):
        values = self._copied(row)
        name = next(
            name for name, field in row._fields.items() if field.store and field.type == "char"
        ) if model != "ajw.consent.seal.line" else "position"  # fmt: skip
        value = 7 if name == "position" else "forged"
        ids = row.ids
        return {
            "create": ("create", [[values]]),
            "create one": ("create", [values]),
            "write": ("write", [ids, {name: value}]),
            "unlink": ("unlink", [ids]),
            "copy": ("copy", [ids]),
            "web_save": ("web_save", [ids, {name: value}], {"specification": {name: {}}}),
            "web_save new": ("web_save", [[], values], {"specification": {name: {}}}),
            "web_save_multi": (
                "web_save_multi",
                [ids, [{name: value}]],
                {"specification": {name: {}}},
            ),
            "name_create": ("name_create", ["forged"]),
            "load": ("load", [[name, ".id"], [[str(value), str(row.id)]]]),
            "load new": ("load", [[*values], [[str(each) for each in values.values()]]]),
            "update_field_translations": ("update_field_translations", [ids, name, {"en_US": "x"}]),
            "web_resequence": ("web_resequence", [ids, {}], {"field_name": name}),
            "action_archive": ("action_archive", [ids]),
            "action_unarchive": ("action_unarchive", [ids]),
            "private write": ("_write", [ids, {name: value}]),
            "private create": ("_create", [[values]]),
        }

    @mute_logger("odoo.http", "odoo.sql_db", "odoo.models", "odoo.addons.rpc.controllers.json2")
    def test_A6_no_role_writes_the_ledger_over_rpc(self):
        before = self._ledger_bytes()
        rows = self._rows()
        forged = {"context": {"ajw_ledger": {"sentinel": True}, "ajw_publishing": True, "su": True}}
        for role, user in self.users.items():
            self.authenticate(user.login, user.login)
            for model, row in rows.items():
                self.assertTrue(row, model)
                for what, (method, args, *kwargs) in self._deeds(model, row).items():
                    with self.subTest(role=role, model=model, what=what):
                        for context in ({}, forged):
                            answer = self._call(
                                model, method, args, {**(kwargs[0] if kwargs else {}), **context}
                            )
                            self._assert_refused(answer, what)
            self.assert_ledger_unchanged(before, role)
        self.env.invalidate_all()
        self.assertEqual(self.env["ajw.consent.event"]._verify(self.controller), [])

    def _assert_refused(self, answer, what):
        """Refused with a sentence of ours or of Odoo's, never by a crash."""
        if "error" in answer:
            error = answer["error"]["data"]
            if "archive" in what and error["name"] == "builtins.AssertionError":
                # What Odoo says of every model that knows no archive.
                self.assertIn("No 'active' field", error["message"])
                return
            self.assertRegex(
                error["name"], r"^(odoo\.exceptions|werkzeug\.exceptions)\.", error["message"]
            )
            self.assertGreater(len(error["message"]), 20, error["message"])
            return
        # These answer what they could not do instead of raising, or have nothing to do.
        result = answer["result"]
        if what.startswith("load"):
            self.assertFalse(result["ids"])
            self.assertTrue(all(message["message"] for message in result["messages"]))
            self.assertTrue(result["messages"])
        else:
            # There is nothing to name one by, or nothing was to be moved.
            self.assertIn(what, ("name_create", "web_resequence"))
            self.assertFalse(what == "name_create" and result)

    @mute_logger("odoo.http", "odoo.sql_db", "odoo.models")
    def test_A6_nor_by_what_imports_files(self):
        if "base_import.import" not in self.env:
            self.skipTest("needs base_import")
        before = self._ledger_bytes()
        for role in ("administrator", "everything", "officer"):
            user = self.users[role]
            self.authenticate(user.login, user.login)
            for model, row in self._rows().items():
                column = "position" if model == "ajw.consent.seal.line" else "company_id/.id"
                cell = "7" if column == "position" else str(self.company.id)
                content = f".id,{column}\n{row.id},{cell}\n"
                wizard = (
                    self.env["base_import.import"]
                    .with_user(user)
                    .create(
                        {
                            "res_model": model,
                            "file": content.encode(),
                            "file_name": "forged.csv",
                            "file_type": "text/csv",
                        }
                    )
                )
                self.env.flush_all()
                with self.subTest(role=role, model=model):
                    options = {"quoting": '"', "separator": ",", "has_headers": True}
                    answer = self._call(
                        "base_import.import",
                        "execute_import",
                        [wizard.ids, [".id", column], [".id", column], options],
                    )
                    if "error" in answer:
                        self.assertRegex(answer["error"]["data"]["name"], r"^odoo\.exceptions\.")
                    else:
                        self.assertTrue(answer["result"]["messages"])
            self.assert_ledger_unchanged(before, role)

    @mute_logger("odoo.http", "odoo.sql_db", "odoo.models", "odoo.addons.rpc.controllers.json2")
    def test_A6_nor_with_a_key_for_the_api(self):
        if "res.users.apikeys" not in self.env:
            self.skipTest("needs keys")
        before = self._ledger_bytes()
        for role in ("officer", "everything"):
            user = self.users[role]
            later = fields.Datetime.add(fields.Datetime.now(), hours=1)
            key = self.env(user=user)["res.users.apikeys"]._generate("rpc", "test", later)
            self.env.flush_all()
            for model, row in self._rows().items():
                for method, body in (
                    ("write", {"ids": row.ids, "vals": {"company_id": self.company.id}}),
                    ("unlink", {"ids": row.ids}),
                    ("create", {"vals_list": [self._copied(row)]}),
                    ("copy", {"ids": row.ids}),
                ):
                    with self.subTest(role=role, model=model, method=method):
                        answer = self.url_open(
                            f"/json/2/{model}/{method}",
                            data=json.dumps(body),
                            headers={
                                "Authorization": f"Bearer {key}",
                                "Content-Type": "application/json",
                            },
                        )
                        self.assertGreaterEqual(answer.status_code, 400, answer.text)
                        self.assertLess(answer.status_code, 500, answer.text)
                        self.assertGreater(len(answer.json()["message"]), 20)
            self.assert_ledger_unchanged(before, role)

    @mute_logger("odoo.http", "odoo.sql_db", "odoo.models")
    def test_W2_a_user_of_company_b_and_the_ledger_of_company_a(self):
        """Nothing is seen of it, nothing is recorded in it, nothing of it is taken away."""
        before = self._ledger_bytes()
        user = self.users["officer of B"]
        self.authenticate(user.login, user.login)
        rows = self._rows()
        both = {"context": {"allowed_company_ids": [self.company.id, self.other_company.id]}}
        for model, row in rows.items():
            for context in ({}, both):
                with self.subTest(model=model, context=context):
                    for method, args in (
                        ("read", [row.ids, ["company_id"]]),
                        ("web_read", [row.ids, {"company_id": {}}]),
                        ("export_data", [row.ids, ["company_id/id"]]),
                    ):
                        answer = self._call(model, method, args, context)
                        self.assertIn("error", answer, method)
                    found = self._call(model, "search", [[("id", "in", row.ids)]], context)
                    self.assertFalse(found.get("result"))
        seal, state = rows["ajw.consent.seal"], rows["ajw.consent.state"]
        for model, method, ids in (
            ("ajw.consent.state", "action_withdraw", state.ids),
            ("ajw.consent.state", "action_invite_to_renew", state.ids),
            ("ajw.consent.seal", "action_mail", seal.ids),
            ("ajw.consent.seal", "action_verify", seal.ids),
            ("ajw.consent.event", "action_download_receipt", self.event.ids),
            ("ajw.consent.event", "action_download_receipt_json", self.event.ids),
        ):
            with self.subTest(method=method):
                answer = self._call(model, method, [ids], both)
                # A link to a file is no file: whether it opens is asked again.
                if "download" not in method:
                    self.assertIn("error", answer, method)
        page = self.url_open(f"/ajw_consent/receipts.json?ids={self.event.id}")
        self.assertGreaterEqual(page.status_code, 400)
        self.assertNotIn(self.event.uuid, page.text)
        record = {
            "partner_id": self.partner.id,
            "company_id": self.company.id,
            "decision": "withdrawn",
            "purpose_ids": [Command.set(self.purpose_invoice.ids)],
            "address": self.number,
        }
        for values in (record, {**record, "company_id": self.other_company.id}):
            created = self._call("ajw.consent.record", "create", [[values]], both)
            if "result" in created:
                self._call("ajw.consent.record", "action_record", [created["result"]], both)
        self.env.invalidate_all()
        ours = self.env["ajw.consent.event"].search([("company_id", "=", self.company.id)])
        self.assertEqual(len(ours), 1, "nothing was recorded in the ledger of company A")
        self.assertTrue(self._ask_gate(self.partner).allowed)
        after = self._ledger_bytes()
        for model in ("ajw.consent.seal", "ajw.consent.seal.line"):
            self.assertEqual(after[model], before[model])


@tagged("-at_install", "post_install")
class TestWaysInBySudo(WaysInMixin, SealCommon):
    """Code of other addons, with all rights."""

    def _relations(self):
        """Every field of another model that commands could write the ledger through."""
        for name, model in sorted(self.env.registry.items()):
            if model._abstract or name in LEDGER:
                continue
            for field in model._fields.values():
                if field.type in ("one2many", "many2many") and field.comodel_name in LEDGER:
                    yield name, field

    def test_A6_relation_commands_of_other_models_write_nothing(self):
        before = self._ledger_bytes()
        rows = self._rows()
        self._withdraw_elsewhere()
        before = self._ledger_bytes()
        tried = []
        for name, field in self._relations():
            row = rows[field.comodel_name]
            owner = self.env[name].sudo().with_context(active_test=False)
            if field.store and field.type == "one2many":
                found = owner.search([(field.name, "in", row.ids)], limit=1)
            else:
                found = owner.search([], limit=1)
            tried.append((name, field.name))
            for what, command in {
                "create": Command.create(self._copied(row)),
                "update": Command.update(row.id, {"company_id": self.other_company.id}),
                "delete": Command.delete(row.id),
                "unlink": Command.unlink(row.id),
                "clear": Command.clear(),
                "set": Command.set([]),
            }.items():
                for role in ("superuser", "everything", "officer"):
                    record = found if role == "superuser" else found.with_user(self.users[role])
                    with self.subTest(model=name, field=field.name, what=what, role=role):
                        self._try(lambda r=record, f=field, c=command: r.write({f.name: [c]}))
                        self._try(lambda r=record, f=field, c=command: r.new({f.name: [c]}))
                        self.assert_ledger_unchanged(before)
        self.assertIn(("ajw.consent.subject", "state_ids"), tried)
        self.assertIn(("res.partner", "ajw_consent_state_ids"), tried)

    def _withdraw_elsewhere(self):
        """Something that a command could reach: another person's rows, too."""
        self._withdraw(self._create_partner("Another", "+919876543288"))

    def _try(self, deed):
        """Do something and undo it unless it was refused with a sentence."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                deed()
                self.env.flush_all()
        except UserError as error:
            self.assertGreater(len(str(error)), 20)
        self.env.invalidate_all(flush=False)

    def test_A6_all_rights_write_nothing(self):
        """sudo, the superuser, an installation, and what addons override."""
        before = self._ledger_bytes()
        for row in self._rows().values():
            values = self._copied(row)
            ledger = row.sudo()
            for context in ({}, {"ajw_ledger": True}, {"install_mode": True}):
                ledger = ledger.with_context(**context)
                name = "position" if row._name == "ajw.consent.seal.line" else "company_id"
                value = 7 if name == "position" else self.other_company.id
                for what, deed in {
                    "create": lambda m=ledger, v=values: m.create([v]),
                    "write": lambda m=ledger, n=name, v=value: m.write({n: v}),
                    "assign": lambda m=ledger, n=name, v=value: m.__setitem__(n, v),
                    "update": lambda m=ledger, n=name, v=value: m.update({n: v}),
                    "unlink": lambda m=ledger: m.unlink(),
                    "copy": lambda m=ledger: m.copy(),
                }.items():
                    with (
                        self.subTest(model=row._name, what=what, context=context),
                        self.assertRaises(UserError),
                        self.env.cr.savepoint(),
                        mute_logger("odoo.sql_db"),
                    ):
                        deed()
                        self.env.flush_all()
                    self.env.invalidate_all(flush=False)
        self.assert_ledger_unchanged(before)
