{
    "name": "Bench: a route that does nothing",
    "version": "19.0.1.0.0",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["web"],
    "installable": True,
}
