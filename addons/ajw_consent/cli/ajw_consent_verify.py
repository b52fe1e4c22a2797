"""``odoo-bin ajw_consent_verify``: the consent ledger verified from the command line."""

import argparse
import sys

from odoo.cli import Command
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment


class AjwConsentVerify(Command):
    """Verify the consent ledger of a database, against seals that were mailed if given.

    Recomputes every hash and every seal and names the first broken link of each chain. Changes
    nothing in the ledger; what was found is on record under Proof > Verifications.

    Exit status: 0 everything is as it was recorded, 1 something is not, 2 a wrong call.
    """

    name = "ajw_consent_verify"

    def run(self, cmdargs):
        arguments = self._parse(cmdargs)
        files = []
        for path in arguments.seal:
            try:
                with open(path, "rb") as file:
                    files.append(file.read())
            except OSError as error:
                self.parser.error(f"{path}: {error.strerror}")
        with environment(self.parser, arguments.database, "ajw.consent.verification") as env:
            try:
                intact = env["ajw.consent.verification"]._run_command(
                    arguments.controller, files, not arguments.no_evidence
                )
            except ValueError as error:
                self.parser.error(str(error))
        sys.exit(0 if intact else 1)

    def _parse(self, cmdargs):
        parser = self.parser
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("-d", "--database", required=True, help="the database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        parser.add_argument(
            *("--seal", "-s"),
            action="append",
            default=[],
            metavar="FILE",
            help="a seal that was mailed (seal-….json); can be given several times",
        )
        parser.add_argument(
            "--controller", type=int, help="id of the company; all of them if not given"
        )
        parser.add_argument(
            "--no-evidence", action="store_true", help="do not compare names, numbers and scans"
        )
        arguments = parser.parse_args(cmdargs)
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        return arguments
