"""What every add-on's folder has to hold."""

import ast

import pytest

from .packages import ADDONS, ADDONS_OCA

FOLDERS = sorted(
    path.parent for place in (ADDONS, ADDONS_OCA) for path in place.glob("*/__manifest__.py")
)


def test_there_are_addons():
    names = {folder.name for folder in FOLDERS}
    assert {"ajw_consent", "ajw_whatsapp_queue_job"} <= names


@pytest.mark.parametrize("addon", FOLDERS, ids=lambda folder: folder.name)
def test_A6_every_addon_has_a_table_of_who_may_do_what(addon):
    tests = addon / "tests"
    path = tests / "test_access_matrix.py"
    assert path.is_file(), "add the table of the add-on's models, methods and routes"
    bases = [
        ast.unparse(base)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    ]
    assert "AccessMatrixMixin" in bases, "its tests are those of AccessMatrixMixin"
    imported = ast.unparse(ast.parse((tests / "__init__.py").read_text()))
    assert "test_access_matrix" in imported, "Odoo runs only what tests/__init__.py imports"
