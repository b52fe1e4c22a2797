"""What is generated from the code says what the code says."""

from __future__ import annotations

import os

import polib
import pytest

from harness import i18n
from harness.database import our_addons
from harness.environment import prepare_services
from harness.report import Reporter
from harness.stack import open_stack


@pytest.fixture(scope="module")
def exported():
    """The templates as the code has them now."""
    database = os.environ.get("AJW_TEST_DATABASE")
    if not database:
        pytest.fail("these tests need a prepared database: run them with setup/test", pytrace=False)
    with open(os.devnull, "w") as nowhere:
        environment = prepare_services(open_stack(), Reporter(nowhere))
    return i18n.export(environment, database)


@pytest.mark.parametrize("addon", our_addons(), ids=lambda addon: addon.name)
def test_the_template_for_translators_has_the_texts_of_today(exported, addon):
    path = i18n.template_path(addon.folder)
    assert path.exists(), "setup/i18n writes it"
    kept, now = (
        {entry.msgid for entry in polib.pofile(text)} for text in (str(path), exported[addon.name])
    )
    assert len(now) > (3 if addon.automatic else 50)
    assert (sorted(now - kept), sorted(kept - now)) == ([], []), "setup/i18n brings it up to date"
