"""The way a leaving company's copy leaves the database."""

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.http import content_disposition, request


class DepartureDownload(http.Controller):
    @http.route(
        "/ajw_privacy/departure/<int:package_id>", type="http", auth="user", methods=["POST"]
    )
    def departure_download(self, package_id, **kw):
        """Hand a volume to an officer of the company, and note it on the departure."""
        packages = request.env["ajw.privacy.departure.package"]
        try:
            package = packages.search([("id", "=", package_id)])
            package.departure_id.check_access("write")
        except (AccessError, UserError):
            package = packages.browse()
        content = package._hand_out() if package else None
        if content is None:
            raise request.not_found()
        return request.make_response(
            content,
            headers=[
                ("Content-Type", "application/zip"),
                ("Content-Disposition", content_disposition(package.filename)),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
