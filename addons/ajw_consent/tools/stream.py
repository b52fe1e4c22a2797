from contextlib import suppress
from itertools import count

import psycopg2

from odoo.tools import SQL

#: Rows fetched at once.
PAGE = 5000
_numbers = count(1)


def stream(cr, query, page=PAGE):
    """Yield the rows (tuples) of a query through a cursor on the server: memory holds one page.

    The caller flushes before. The cursor sees what the transaction saw when it was opened, and ends
    with it.

    :param cr: Odoo's cursor
    :param odoo.tools.SQL query: a SELECT
    :param int page: rows fetched at once
    """
    name = SQL.identifier(f"ajw_stream_{next(_numbers)}")
    cr.execute(SQL("DECLARE %s NO SCROLL CURSOR FOR %s", name, query))
    try:
        while True:
            cr.execute(SQL("FETCH FORWARD %s FROM %s", page, name))
            rows = cr.fetchall()
            yield from rows
            if len(rows) < page:
                break
    except GeneratorExit:
        # The reader stopped early, perhaps because the transaction failed: that closes it too.
        with suppress(psycopg2.Error):
            cr.execute(SQL("CLOSE %s", name), log_exceptions=False)
        raise
    cr.execute(SQL("CLOSE %s", name))
