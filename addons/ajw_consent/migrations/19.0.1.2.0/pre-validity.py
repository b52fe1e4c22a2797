"""Links are valid for 365 days at most; a longer validity of earlier releases becomes that."""

import logging

from odoo.tools.sql import column_exists

_logger = logging.getLogger(__name__)


def migrate(cr, version):
    if not column_exists(cr, "res_company", "ajw_consent_invitation_validity"):
        return  # 19.0.1.0.0 had no links
    # SQL: before the models are loaded; the constraint that forbids more does not exist yet
    cr.execute(
        """UPDATE res_company SET ajw_consent_invitation_validity = 365
            WHERE ajw_consent_invitation_validity > 365"""
    )
    if cr.rowcount:
        _logger.info("Links of %s companies are valid for 365 days now, no longer", cr.rowcount)
