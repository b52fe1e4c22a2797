import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.orm.models import NO_ACCESS

from .ajw_privacy_departure import LAST_DAY


class AjwPrivacyDeparturePackage(models.Model):
    """A volume of the copy a company takes along; only its own officers can download it.

    It is encrypted, and read by nobody through the field: only the download route hands it out.
    """

    _name = "ajw.privacy.departure.package"
    _description = "Volume of a company's copy"
    _order = "departure_id desc, number"
    _rec_name = "filename"

    _ajw_personal_data = {
        "archive": {"category": "file", "erase": "delete"},
        "filename": {"erase": "none", "reason": "made of the reference; names nobody"},
        "digest": {"erase": "none", "reason": "a hash"},
    }

    departure_id = fields.Many2one(
        "ajw.privacy.departure", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="departure_id.company_id", store=True, index=True)
    number = fields.Integer("Volume", required=True, readonly=True, aggregator=None)
    filename = fields.Char(readonly=True)
    archive = fields.Binary(readonly=True, attachment=True, groups=NO_ACCESS)
    digest = fields.Char("SHA-256", readonly=True, help="Of the file as it is downloaded.")
    size = fields.Integer("Size (bytes)", readonly=True)
    row_count = fields.Integer("Rows", readonly=True)
    file_count = fields.Integer("Files", readonly=True)
    valid_until = fields.Datetime(readonly=True, help="It is deleted then, or with the removal.")
    download_count = fields.Integer("Downloads", readonly=True)

    _number_uniq = models.UniqueIndex("(departure_id, number)")

    @api.model
    def _add(self, departure, number, file, volume, digest):
        """Keep a volume.

        :param departure: ajw.privacy.departure
        :param file: the open ZIP
        :param volume: what is in it, engine.departure_export.Volume
        :param str digest: SHA-256 of the ZIP
        :return: the package
        """
        content = file.read()
        token = self.env["ajw.privacy.package"]._keyring().encrypt_bytes(content)
        end = max(departure.ended_on, fields.Date.today()) + timedelta(days=LAST_DAY)
        # sudo: volumes are written by this method alone
        return self.sudo().create(
            {
                "departure_id": departure.id,
                "number": number,
                "filename": f"{departure.name.replace('/', '-')}.{number:05}.zip",
                "archive": base64.b64encode(token),
                "digest": digest,
                "size": len(content),
                "row_count": volume.row_count,
                "file_count": volume.file_count,
                "valid_until": fields.Datetime.to_datetime(end),
                "download_count": 0,
            }
        )

    @api.model
    def _drop_expired(self):
        """Delete what expired, whatever became of the departure."""
        # sudo: volumes are deleted by these methods alone
        expired = self.sudo().search([("valid_until", "<=", fields.Datetime.now())])
        for departure in expired.departure_id:
            departure.message_post(
                body=self.env._("The copy has expired and was deleted."),
                subtype_xmlid="mail.mt_note",
            )
        expired.unlink()

    def action_download(self):
        """Download the volume; the route notes it on the departure."""
        self.ensure_one()
        self.check_access("read")
        if not self._is_valid():
            raise UserError(
                self.env._("This copy has expired. Recall the company, or begin again.")
            )
        # a POST with the CSRF token: the download is noted, and nothing is noted on a GET
        return {
            "type": "ir.actions.client",
            "tag": "ajw_privacy_download",
            "params": {"url": f"/ajw_privacy/departure/{self.id}"},
        }

    def _is_valid(self):
        return bool(self.valid_until and self.valid_until > fields.Datetime.now())

    def _hand_out(self):
        """The content of the volume, noted on the departure.

        :return: bytes, None when expired
        :raises UserError: the keys are missing, or are not the ones it was encrypted with
        """
        self.ensure_one()
        if not self._is_valid():
            return None
        # sudo: nobody reads the file but through here; the route checked who asks
        package = self.sudo()
        keyring = self.env["ajw.privacy.package"]._keyring()
        token = base64.b64decode(package.with_context(bin_size=False).archive or b"")
        content = keyring.decrypt_bytes(token)
        package.download_count += 1
        package.departure_id.message_post(
            body=self.env._("Volume %(number)s of the copy was downloaded by %(user)s.",
                            number=package.number, user=self.env.user.name),
            subtype_xmlid="mail.mt_note",
        )  # fmt: skip
        return content
