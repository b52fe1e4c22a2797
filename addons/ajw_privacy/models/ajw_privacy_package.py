import base64
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.orm.models import NO_ACCESS

from odoo.addons.ajw_consent.tools.keyring import KeyringError, get_keyring

from .selections import OPEN_STATES

#: Days the person can download a copy.
VALID_DAYS = 14


class AjwPrivacyPackage(models.Model):
    """A copy of a person's data, made to answer a request; deleted by a policy soon after.

    The file can be read by nobody through the field: only the two download routes hand it out,
    and note it on the request.
    """

    _name = "ajw.privacy.package"
    _description = "Export package"
    _order = "id desc"
    _rec_name = "filename"

    _ajw_personal_data = {
        "archive": {"category": "file", "erase": "delete"},
        "filename": {"erase": "none", "reason": "made of the reference; names nobody"},
    }

    request_id = fields.Many2one(
        "ajw.privacy.request", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="request_id.company_id", store=True, index=True)
    filename = fields.Char(readonly=True)
    archive = fields.Binary(readonly=True, attachment=True, groups=NO_ACCESS)
    size = fields.Integer("Size (bytes)", readonly=True, aggregator=None)
    row_count = fields.Integer("Rows given", readonly=True)
    left_out_count = fields.Integer(
        "Left for review",
        readonly=True,
        help="Values that may tell of other people. The copy names where they lie; look at them "
        "and give the person what is theirs.",
    )
    valid_until = fields.Datetime(readonly=True, help="Downloads end here; a policy deletes it.")
    is_valid = fields.Boolean(compute="_compute_is_valid")
    download_count = fields.Integer("Downloads", readonly=True)

    @api.depends("valid_until")
    def _compute_is_valid(self):
        now = fields.Datetime.now()
        for package in self:
            package.is_valid = bool(package.valid_until and package.valid_until > now)

    @api.model
    def _make(self, request):
        """Make the copy for a request; the caller checked that it may be answered.

        :return: the package
        """
        keyring = self._keyring()
        file, row_count, left_out = self.env["ajw.privacy.export"]._make(request)
        with file:
            file.seek(0)
            content = file.read()
        # sudo: packages are written by this method alone
        return self.sudo().create(
            {
                "request_id": request.id,
                "filename": f"{(request.name or 'request').replace('/', '-')}.zip",
                "archive": base64.b64encode(keyring.encrypt_bytes(content)),
                "size": len(content),
                "row_count": row_count,
                "left_out_count": left_out,
                "valid_until": fields.Datetime.now() + timedelta(days=VALID_DAYS),
                "download_count": 0,
            }
        )

    def _open_downloads(self):
        """The days in which the person can download begin: the answer was given now."""
        # sudo: packages are written by their own methods alone
        self.sudo().valid_until = fields.Datetime.now() + timedelta(days=VALID_DAYS)

    def action_download(self):
        """Download the file; the route notes it on the request."""
        self.ensure_one()
        self.request_id.check_access("read")
        self.check_access("read")
        if not self.is_valid:
            raise UserError(
                self.env._("This copy has expired. Press “Make Copy Again” on the request.")
            )
        # a POST with the CSRF token: the download is noted, and nothing is noted on a GET
        return {
            "type": "ir.actions.client",
            "tag": "ajw_privacy_download",
            "params": {"url": f"/ajw_privacy/package/{self.id}"},
        }

    def _hand_out(self, through):
        """The content of the file, noted on the request.

        :param str through: ``officer`` or ``portal``
        :return: bytes, None when expired
        :raises UserError: the keys are missing, or are not the ones it was encrypted with
        """
        self.ensure_one()
        if not self.is_valid:
            return None
        # sudo: nobody reads the file but through here; the route checked who asks
        package = self.sudo()
        content = package._content()
        package.download_count += 1
        texts = {
            "officer": self.env._("The copy was downloaded by an officer."),
            "portal": self.env._("The copy was downloaded through the portal."),
        }
        package.request_id._log_step(texts[through])
        return content

    def _keyring(self):
        """The keys the copies are encrypted with: who reads attachments reads none of them.

        :raises UserError: the keys are missing or malformed
        """
        try:
            return get_keyring()
        except KeyringError as error:
            raise UserError(self.env["ajw.consent.keyring"]._message(error)) from error

    def _content(self):
        """The file, decrypted: bytes.

        :raises UserError: the keys are not the ones it was encrypted with
        """
        token = base64.b64decode(self.with_context(bin_size=False).archive or b"")
        try:
            return self._keyring().decrypt_bytes(token)
        except KeyringError as error:
            raise UserError(self.env["ajw.consent.keyring"]._message(error)) from error

    def unlink(self):
        requests = self.request_id
        result = super().unlink()
        for request in requests:
            request._log_step(self.env._("The copy of the data was deleted."))
        return result


class AjwPrivacyRequest(models.Model):
    _inherit = "ajw.privacy.request"

    def action_make_package(self):
        """Make a copy of the person's data for an access or portability request.

        :raises UserError: not such a request, or not verified
        """
        self.ensure_one()
        if not self.with_copy:
            raise UserError(
                self.env._("Only access and portability are answered with a copy of the data.")
            )
        # Answered as well: the person may come after the copy has expired.
        self._check_may_answer((*OPEN_STATES, "answered"))
        # the contact may have gone to another controller since
        self._check_partner_company()
        package = self.env["ajw.privacy.package"]._make(self)
        self._log_step(
            self.env._(
                "A copy of the data was made: %(rows)s rows given, %(left)s values left for "
                "review.",
                rows=package.row_count,
                left=package.left_out_count,
            )
        )
        if self.state == "answered":
            self._tell("answered")
        return True
