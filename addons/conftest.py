"""Several processes may share the tests of the add-ons, each with files of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from odoo.tools import config as odoo_config


def pytest_configure(config: pytest.Config):
    """Give a process of pytest-xdist's its own data directory.

    pytest-odoo copies the database for each, but lets them use one filestore, from which the tests
    of erasures remove files that the other's rows may name.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if not worker:
        return
    shared = Path(odoo_config["data_dir"])
    own = shared / "workers" / worker
    shutil.rmtree(own, ignore_errors=True)
    store = Path("filestore") / odoo_config["db_name"][0]
    if (shared / store).is_dir():
        shutil.copytree(shared / store, own / store)
    odoo_config["data_dir"] = str(own)
    config.add_cleanup(lambda: shutil.rmtree(own, ignore_errors=True))
