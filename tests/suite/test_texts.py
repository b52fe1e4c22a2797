"""What is generated from the code says what the code says."""

from __future__ import annotations

import os

import polib
import pytest

from harness import i18n
from harness.config import ADDONS
from harness.database import Databases, all_addons
from harness.environment import prepare_services
from harness.report import Reporter
from harness.stack import open_stack
from harness.testing import oca_database
from tests.support.stack import prepared_database


@pytest.fixture(scope="module")
def exported():
    """The templates as the code has them now."""
    prepared_database()
    with open(os.devnull, "w") as nowhere:
        environment = prepare_services(open_stack(), Reporter(nowhere))
        databases = Databases(environment.stack, environment.server)
        database = oca_database(environment, databases)
    return i18n.export(environment, database)


@pytest.mark.parametrize("addon", all_addons(), ids=lambda addon: addon.name)
def test_the_template_for_translators_has_the_texts_of_today(exported, addon):
    path = i18n.template_path(addon.folder)
    assert path.exists(), "setup/i18n writes it"
    kept, now = (
        {entry.msgid for entry in polib.pofile(text)} for text in (str(path), exported[addon.name])
    )
    glue = addon.automatic or addon.folder.parent != ADDONS
    assert len(now) > (3 if glue else 50)
    assert (sorted(now - kept), sorted(kept - now)) == ([], []), "setup/i18n brings it up to date"
