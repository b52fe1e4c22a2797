import hashlib
import io
import json
import zipfile
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..ledger.proof import ProofWriter, event_line, verify_proof
from ..ledger.proof_file import FORMAT
from ..ledger.seal import read_seal
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

        def forged_line(content, *rest):
            return event_line(content._replace(kind="given"), *rest)

        with patch.object(writing, "event_line", forged_line):
            forged = self._export()
        problems = verify_proof(self._file(forged.attachment_id)).problems
        self.assertIn("hash", " ".join(problems))
        self.assertFalse(verify_proof(self._file(export.attachment_id)).problems)

    def _sealed(self):
        """An export of a ledger of which a part is sealed, and the seal as it was mailed."""
        self.env.flush_all()
        seal = self.env["ajw.consent.seal"]._seal(self.controller)
        self._withdraw(self.customers[1])
        return self._export(), read_seal(seal._file()[1])

    def test_A2_the_file_proves_its_seals_too(self):
        export, mailed = self._sealed()
        report = verify_proof(self._file(export.attachment_id), mailed=[mailed])
        self.assertEqual(report.problems, [])
        self.assertEqual((report.seals, report.unsealed), (1, 1))
        other = mailed._replace(hash="0" * 64)
        problems = verify_proof(self._file(export.attachment_id), mailed=[other]).problems
        self.assertIn("Seal 1", problems[0])
        for name, change in (
            ("seals.jsonl", lambda data: b""),
            ("seals.jsonl", lambda data: data.replace(b'"count": 7', b'"count": 6', 1)),
            (
                "events.jsonl",
                lambda data: data.replace(b'"seal_position":2', b'"seal_position":9', 1),
            ),
            (
                "events.jsonl",
                lambda data: data.replace(b'"seal_position":2', b'"seal_position":1', 1),
            ),
            ("events.jsonl", lambda data: data.replace(b'"seal":1', b'"seal":2')),
        ):
            changed = self._changed(export.attachment_id, name, change)
            self.assertTrue(verify_proof(self._with_manifest(changed)).problems, name)
        self.assertEqual(
            verify_proof(self._with_manifest(changed, None)).problems[0][:10], "The format"
        )

    def _with_manifest(self, archive, form=FORMAT):
        """The archive with a manifest that fits its files, as a forger would write it."""
        source, target = zipfile.ZipFile(archive), io.BytesIO()
        manifest = json.loads(source.read("manifest.json"))
        writer = ProofWriter(target)
        for name in source.namelist():
            if name != "manifest.json":
                writer.add(name, source.read(name))
        writer.close(**{**manifest, "files": writer._files, "format": form})
        return target

    def test_files_of_the_release_before_still_verify(self):
        export = self._export()
        plain = self._changed(
            export.attachment_id, "manifest.json", lambda data: data.replace(b"proof/2", b"proof/1")
        )
        self.assertEqual(verify_proof(plain).problems, [])

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

    def test_A6_the_context_forges_nothing(self):
        now = fields.Datetime.now()
        attachment = self.env["ir.attachment"].create({"name": "x", "raw": b"x"})
        forged = {
            "default_state": "stored",
            "default_digest": "0" * 64,
            "default_evidence_digest": "0" * 64,
            "default_exported_by_id": self.consent_user.id,
            "default_exported_at": now,
            "default_stored_by_id": self.consent_user.id,
            "default_stored_at": now,
            "default_event_count": 10**6,
            "default_problem_count": 5,
            "default_attachment_id": attachment.id,
            "default_evidence_attachment_id": attachment.id,
            "default_line_ids": [
                (0, 0, {"company_id": self.company.id, "event_count": 10**6}),
            ],
        }
        exports = self.env["ajw.consent.proof.export"].with_user(self.officer)
        export = exports.with_context(**forged).create({"company_ids": [(6, 0, self.company.ids)]})
        self.env["ir.default"].set("ajw.consent.proof.export", "state", "stored")
        second = exports.create({"company_ids": [(6, 0, self.company.ids)]})
        for record in (export, second):
            self.assertEqual(record.state, "draft")
            for name in forged:
                field = name.removeprefix("default_")
                if field != "state":
                    self.assertFalse(record[field], field)
        self.assertIn("Not exported yet", self._problems()[0])

    def test_A6_the_context_publishes_no_file(self):
        exports = self.env["ajw.consent.proof.export"].with_user(self.officer)
        export = exports.create({"company_ids": [(6, 0, self.company.ids)], "with_evidence": True})
        export.with_context(
            default_public=True,
            default_access_token="known",
            default_res_model="res.partner",
            default_company_id=False,
            default_event_count=10**6,
        ).action_export()
        for file in (export.attachment_id, export.evidence_attachment_id):
            file = file.sudo()
            self.assertFalse(file.public)
            self.assertFalse(file.access_token)
            self.assertEqual((file.res_model, file.res_id), (export._name, export.id))

    def test_A8_evidence_leaves_the_database_once_it_is_stored_elsewhere(self):
        export = self._export(with_evidence=True)
        evidence, digest = export.evidence_attachment_id, export.evidence_digest
        self.assertTrue(digest)
        export.action_download_evidence()
        export.action_confirm_stored()
        self.assertFalse(evidence.sudo().exists())
        self.assertFalse(export.evidence_attachment_id)
        self.assertEqual(export.evidence_digest, digest)
        self.assertTrue(export.attachment_id.sudo().raw, "the proof names nobody and stays")
        with self.assertRaisesRegex(UserError, "was deleted here"):
            export.action_download_evidence()
        with self.assertRaises(AccessError):
            export.with_user(self.consent_user).action_download_evidence()

    def test_A2_a_database_that_holds_its_files_exports_the_same(self):
        """``ir_attachment.location = db``: nothing lies on the disk, and nothing else changes."""
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        export = self._export(with_evidence=True)
        files = (export.attachment_id | export.evidence_attachment_id).sudo()
        for file, digest in zip(files, (export.digest, export.evidence_digest), strict=True):
            self.assertFalse(file.store_fname)
            self.assertEqual(hashlib.sha256(file.raw).hexdigest(), digest)
            self.assertEqual((file.file_size, file.mimetype), (len(file.raw), "application/zip"))
            self.assertFalse(file.public)
        report = verify_proof(*map(self._file, files))
        self.assertEqual((report.problems, report.events), ([], export.event_count))
        self.assertIn(str(files[0].id), export.action_download()["url"])
        export.action_confirm_stored()
        self.env.cr.execute("SELECT id FROM ir_attachment WHERE id = %s", [files[1].id])
        self.assertFalse(self.env.cr.fetchall(), "the evidence left the database")
        self.assertTrue(files[0].raw)

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
