"""Glue that is new with this release is installed where both its halves are.

Odoo does that by itself when a half is installed, not when it is upgraded. Left out, text messages
and mailings of a database that is upgraded would leave without asking the gate.
"""

from odoo import SUPERUSER_ID, api

#: As long as its half is on its way, glue cannot do without it either.
THERE = ("installed", "to upgrade", "to install")


def migrate(cr, version):
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    modules = env["ir.module.module"]
    glue = modules.search(
        [
            ("name", "=like", "ajw\\_consent\\_%"),
            ("auto_install", "=", True),
            ("state", "=", "uninstalled"),
        ]
    )
    # Odoo's own installing follows up with glue between those.
    glue.filtered(
        lambda module: all(need.state in THERE for need in module.dependencies_id)
    ).button_install()
