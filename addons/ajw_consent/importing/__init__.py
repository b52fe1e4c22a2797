"""Reading a list of consents without a database: files, columns, and the list of what is wrong.

Nothing here imports Odoo.
"""

from .columns import COLUMNS, DATE_FORMATS, ColumnError, map_columns, parse_moment
from .listing import bad_rows_csv, harmless
from .reading import (
    ENCODINGS,
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_ROWS,
    FileError,
    Line,
    Table,
    read_table,
)

__all__ = [
    "COLUMNS",
    "DATE_FORMATS",
    "ENCODINGS",
    "MAX_BYTES",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "ColumnError",
    "FileError",
    "Line",
    "Table",
    "bad_rows_csv",
    "harmless",
    "map_columns",
    "parse_moment",
    "read_table",
]
