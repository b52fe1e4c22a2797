import io
import re

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools.pdf import OdooPdfFileReader

from ..engine import certificate as certificates

#: The sealed text in a printed certificate.
SEALED = "certificate.json"
_HASH = re.compile("[0-9a-f]{64}")


class AjwPrivacyCertificate(models.Model):
    """Check certificates against their hash, their key, and those before and after them."""

    _inherit = "ajw.privacy.certificate"

    def action_verify(self):
        """Verify all certificates of the controller, and say what does not fit.

        :return: action that shows the result
        """
        self.check_access("read")
        lines, failed = [], False
        for company in self.company_id:
            rows, problems = self._verify_chain(company)
            if problems:
                failed = True
                lines += [
                    self.env._("No. %(number)s: %(problem)s", number=number, problem=problem)
                    for number, problem in problems
                ]
            else:
                lines.append(
                    self.env._(
                        "%(count)s certificates of %(company)s verify; the last hash is %(hash)s.",
                        count=len(rows),
                        company=company.name,
                        hash=rows[-1:].hash,
                    )
                )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if failed else "success",
                "title": self.env._("Something was changed")
                if failed
                else self.env._("Nothing was changed"),
                "message": "\n".join(lines),
                "sticky": True,
            },
        }

    @api.model
    def _verify_chain(self, company):
        """Verify all certificates of a controller: each by itself, and that none is missing.

        That the last ones were taken away only shows to who knows the last hash: it is printed on
        every certificate.

        :param company: res.company
        :return: the certificates in their order; list of (number, sentence), empty when all fits
        """
        # sudo: the chain is checked as a whole, whoever asks
        rows = self.sudo().search([("company_id", "=", company.id)], order="number")
        rows.invalidate_recordset()
        problems = certificates.verify_chain(
            [(row.content or "").encode() for row in rows], self._known_keys()
        )
        found = [(rows[position - 1].number, problem) for position, problem in problems]
        found += [(row.number, problem) for row in rows for problem in row._differences()]
        return rows, sorted(set(found))

    @api.model
    def _known_keys(self):
        """Keys of this database; None where they are missing: then HMACs are not checked."""
        try:
            return self._keys()
        except UserError:
            return None

    def _differences(self):
        """What the row shows that its certificate does not say.

        :return: list of sentences
        """
        self.ensure_one()
        try:
            document, digest, _mac = certificates.read((self.content or "").encode())
        except ValueError:
            return []  # told by whoever verifies the certificate
        try:
            said = (
                document["number"], document["controller"], document["subject"],
                document["verdict"], document["previous"], digest,
                sum(each["rows"] for each in document["scan"]["residue"]),
                sum(each["rows"] for each in document["kept"]),
            )  # fmt: skip
        except (KeyError, TypeError):
            return []
        shown = (
            self.number, self.company_id.id, self.subject_ref, self.verdict, self.previous_hash,
            self.hash, self.residue_count, self.kept_count,
        )  # fmt: skip
        if said != shown:
            return [self.env._("What is shown is not what the certificate says.")]
        return []

    @api.model
    def _check_hash(self, text):
        """Whether a hash, as a certificate on paper has it, is of a certificate that verifies.

        :param str text: 64 hexadecimal digits; spaces and capitals do not matter
        :return: (certificate, list of sentences on what does not fit); the certificate is empty
            where no row has this hash
        :raises UserError: it is no hash
        """
        digits = "".join((text or "").split()).lower()
        if not _HASH.fullmatch(digits):
            raise UserError(
                self.env._(
                    "The hash of a certificate has 64 characters, digits and the letters a to f."
                )
            )
        # sudo: whoever has the certificate may check it
        row = self.sudo().search([("hash", "=", digits)], limit=1)
        if not row:
            return row, [self.env._("No certificate here has this hash.")]
        _rows, problems = self._verify_chain(row.company_id)
        # what was changed in another certificate does not touch this one
        return row, [problem for number, problem in problems if number == row.number]

    @api.model
    def _check_file(self, data):
        """Whether a certificate that somebody holds is one of this database, as it was issued.

        :param bytes data: a printed certificate (PDF), or its sealed text
        :return: (certificate, list of sentences on what does not fit); the certificate is empty
            where no row has its hash
        :raises UserError: it is no certificate
        """
        sealed = self._sealed_in(data) if data.startswith(b"%PDF-") else data
        try:
            digest = certificates.read(sealed).hash
            row, problems = self._check_hash(digest)
        except ValueError as error:
            raise UserError(str(error)) from None
        problems = certificates.verify(sealed, None, self._known_keys()) + problems
        if row and (row.content or "").encode() != sealed:
            problems.append(self.env._("The certificate here says something else."))
        return row, list(dict.fromkeys(problems))

    @api.model
    def _sealed_in(self, data):
        """The sealed text in a printed certificate.

        :raises UserError: there is none
        """
        try:
            files = dict(OdooPdfFileReader(io.BytesIO(data), strict=False).getAttachments())
        except Exception:  # noqa: BLE001 - a broken file may raise anything
            files = {}
        if SEALED not in files:
            raise UserError(self.env._("This PDF is no certificate of erasure."))
        return files[SEALED]
