"""System packages, and Debian's archive read by an ordinary user."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .report import Reporter, SetupError
from .shell import clean_environment, output_of, run
from .stack import SETUP, Stack

LIST = SETUP / "system-packages.txt"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@dataclass(frozen=True)
class Package:
    """A line of the list of system packages.

    :param group: what it is for (``base``, ``pdf``, ``test``).
    :param names: the package, then others that serve as well.
    :param command: a program that makes the package unnecessary when it is found.
    """

    group: str
    names: tuple[str, ...]
    command: str

    def present(self, installed: set[str]) -> bool:
        if self.command and shutil.which(self.command):
            return True
        return any(name in installed for name in self.names)


def read_list(groups: set[str]) -> list[Package]:
    """Return the packages of the given groups from the data file."""
    packages = []
    for line in LIST.read_text().splitlines():
        words = line.split("#")[0].split()
        if words and words[0] in groups:
            command = words[2] if len(words) > 2 else ""
            packages.append(Package(words[0], tuple(words[1].split("|")), command))
    return packages


def installed_packages(names: list[str]) -> set[str]:
    """Return which of the named Debian packages are installed."""
    # dpkg-query fails when it does not know one of the names, and still prints the others.
    text = output_of(
        ["sh", "-c", "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' \"$@\" || true", "sh"]
        + names
    )
    found = (line.split() for line in (text or "").splitlines())
    return {words[0] for words in found if len(words) == 2 and words[1] == "installed"}


def as_root(words: list[str]) -> list[str]:
    """Return the command with what makes it run as root.

    :raises SetupError: when the user is not root and has no sudo.
    """
    if os.getuid() == 0:
        return words
    if not shutil.which("sudo"):
        raise SetupError("root is needed and there is no sudo", f"as root, run: {' '.join(words)}")
    return ["sudo", *words]


def apt_install(stack: Stack, names: list[str]) -> None:
    """Install system packages, without recommended ones.

    :raises SetupError: when apt is missing or fails; the message has the command to run by hand.
    """
    log = stack.log("apt")
    command = [
        *("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"),
        *("install", "--no-install-recommends", *names),
    ]
    by_hand = f"run it by hand and start again: {' '.join(as_root(command))}"
    if not shutil.which("apt-get"):
        raise SetupError(
            f"these system packages are missing: {', '.join(names)}",
            "this is not Debian: install what they are called here, then start again",
        )
    update = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"]
    # A third-party source that is down fails the update and need not matter: the install decides.
    output_of(as_root(update))
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", *command]
    run(as_root(quiet), f"installing {', '.join(names)}", log, by_hand)


def ensure_packages(stack: Stack, reporter: Reporter, groups: set[str]) -> None:
    """Install those system packages of the groups that are missing; apt is not asked otherwise."""
    packages = read_list(groups)
    with reporter.step("System packages") as step:
        installed = installed_packages([name for package in packages for name in package.names])
        missing = [package.names[0] for package in packages if not package.present(installed)]
        if missing:
            reporter.line(f"installing {', '.join(missing)}")
            apt_install(stack, missing)
            step.note(f"installed {len(missing)}")
        else:
            step.note("all present")


def archive_address() -> str:
    """Return the address of the Debian archive that this machine's apt uses.

    :raises SetupError: when apt is missing or names no Debian archive.
    """
    wanted = {"VERSION_CODENAME": ""}
    for line in Path("/etc/os-release").read_text().splitlines():
        key, _, value = line.partition("=")
        if key in wanted:
            wanted[key] = value.strip('"')
    fields = "$(REPO_URI)|$(RELEASE)|$(ORIGIN)|$(COMPONENT)"
    text = output_of(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    for line in (text or "").splitlines():
        address, release, origin, component = (line.split("|") + [""] * 3)[:4]
        # Before the first update apt knows no origin and prints the field's name.
        ours = origin == "Debian" or origin.startswith("$") or not origin
        if ours and component == "main" and release == wanted["VERSION_CODENAME"]:
            return address
    raise SetupError(
        "this machine's apt names no Debian archive", "see AJW_ODOO in setup/README.md"
    )


class PrivateApt:
    """apt with sources and state of its own: an ordinary user can download from other suites.

    Signatures are checked by apt against Debian's keyring; nothing of the system's apt is touched.

    :param folder: where the state is kept.
    :param suites: Debian suites to read.
    """

    def __init__(self, stack: Stack, folder: Path, suites: list[str]):
        self.log = stack.log("odoo-source")
        self.folder = folder
        if not KEYRING.exists():
            raise SetupError(
                f"{KEYRING} is missing, so Debian's signatures cannot be checked",
                "install the package debian-archive-keyring",
            )
        address = archive_address()
        (folder / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        sources = folder / "debian.sources"
        sources.write_text(
            f"Types: deb\nURIs: {address}\nSuites: {' '.join(suites)}\n"
            f"Components: main\nSigned-By: {KEYRING}\n"
        )
        # Paths go into a file of apt's own syntax: on the command line a blank would end them.
        settings = folder / "apt.conf"
        settings.write_text(
            f'Dir::State "{folder}/state";\n'
            f'Dir::State::Lists "{folder}/lists";\n'
            f'Dir::State::status "/dev/null";\n'
            f'Dir::Cache "{folder}/cache";\n'
            f'Dir::Etc::sourcelist "{sources}";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            'Acquire::Languages "none";\n'
            # A mirror that lags behind will do: nothing older than the pinned revision is taken.
            'Acquire::Check-Valid-Until "false";\n'
            'Acquire::Retries "3";\n' + ('APT::Sandbox::User "root";\n' if os.getuid() == 0 else "")
        )
        self.env = clean_environment({"APT_CONFIG": str(settings)})

    def update(self) -> None:
        run(
            ["apt-get", "-q", "update"],
            "reading Debian's package lists",
            self.log,
            "check the network, or name an Odoo 19 with AJW_ODOO",
            env=self.env,
        )

    def candidates(self, package: str) -> list[tuple[str, str]]:
        """Return (version, SHA-256) of each version offered, newest first."""
        text = output_of(["apt-cache", "show", package], env=self.env) or ""
        versions = re.findall(r"^Version: (.+)$", text, re.M)
        return list(zip(versions, re.findall(r"^SHA256: (.+)$", text, re.M), strict=False))

    def download(self, packages: list[str], target: Path) -> None:
        """Download packages, each ``name``, ``name=version`` or ``name/suite``, to a folder."""
        run(
            ["apt-get", "-q", "download", *packages],
            f"downloading {', '.join(packages)}",
            self.log,
            "check the network and start again",
            env=self.env,
            cwd=target,
        )
