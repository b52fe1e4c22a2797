import io
import json
import zipfile
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..ledger.proof import event_line, verify_proof
from ..models import ajw_consent_proof_export_writing as writing
from .common import ConsentCommon


@tagged("-at_install", "post_install")
class TestProofExport(ConsentCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = [cls._create_partner(f"Customer {n}", f"+91987654330{n}") for n in range(3)]
        for customer in cls.customers:
            cls._opt_in(customer, cls.purpose_invoice + cls.purpose_order)
        cls._withdraw(cls.customers[0])

    def _export(self, user=None, **values):
        exports = self.env["ajw.consent.proof.export"].with_user(user or self.officer)
        export = exports.create({"company_ids": [(6, 0, self.company.ids)], **values})
        export.action_export()
        return export

    def _file(self, attachment):
        return io.BytesIO(attachment.sudo().raw)

    def _changed(self, attachment, name, change):
        """A copy of the archive in which a file's bytes were changed."""
        source, target = zipfile.ZipFile(self._file(attachment)), io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            for member in source.namelist():
                data = source.read(member)
                archive.writestr(member, change(data) if member == name else data)
        return target

    def test_A2_the_file_alone_proves_the_ledger(self):
        export = self._export(with_evidence=True)
        count = self.env["ajw.consent.event"].search_count([("company_id", "=", self.company.id)])
        self.assertEqual(export.event_count, count)
        self.assertEqual(export.line_ids.event_count, count)
        report = verify_proof(
            self._file(export.attachment_id), self._file(export.evidence_attachment_id)
        )
        self.assertEqual(report.problems, [])
        self.assertEqual(report.events, count)
        self.assertEqual(report.chains, 6)

    def test_A2_small_batches_lose_nothing(self):
        with patch.object(writing, "BATCH", 2):
            export = self._export()
        self.assertEqual(verify_proof(self._file(export.attachment_id)).events, export.event_count)

    def test_A2_a_changed_file_is_found_out(self):
        export = self._export(with_evidence=True)
        proof, evidence = export.attachment_id, export.evidence_attachment_id
        for name, change in (
            ("events.jsonl", lambda data: data.replace(b'"kind":"given"', b'"kind":"refused"', 1)),
            ("events.jsonl", lambda data: data.split(b"\n", 1)[1]),
            ("notices.jsonl", lambda data: data.replace(b"WhatsApp", b"letter", 1)),
        ):
            changed = self._changed(proof, name, change)
            self.assertTrue(verify_proof(changed).problems, name)
        changed = self._changed(
            evidence, "evidence.jsonl", lambda data: data.replace(b"+91987", b"+91988", 1)
        )
        self.assertTrue(verify_proof(self._file(proof), changed).problems)

    def test_A2_a_file_rewritten_with_its_manifest_is_found_out(self):
        """Whoever changes an event and the manifest still breaks the chain."""
        export = self._export()

        def forged_line(content, prev_hash, digest):
            return event_line(content._replace(kind="given"), prev_hash, digest)

        with patch.object(writing, "event_line", forged_line):
            forged = self._export()
        problems = verify_proof(self._file(forged.attachment_id)).problems
        self.assertIn("hash", " ".join(problems))
        self.assertFalse(verify_proof(self._file(export.attachment_id)).problems)

    def test_the_proof_names_nobody(self):
        export = self._export()
        archive = zipfile.ZipFile(self._file(export.attachment_id))
        content = b"".join(archive.read(name) for name in archive.namelist())
        for customer in self.customers:
            self.assertNotIn(customer.name.encode(), content)
            self.assertNotIn(customer.phone_sanitized.encode(), content)
        self.assertIn(b"Ledger Trading", content)
        json.loads(archive.read("manifest.json"))

    def test_A6_only_an_officer_of_all_controllers_exports(self):
        other = self.env["res.company"].create({"name": "Other Controller"})
        exports = self.env["ajw.consent.proof.export"]
        with self.assertRaises(AccessError):
            exports.with_user(self.consent_user).create({"company_ids": [(6, 0, other.ids)]})
        draft = exports.create({"company_ids": [(6, 0, (self.company + other).ids)]})
        with self.assertRaises(AccessError):
            draft.with_user(self.officer).action_export()
        with self.assertRaises(AccessError):
            draft.with_user(self.officer).read(["digest"])
        self.assertEqual(draft.state, "draft")

    def test_what_was_exported_stays_on_record(self):
        export = self._export()
        for values in ({"digest": "0" * 64}, {"state": "stored"}, {"event_count": 0}):
            with self.assertRaises(AccessError):
                export.write(values)
        with self.assertRaises(UserError):
            export.with_evidence = True
        with self.assertRaises(UserError):
            export.action_export()
        with self.assertRaises(UserError):
            export.unlink()

    # -- before an uninstallation ----------------------------------------------------------------

    def _problems(self):
        """What keeps the addon installed, as far as this company's ledger goes."""
        problems = self.env["ajw.consent.proof.export"]._uninstall_problems()
        return [problem for problem in problems if self.company.name in problem]

    def test_uninstalling_is_refused_until_the_proof_is_stored(self):
        self.assertIn("7 events of Ledger Trading", self._problems()[0])
        export = self._export()
        self.assertIn("nobody confirmed", self._problems()[0])
        export.action_confirm_stored()
        self.assertFalse(self._problems())
        self.assertEqual(export.stored_by_id, self.officer)
        self._withdraw(self.customers[1])
        self.assertIn("1 events of Ledger Trading", self._problems()[0])
        self._export().action_confirm_stored()
        self.assertFalse(self._problems())

    def test_uninstalling_is_refused_by_every_way(self):
        module = self.env.ref("base.module_ajw_consent")
        for way in (
            module.button_uninstall,
            module.module_uninstall,
            self.env.ref("base.module_portal").button_uninstall,
        ):
            with self.assertRaisesRegex(UserError, "events of Ledger Trading"):
                way()
            self.assertEqual(module.state, "installed")
        wizard = self.env["base.module.uninstall"].create({"module_ids": [(6, 0, module.ids)]})
        self.assertIn("Not exported yet", wizard.ajw_problems)
        self.assertIn("events that prove", wizard.ajw_losses)
        other = self.env["base.module.uninstall"].create(
            {"module_ids": [(6, 0, self.env.ref("base.module_phone_validation").ids)]}
        )
        self.assertIn("Not exported yet", other.ajw_problems)
