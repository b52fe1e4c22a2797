"""``odoo-bin ajw_consent_rebuild``: the current answers once more from the consent ledger."""

import sys

from odoo.cli import Command
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment


class AjwConsentRebuild(Command):
    """Fold all current answers from the consent ledger again, and correct those that differ.

    With --check nothing is changed: the answers are compared and the differences named. Exit
    status: 0 no difference (or all corrected), 1 there are differences, 2 a wrong call.
    """

    name = "ajw_consent_rebuild"

    def run(self, cmdargs):
        parser = self.parser
        parser.add_argument("-d", "--database", required=True, help="the database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        parser.add_argument("--check", action="store_true", help="only compare, change nothing")
        parser.add_argument(
            "--controller", type=int, help="id of the company; all of them if not given"
        )
        arguments = parser.parse_args(cmdargs)
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        with environment(parser, arguments.database, "ajw.consent.state") as env:
            try:
                different = env["ajw.consent.state"]._rebuild_command(
                    arguments.controller, arguments.check
                )
            except ValueError as error:
                parser.error(str(error))
        sys.exit(1 if different and arguments.check else 0)
