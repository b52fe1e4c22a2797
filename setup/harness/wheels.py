"""The add-ons as Python packages: one wheel each, made by whool, ``odoo-addon-<name>``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .database import all_addons
from .linting import our_files
from .report import SetupError
from .shell import run
from .stack import ROOT, Stack


def export(target: Path) -> list[Path]:
    """Copy the add-ons as git keeps them, without what lies about in a work tree.

    :return: their folders below ``target``.
    """
    folders = {addon.folder.relative_to(ROOT) for addon in all_addons()}
    for path in our_files():
        if folders.intersection(path.parents):
            copy = target / Path(*path.parts[1:])
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy)
    return sorted(target / folder.name for folder in folders)


def build(stack: Stack, target: Path) -> list[Path]:
    """Build a wheel of each add-on; needs no network.

    The version is the manifest's: beside a git repository whool adds no count of commits to it.

    :param target: the folder they are put into, made when it is missing.
    :return: the wheels.
    :raises SetupError: when an add-on cannot be built.
    """
    target.mkdir(parents=True, exist_ok=True)
    built = []
    with tempfile.TemporaryDirectory(prefix="ajw-wheels-") as folder:
        for addon in export(Path(folder)):
            made = Path(folder, "made", addon.name)
            run(
                [
                    *(stack.python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
                    *("--no-build-isolation", "--disable-pip-version-check"),
                    *("--wheel-dir", made, addon),
                ],
                f"building {addon.name}",
                stack.log("wheels"),
            )
            wheels = list(made.glob("*.whl"))
            if len(wheels) != 1:
                raise SetupError(f"{addon.name} made {len(wheels)} wheels", "read its pyproject")
            built.append(Path(shutil.copy2(wheels[0], target)))
    return built
