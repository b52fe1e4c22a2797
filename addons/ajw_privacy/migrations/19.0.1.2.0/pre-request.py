"""One open request of a kind by one person in one company: of several, the first stays theirs.

Releases before 19.0.1.2.0 took two forms that were sent at once. Both requests stay open for the
officer, with their deadlines; only the first is shown in the portal as the person's.
"""

import logging

from odoo.tools.sql import column_exists

_logger = logging.getLogger(__name__)


def migrate(cr, version):
    if not column_exists(cr, "ajw_privacy_request", "portal_user_id"):
        return  # 19.0.1.0.0 had no requests
    # SQL: before the models are loaded; the index that forbids a second one does not exist yet
    cr.execute(
        """UPDATE ajw_privacy_request request
              SET portal_user_id = NULL
             FROM ajw_privacy_request earlier
            WHERE earlier.portal_user_id = request.portal_user_id
              AND earlier.kind = request.kind
              AND earlier.company_id = request.company_id
              AND earlier.id < request.id
              AND earlier.state IN ('new', 'verifying', 'progress', 'waiting')
              AND request.state IN ('new', 'verifying', 'progress', 'waiting')
        RETURNING request.id"""
    )
    if twice := sorted({row[0] for row in cr.fetchall()}):
        _logger.info("Requests that were sent twice, left to the officer alone: %s", twice)
