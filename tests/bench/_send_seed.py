"""Runs in Odoo's shell after ``_batch_seed.py``: the company's number is the sandbox's, its
invoices have PDFs, and there is a template without a document.

ARGUMENTS: company, address of the sandbox, what identifies the account.
"""

import io
import json

from reportlab.pdfgen.canvas import Canvas

env = globals()["env"]
company_id, address, facts = globals()["ARGUMENTS"]
env = env(context={**env.context, "allowed_company_ids": [company_id], "tracking_disable": True})
account = env["ajw.whatsapp.account"].search([("company_id", "=", company_id)])
account.write(
    {"base_url": address}
    | {
        name: facts[name]
        for name in ("app_id", "waba_id", "phone_number_id", "verify_token", "app_secret")
    }
)
account.access_token = facts["access_token"]
account.state = "connected"
templates = env["ajw.whatsapp.template"].search([("account_id", "=", account.id)])
pdf = templates.filtered(lambda t: t.model == "account.move" and t.language == "en")
(templates - pdf).active = False
pdf.status = "DRAFT"
text = pdf.copy({"name": "invoice_text", "header_type": "none"})
(pdf + text).action_submit()
account.action_sync_templates()
assert set((pdf + text).mapped("status")) == {"APPROVED"}, (pdf + text).mapped("status")


def make_pdf(number):
    """A one-page PDF of the size that Odoo's own invoices have, each another file."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pageCompression=0)
    for line in range(400):
        canvas.drawString(72, 780 - 1.8 * line, f"Invoice {number}, line {line}: rice, 1 kg, 1250")
    canvas.save()
    return buffer.getvalue()


moves = env["account.move"].search([("company_id", "=", company_id)], order="id")
env["ir.attachment"].create(
    [
        {
            "name": f"{move.name.replace('/', '_')}.pdf",
            "raw": make_pdf(move.name),
            "mimetype": "application/pdf",
            "res_model": "account.move",
            "res_id": move.id,
            "res_field": "invoice_pdf_report_file",
        }
        for move in moves
    ]
)
moves.invalidate_recordset()
assert all(move.invoice_pdf_report_id for move in moves)
# whatever the hour
account.company_id.write({"ajw_whatsapp_quiet_from": 0, "ajw_whatsapp_quiet_to": 0})
# Only the sender runs, and only when it is told to.
env.cr.execute("UPDATE ir_cron SET active = (id = %s)", [account.cron_id.id])
env.cr.commit()
size = sum(moves.invoice_pdf_report_id.mapped("file_size")) / len(moves)
print("FIGURES " + json.dumps({"pdf": pdf.id, "text": text.id, "bytes": size}))
