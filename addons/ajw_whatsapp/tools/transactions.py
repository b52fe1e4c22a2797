"""Transactions that are done again where another one got in the way."""

# pylint: disable=invalid-commit  # that is what it is for
import random
import time

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import mute_logger

#: A transaction that met a concurrent change is run again this often.
MAX_TRIES = 6


def repeat_on_collision(cr, function, *args):
    """Call a function and commit; where a concurrent change got in the way, do it all again.

    :param cr: cursor of a transaction in which nothing else was done
    :param function: what to do in it
    :return: what the function returned
    :raises psycopg2.OperationalError: the last of too many collisions; nothing was done
    """
    for attempt in range(MAX_TRIES):
        try:
            # the database's own error would print the rows, texts and numbers included
            with mute_logger("odoo.sql_db"):
                result = function(*args)
                cr.commit()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            cr.rollback()
            if attempt + 1 == MAX_TRIES:
                raise
            time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 - no secret
        else:
            return result
    raise AssertionError("unreachable")
