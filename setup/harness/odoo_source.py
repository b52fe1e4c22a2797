"""Where Odoo 19 comes from.

In this order: the folder named by ``AJW_ODOO``; a Debian package file named by ``AJW_ODOO_DEB``;
an Odoo 19 installed on this machine; Debian's package; a shallow clone of the public branch.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from .report import Reporter, SetupError, Step
from .shell import output_of, run
from .stack import SETUP, Stack
from .system import PrivateApt, apt_install

SERIES = 19
PACKAGE_LIBRARY = Path("usr/lib/python3/dist-packages")
PIN = SETUP / "odoo.lock"
BRANCH = "19.0"
REPOSITORY = "https://github.com/odoo/odoo.git"
# Libraries that Debian's package links to instead of shipping; some moved their files after
# Debian 12, hence the suite.
LINKED = (
    *("libjs-jquery", "libjs-jquery-form", "libjs-underscore"),
    *("fonts-glyphicons-halflings", "fonts-ocr-b", "fonts-roboto-unhinted", "fonts-montserrat"),
    *("fonts-font-awesome/bookworm", "fonts-inconsolata/bookworm"),
)
# Stripped from Debian's package for its licence. Empty, it costs the video background effect;
# missing, it costs every browser test a console error.
STRIPPED = Path("odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js")
# Without these the web client does not start at all.
ESSENTIAL = ("web/static/lib/jquery/jquery.js",)


@dataclass(frozen=True)
class OdooSource:
    """A usable Odoo.

    :param library: folder to put on Python's path.
    :param addons: folders of Odoo's own add-ons.
    :param version: version text of the release file, with the package's where there is one.
    :param origin: where it came from, for people.
    """

    library: str
    addons: list[str]
    version: str
    origin: str


def inspect(folder: Path, origin: str, version: str = "") -> OdooSource | None:
    """Return the Odoo 19 in a folder, or nothing.

    :param folder: a source checkout, the root of an unpacked package, or a Python path entry.
    """
    for library in (folder, folder / PACKAGE_LIBRARY):
        try:
            release = (library / "odoo" / "release.py").read_text()
        except OSError:
            continue
        found = re.search(r"^version_info = \((\d+), *(\d+), *(\d+)", release, re.M)
        if not found or int(found[1]) != SERIES:
            continue
        places = [library / "odoo" / "addons", library / "addons"]
        addons = [str(place) for place in places if (place / "web").is_dir()]
        addons += [str(place) for place in places if str(place) not in addons and place.is_dir()]
        if any((Path(place) / "account" / "__manifest__.py").exists() for place in addons):
            return OdooSource(str(library), addons, version or ".".join(found.groups()), origin)
    return None


def named_folder() -> OdooSource | None:
    """Return the Odoo named by ``AJW_ODOO``.

    :raises SetupError: when the folder holds no Odoo 19.
    """
    name = os.environ.get("AJW_ODOO")
    if not name:
        return None
    source = inspect(Path(name).expanduser().absolute(), f"AJW_ODOO={name}")
    if not source:
        raise SetupError(
            f"AJW_ODOO={name} holds no Odoo {SERIES} with its add-ons",
            "name the folder that has odoo-bin, or the root of an unpacked package",
        )
    return source


def installed(stack: Stack) -> OdooSource | None:
    """Return the Odoo 19 that a Python of this machine can import."""
    pythons = ["/usr/bin/python3", shutil.which("python3") or ""]
    for command in ("odoo", "odoo-bin"):
        script = shutil.which(command)
        if script:
            with open(script, "rb") as handle:
                first = handle.readline().decode(errors="replace").strip()
            if first.startswith("#!"):
                pythons.insert(0, first[2:].split()[-1])
    code = "from odoo import release; print(release.__file__)"
    for python in dict.fromkeys(filter(None, pythons)):
        # Not from the current folder: a checkout there is not an installed Odoo.
        text = output_of([python, "-c", code], cwd=stack.run)
        if text:
            source = inspect(Path(text.strip()).parent.parent, f"installed, found by {python}")
            if source:
                return source
    return None


def pin() -> dict[str, str]:
    """Return the pinned package: ``version`` and ``sha256``."""
    lines = (line.split("#")[0] for line in PIN.read_text().splitlines())
    return dict(line.split("=", 1) for line in map(str.strip, lines) if line)


def sha256_of(path: Path) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def debian(stack: Stack, step: Step) -> OdooSource:
    """Unpack Debian's package, downloaded or named by ``AJW_ODOO_DEB``, with what it links to.

    :raises SetupError: when it cannot be had or is not the pinned one or newer.
    """
    target = stack.home / "odoo"
    fetch = stack.home / "odoo-fetch"
    debs = fetch / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    apt = PrivateApt(stack, fetch, ["sid", "bookworm"])
    apt.update()
    local = os.environ.get("AJW_ODOO_DEB")
    version, deb = told_package(local) if local else newest_package(apt, debs, step)

    unpacked = stack.home / "odoo.new"
    shutil.rmtree(unpacked, ignore_errors=True)
    run(["dpkg-deb", "-x", deb, unpacked], "unpacking Odoo", apt.log)
    linked = fetch / "linked"
    shutil.rmtree(linked, ignore_errors=True)
    linked.mkdir()
    for package in LINKED:
        try:
            apt.download([package], linked)
        except SetupError:
            apt.download([package.partition("/")[0]], linked)
    for package in sorted(linked.glob("*.deb")):
        run(["dpkg-deb", "-x", package, unpacked], f"unpacking {package.name}", apt.log)
    library = unpacked / PACKAGE_LIBRARY
    stripped = library / STRIPPED
    if not stripped.exists():
        stripped.parent.mkdir(parents=True, exist_ok=True)
        stripped.touch()
    check_links(library, step)
    shutil.rmtree(target, ignore_errors=True)
    unpacked.rename(target)
    shutil.rmtree(fetch, ignore_errors=True)
    source = inspect(target, "named by AJW_ODOO_DEB" if local else "Debian's package", version)
    if not source:
        raise SetupError("Debian's package has an unexpected layout", "name an Odoo with AJW_ODOO")
    return source


def told_package(local: str) -> tuple[str, Path]:
    """Return version and path of the package file that the person named.

    :raises SetupError: when it is missing or not the pinned one.
    """
    deb = Path(local).expanduser().absolute()
    pinned = pin()
    if not deb.is_file():
        raise SetupError(f"AJW_ODOO_DEB={local} is no file", "name the .deb file of Odoo 19")
    if sha256_of(deb) != pinned["sha256"]:
        raise SetupError(
            f"{deb} is not the package pinned in {PIN.name}", f"name version {pinned['version']}"
        )
    return pinned["version"], deb


def newest_package(apt: PrivateApt, debs: Path, step: Step) -> tuple[str, Path]:
    """Download the newest Odoo package that is the pinned revision or a later one."""
    package = f"odoo-{SERIES}"
    pinned = pin()
    offered = apt.candidates(package)
    if not offered:
        raise SetupError(f"the Debian archive offers no {package}", "name an Odoo with AJW_ODOO")
    version, digest = offered[0]
    if version != pinned["version"]:
        newer = ["dpkg", "--compare-versions", version, "gt", pinned["version"]]
        if output_of(newer) is None:
            raise SetupError(
                f"the Debian archive offers {package} {version}, older than {pinned['version']}",
                "name an Odoo with AJW_ODOO",
            )
        step.notice(f"{package} {version} is newer than the tested {pinned['version']}")
    elif digest != pinned["sha256"]:
        raise SetupError(
            f"the archive's {package} {version} is not the file pinned in {PIN.name}",
            "do not use it; name an Odoo with AJW_ODOO",
        )
    kept = [path for path in debs.glob("*.deb") if sha256_of(path) == digest]
    if not kept:
        for path in debs.glob("*"):
            path.unlink()
        apt.download([f"{package}={version}"], debs)
        kept = [path for path in debs.glob("*.deb") if sha256_of(path) == digest]
    if not kept:
        raise SetupError(f"the downloaded {package} has a wrong hash", "start again")
    return version, kept[0]


def check_links(library: Path, step: Step) -> None:
    """Tell of links that lead nowhere; without the essential ones Odoo cannot be used.

    :raises SetupError: when an essential file is missing.
    """
    dangling = []
    for folder, folders, files in os.walk(library):
        for name in files + folders:
            path = Path(folder, name)
            if path.is_symlink() and not path.exists():
                dangling.append(str(path.relative_to(library)))
    if dangling:
        step.notice(f"{len(dangling)} links of Debian's package lead nowhere: {dangling[0]}, ...")
    for name in ESSENTIAL:
        if not (library / "odoo" / "addons" / name).exists():
            raise SetupError(
                f"Debian's package has no {name}",
                "its libraries moved: name another Odoo with AJW_ODOO",
            )


def clone(stack: Stack) -> OdooSource:
    """Clone the newest commit of Odoo's public branch.

    :raises SetupError: when that fails.
    """
    target = stack.home / "odoo-git"
    if not (target / "odoo" / "release.py").exists():
        if not shutil.which("git"):
            apt_install(stack, ["git"])
        fresh = stack.home / "odoo-git.new"
        shutil.rmtree(fresh, ignore_errors=True)
        address = os.environ.get("AJW_ODOO_GIT") or REPOSITORY
        run(
            ["git", "clone", "--quiet", "--depth=1", f"--branch={BRANCH}", address, fresh],
            "cloning Odoo",
            stack.log("odoo-source"),
            "check the network, or name an Odoo 19 with AJW_ODOO",
        )
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    commit = (output_of(["git", "-C", target, "rev-parse", "--short", "HEAD"]) or "").strip()
    source = inspect(target, f"branch {BRANCH}", f"{BRANCH} {commit}".strip())
    if not source:
        raise SetupError(f"the clone holds no Odoo {SERIES}", "name an Odoo with AJW_ODOO")
    return source


def remembered(stack: Stack) -> OdooSource | None:
    """Return what an earlier run settled on, if it still is there and was not overruled."""
    kept = stack.read("odoo-source")
    told = os.environ.get("AJW_ODOO_DEB")
    if kept.pop("told", "") != told and told:
        return None
    try:
        source = OdooSource(**kept)
    except TypeError:
        return None
    return source if inspect(Path(source.library), source.origin) else None


def ensure_odoo(stack: Stack, reporter: Reporter) -> OdooSource:
    """Return an Odoo 19, fetching one when there is none.

    :raises SetupError: when every way failed.
    """
    with reporter.step(f"Odoo {SERIES}") as step:
        source = named_folder()
        if not source:
            told = os.environ.get("AJW_ODOO_DEB", "")
            source = remembered(stack) or (not told and installed(stack)) or fetch(stack, step)
            stack.write("odoo-source", {**asdict(source), "told": told})
        step.note(f"{source.version}, {source.origin}")
    return source


def fetch(stack: Stack, step: Step) -> OdooSource:
    """Return Debian's package or, failing that, a clone of the branch."""
    if os.environ.get("AJW_ODOO_GIT"):
        return clone(stack)
    try:
        return debian(stack, step)
    except SetupError as error:
        if os.environ.get("AJW_ODOO_DEB"):
            raise
        step.notice(f"not from Debian's archive: {error.message.splitlines()[0]}")
        return clone(stack)
