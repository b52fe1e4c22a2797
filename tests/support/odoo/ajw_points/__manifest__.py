{
    "name": "Orders for the sender's named points",
    "summary": "Loaded server-wide into the tests' Odoo processes only, never installed",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "AJW",
    "license": "LGPL-3",
    "depends": ["base"],
    "installable": True,
}
