"""Plain tests run without a database: they import the parts of the add-ons that need no ORM."""

from pathlib import Path

import odoo.addons

ADDONS = str(Path(__file__).parents[2] / "addons")
if ADDONS not in odoo.addons.__path__:
    odoo.addons.__path__.append(ADDONS)
