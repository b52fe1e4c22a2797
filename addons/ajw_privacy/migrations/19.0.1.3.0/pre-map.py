"""Shipped classifications come from files (privacy_map/*.csv), not from records with XML ids.

They are read once all apps are loaded. Until then there are none: what is left of the records is
removed here, before Odoo asks each of them for the record it stands for.
"""

import logging

from odoo.tools.sql import table_exists

_logger = logging.getLogger(__name__)


def migrate(cr, version):
    if not table_exists(cr, "ajw_privacy_data_line"):
        return
    # SQL: before the models are loaded; nobody but the files may write these rows
    cr.execute(
        "DELETE FROM ir_model_data WHERE module = 'ajw_privacy' AND model = 'ajw.privacy.data.line'"
    )
    cr.execute("DELETE FROM ajw_privacy_data_line")
    _logger.info("%s shipped classifications are read from files from now on", cr.rowcount)
