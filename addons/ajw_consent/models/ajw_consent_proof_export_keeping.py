import hashlib
import os
import shutil

from odoo import fields, models


class AjwConsentProofExport(models.Model):
    """Keeping the files that were written, until an officer has stored them elsewhere."""

    _inherit = "ajw.consent.proof.export"

    def _keep_files(self, files):
        """Move the files to where Odoo keeps attachments, and return the values that name them."""
        day = fields.Date.today()
        vals = {
            "digest": _sha256(files["proof"]),
            "attachment_id": self._attach(files["proof"], f"consent-proof-{day}.zip").id,
            "state": "exported",
            "exported_at": fields.Datetime.now(),
            "exported_by_id": self.env.uid,
        }
        if "evidence" in files:
            vals["evidence_digest"] = _sha256(files["evidence"])
            name = f"consent-evidence-{day}.zip"
            vals["evidence_attachment_id"] = self._attach(files["evidence"], name).id
        return vals

    def _attach(self, path, name):
        """Attach a file without holding it in memory, unless attachments are kept in the database.

        :param str path: the file, which is moved
        """
        attachments = self.env["ir.attachment"]
        vals = {
            "name": name,
            "res_model": self._name,
            "res_id": self.id,
            "mimetype": "application/zip",
        }
        if attachments._storage() != "file":
            with open(path, "rb") as file:
                return attachments.create({**vals, "raw": file.read()})
        attachment = attachments.create(vals)
        checksum = _sha256(path, "sha1")
        store_fname = f"{checksum[:2]}/{checksum}"
        target = attachments._full_path(store_fname)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        size = os.path.getsize(path)
        shutil.move(path, target)
        # Collected again should the transaction not be committed.
        attachments._mark_for_gc(store_fname)
        attachment.flush_recordset()
        # SQL: the ORM takes these values from bytes in memory only
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = %s, checksum = %s, file_size = %s, "
            "mimetype = 'application/zip' WHERE id = %s",
            [store_fname, checksum, size, attachment.id],
        )
        attachment.invalidate_recordset()
        return attachment


def _sha256(path, algorithm="sha256"):
    """Digest (hex) of a file, read in blocks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
