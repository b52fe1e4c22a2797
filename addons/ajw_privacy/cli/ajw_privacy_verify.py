"""``odoo-bin ajw_privacy_verify``: certificates of erasure verified from the command line."""

import argparse
import sys

from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment

MODEL = "ajw.privacy.certificate"
#: A printed certificate is smaller by far.
MAX_BYTES = 1 << 25


class AjwPrivacyVerify(Command):
    """Verify the certificates of erasure of a database: each by itself, and that none is missing.

    With a hash, as it is printed on a certificate, or with the PDF, says which certificate it is
    and whether it is as it was issued. Changes nothing.

    Exit status: 0 everything is as it was issued, 1 something is not, 2 a wrong call.
    """

    name = "ajw_privacy_verify"

    def run(self, cmdargs):
        arguments = self._parse(cmdargs)
        with environment(self.parser, arguments.database, MODEL) as env:
            try:
                lines, intact = self._verify(env, arguments)
            except UserError as error:
                self.parser.error(str(error))
        print("\n".join(lines))  # noqa: T201 - what the command is for
        sys.exit(0 if intact else 1)

    def _verify(self, env, arguments):
        """What there is to say, and whether everything fits."""
        certificates = env[MODEL]
        if arguments.hash or arguments.file:
            row, problems = (
                certificates._check_file(arguments.file)
                if arguments.file
                else certificates._check_hash(arguments.hash)
            )
            head = (
                [f"Certificate {row.number} of {row.company_id.name}, {row.issued_at} UTC:"]
                if row
                else []
            )
            return [*head, *(problems or ["as it was issued."])], not problems
        lines, intact = [], True
        for [company] in certificates._read_group([], ["company_id"]):
            rows, problems = certificates._verify_chain(company)
            lines += [f"{company.name}, no. {number}: {problem}" for number, problem in problems]
            if not problems:
                lines.append(
                    f"{company.name}: {len(rows)} certificates; the last: {rows[-1:].hash}"
                )
            intact = intact and not problems
        return lines or ["There are no certificates."], intact

    def _parse(self, cmdargs):
        parser = self.parser
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument("-d", "--database", required=True, help="the database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--hash", help="the hash of one certificate, from paper")
        which.add_argument("--file", help="a certificate as PDF, or the JSON that is in it")
        arguments = parser.parse_args(cmdargs)
        if arguments.file:
            try:
                with open(arguments.file, "rb") as file:
                    arguments.file = file.read(MAX_BYTES)
            except OSError as error:
                parser.error(f"{arguments.file}: {error.strerror}")
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        return arguments
