"""Load the parts of the add-ons that need no ORM, without Odoo: proof that they need none."""

import importlib.util
import sys
from pathlib import Path

ADDONS = Path(__file__).resolve().parents[2] / "addons"
ADDONS_OCA = ADDONS.with_name("addons_oca")


def load(addon, package):
    """Import one package of an add-on by its path, leaving the add-on itself alone.

    :param str addon: folder of the add-on, e.g. ``ajw_consent``
    :param str package: folder in it, e.g. ``ledger``
    :return: the module, under the name ``<addon>_<package>``
    """
    name = f"{addon}_{package}"
    if name not in sys.modules:
        path = ADDONS / addon / package
        spec = importlib.util.spec_from_file_location(
            name, path / "__init__.py", submodule_search_locations=[str(path)]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def load_module(addon, file):
    """Import one module of an add-on by its path, without the package it lies in.

    :param str addon: folder of the add-on
    :param str file: path in it, e.g. ``tools/cost.py``
    """
    name = f"{addon}_{Path(file).with_suffix('').as_posix().replace('/', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ADDONS / addon / file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
