"""Fixtures of the suite-level tests; those of ``tests/plain`` need none of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.copied import Copy
from tests.support.stack import RunningStack, prepared_database


def pytest_addoption(parser: pytest.Parser):
    parser.addoption("--faults-table", metavar="FILE", help="write what each fault did to a file")


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """A real Odoo with its cron threads, and the stand-in for Meta, on a database of their own."""
    with RunningStack(prepared_database()).running() as started:
        yield started


@pytest.fixture
def copy() -> Iterator[Copy]:
    """A copy of the test database, and Odoo's command line on it."""
    copied = Copy(prepared_database())
    yield copied
    copied.drop()


@pytest.fixture
def sandbox(stack: RunningStack):
    """The sandbox's controls; faults are switched off before and after the test."""
    stack.sandbox.clear_faults()
    yield stack.sandbox
    stack.sandbox.clear_faults()


@pytest.fixture
def accountant(stack: RunningStack):
    """A logged-in user who may bill customers, and nothing more."""
    return stack.login("accountant")


@pytest.fixture
def screenshots(stack: RunningStack) -> Path:
    """The folder for pictures: ``AJW_SCREENSHOTS``, else one in the stack."""
    folder = Path(os.environ.get("AJW_SCREENSHOTS") or stack.home / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def browser(screenshots: Path, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A headless Chromium; a failing test leaves a picture of what it saw."""
    with Browser() as running:
        yield running
        report = getattr(request.node, "report_call", None)
        if report is not None and report.failed:
            running.screenshot(screenshots / f"failed-{request.node.name}.png")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Let fixtures know how the test ended."""
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report
