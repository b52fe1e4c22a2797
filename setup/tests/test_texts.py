"""Texts that are made from others, and names that have to be right, do not drift apart."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from harness import linting, readme
from harness.database import all_addons
from harness.stack import ROOT, SETUP

LOCKED = dict(
    line.split(";")[0].strip().lower().replace("_", "-").split("==")
    for line in (SETUP / "requirements.lock").read_text().splitlines()
    if "==" in line
)
#: Package of the lock file behind each repository of pre-commit; one has none.
BEHIND = {
    "https://github.com/astral-sh/ruff-pre-commit": "ruff",
    "https://github.com/OCA/odoo-pre-commit-hooks": "oca-odoo-pre-commit-hooks",
    "https://github.com/OCA/pylint-odoo": "pylint-odoo",
    "https://github.com/pre-commit/pre-commit-hooks": None,
    "local": None,
}
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: Paths in code spans: they have a folder or a known ending, and no placeholder.
PATH = re.compile(
    r"`((?:addons(?:_oca)?|docs|sandbox|setup|tests)/[\w./-]*[\w-]|[\w.-]+\.(?:md|sample))`"
)
DOCUMENTS = [path for path in linting.our_files() if path.suffix == ".md"]


def test_pre_commit_has_the_versions_of_the_lock_file():
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in repos} == set(BEHIND)
    pinned = {BEHIND[repo["repo"]]: repo.get("rev") for repo in repos if BEHIND[repo["repo"]]}
    assert pinned == {name: f"v{LOCKED[name]}" for name in pinned}
    assert all(re.fullmatch(r"v\d+(\.\d+)+", repo.get("rev", "v0.0")) for repo in repos)


def test_the_readmes_say_what_the_fragments_say():
    outdated = [str(path.relative_to(ROOT)) for path in readme.outdated()]
    assert outdated == [], "setup/readme writes them"


@pytest.mark.parametrize("addon", all_addons(), ids=lambda addon: addon.name)
def test_every_addon_has_its_texts_and_pictures(addon):
    present = readme.fragments(addon.folder)
    assert not [name for name in readme.REQUIRED if not present.get(name)]
    unknown = {path.stem for path in (addon.folder / "readme").iterdir()} - set(readme.SECTIONS)
    assert not unknown, "readme.py does not know where these go"
    description = addon.folder / "static" / "description"
    page = (description / "index.html").read_text()
    pictures = re.findall(r'<img [^>]*src="([^"]+)"', page)
    assert pictures
    for picture in pictures:
        assert (description / picture).stat().st_size < 150_000
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page), "loaded from elsewhere"
    assert (description / "icon.png").exists()
    assert (addon.folder / "LICENSE").read_text() == (ROOT / "COPYING.LESSER").read_text()


@pytest.mark.parametrize("addon", all_addons(), ids=lambda addon: addon.name)
def test_the_newest_change_listed_is_that_of_the_manifest(addon):
    manifest = ast.literal_eval((addon.folder / "__manifest__.py").read_text())
    history = (addon.folder / "readme" / "HISTORY.md").read_text()
    assert re.findall(r"^### (\S+)$", history, re.M)[0] == manifest["version"]


def test_releases_come_before_the_version_of_today():
    lines = [line.split() for line in (SETUP / "releases").read_text().splitlines()]
    releases = [line for line in lines if line and line[0] != "#"]
    assert all(re.fullmatch(r"[0-9a-f]{40}", commit) for _version, commit in releases)
    numbers = [tuple(map(int, version.split("."))) for version, _commit in releases]
    assert numbers == sorted(set(numbers))
    for addon in all_addons():
        manifest = ast.literal_eval((addon.folder / "__manifest__.py").read_text())
        assert tuple(map(int, manifest["version"].split("."))) > numbers[-1]


def headings(path: Path) -> set[str]:
    """Return the anchors of a Markdown file."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_and_path_in_a_text_leads_somewhere(document):
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(), flags=re.S)
    wrong = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _hash, anchor = link.partition("#")
        target = (ROOT / document.parent / path) if path else ROOT / document
        if not target.exists() or (anchor and anchor not in headings(target)):
            wrong.append(link)
    for path in PATH.findall(text):
        if "NAME" in path:  # stands for any name
            continue
        if not (ROOT / path).exists() and not (ROOT / document.parent / path).exists():
            wrong.append(path)
    assert wrong == []
