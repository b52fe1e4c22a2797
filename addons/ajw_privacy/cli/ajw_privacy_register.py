"""``odoo-bin ajw_privacy_register``: the register of erasures, to be kept apart from backups."""

import os
import sys
import tempfile

from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment


class AjwPrivacyRegister(Command):
    """Write the register of erasures of a database to a file.

    It names nobody: it holds keyed digests, so keep the keys (AJW_KEYS) as well, and both apart
    from the backups. Run it after each backup, or daily. Exit status: 0 written, 2 a wrong call.
    """

    name = "ajw_privacy_register"

    def run(self, cmdargs):
        parser = self.parser
        parser.add_argument("-d", "--database", required=True, help="the database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        parser.add_argument("-o", "--output", required=True, help="the file; - for the terminal")
        arguments = parser.parse_args(cmdargs)
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        with environment(parser, arguments.database, "ajw.privacy.register") as env:
            try:
                count, content = env["ajw.privacy.register"]._export_command()
            except UserError as error:
                parser.error(str(error))
        if arguments.output == "-":
            sys.stdout.buffer.write(content)
            return
        try:
            _write(arguments.output, content)
        except OSError as error:
            parser.error(f"{arguments.output}: {error.strerror}")
        print(f"{count} erasures written to {arguments.output}")  # noqa: T201 - a command's answer


def _write(path, content):
    """Write the file whole or not at all: the register of before stays if the disk is full."""
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except OSError:
            os.unlink(file.name)
            raise
