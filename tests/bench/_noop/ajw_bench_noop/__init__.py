"""A route that does nothing, to measure others against."""

from odoo import http
from odoo.http import request


class Noop(http.Controller):
    @http.route(
        "/ajw_bench/noop",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
    )
    def noop(self):
        """Answer, as an Odoo controller does that has nothing to do."""
        return request.make_response("ok", headers=[("Content-Type", "text/plain")])
