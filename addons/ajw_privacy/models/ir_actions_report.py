import io

from odoo import models
from odoo.tools.pdf import OdooPdfFileReader, OdooPdfFileWriter

from .ajw_privacy_certificate_verifying import SEALED

REPORT = "ajw_privacy.certificate_report"


class IrActionsReport(models.Model):
    """A printed certificate carries the sealed text, so that its hash can be computed anywhere."""

    _inherit = "ir.actions.report"

    def _render_qweb_pdf_prepare_streams(self, report_ref, data, res_ids=None):
        # EXTENDS 'base'
        streams = super()._render_qweb_pdf_prepare_streams(report_ref, data, res_ids)
        if self._get_report(report_ref).report_name == REPORT:
            for certificate in self.env["ajw.privacy.certificate"].browse(filter(None, streams)):
                stream = streams[certificate.id]["stream"]
                if stream:
                    streams[certificate.id]["stream"] = self._with_sealed(stream, certificate)
        return streams

    def _with_sealed(self, stream, certificate):
        """The PDF with the sealed text of a certificate as a file in it."""
        writer = OdooPdfFileWriter()
        writer.cloneReaderDocumentRoot(
            OdooPdfFileReader(io.BytesIO(stream.getvalue()), strict=False)
        )
        writer.addAttachment(SEALED, (certificate.content or "").encode(), "application/json")
        stream.close()
        result = io.BytesIO()
        writer.write(result)
        return result
