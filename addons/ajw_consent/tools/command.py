"""What the addon's commands have in common: opening the database they are called for."""

from contextlib import contextmanager

import psycopg2

from odoo import api
from odoo.modules.registry import Registry
from odoo.sql_db import db_connect


@contextmanager
def environment(parser, database, model):
    """Give the superuser's environment of a database.

    Where it cannot be had the command ends with a sentence, and exit status 2: it was called
    wrongly.

    :param parser: ``argparse.ArgumentParser`` of the command
    :param str database: name of the database
    :param str model: name of a model of the addon, which must be installed there
    """
    try:
        # A first look: the registry would log a traceback.
        db_connect(database).cursor().close()
    except psycopg2.OperationalError as error:
        parser.error(
            f"The database {database} cannot be opened. Check its name, and the connection in "
            f"Odoo's configuration file: {str(error).strip()}"
        )
    with Registry(database).cursor() as cr:
        env = api.Environment(cr, api.SUPERUSER_ID, {})
        if model not in env:
            parser.error(f"The addon ajw_consent is not installed in the database {database}.")
        yield env
