"""``odoo-bin ajw_privacy_check``: what the map of personal data does not settle yet."""

import sys

from odoo.cli import Command
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment
from odoo.addons.ajw_privacy.engine import sampling, skeleton

ADVICE = (
    "Read each line, correct it, and put it into a file privacy_map/<name>.csv of the app, "
    "or classify the field in the data map."
)


class AjwPrivacyCheck(Command):
    """Name every field and column that may hold personal data and that nobody has classified.

    For each it says why it is suspected and the line by which an app settles it, to be put into a
    file of the folder privacy_map of that app. Of contents only kinds and numbers are told.

    Exit status: 0 everything is classified, 1 something is not, 2 a wrong call.
    """

    name = "ajw_privacy_check"

    def run(self, cmdargs):
        parser = self.parser
        parser.add_argument("-d", "--database", required=True, help="the database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        parser.add_argument("--app", help="only what this app (technical name) brings")
        parser.add_argument(
            "--sample",
            type=int,
            default=sampling.ENDS,
            metavar="ROWS",
            help="how many rows to look at from either end of a table, and three times as many "
            "from in between (default: %(default)s); 0 for no look at contents",
        )
        parser.add_argument(
            "--csv", action="store_true", help="print nothing but the lines, as a file for the app"
        )
        arguments = parser.parse_args(cmdargs)
        if arguments.sample < 0:
            parser.error("--sample: give a number of rows, or 0")
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        with environment(parser, arguments.database, "ir.module.module") as env:
            if "ajw.privacy.data.map" not in env:
                parser.error(f"The addon ajw_privacy is not installed in {arguments.database}.")
            if arguments.app and not env["ir.module.module"].search_count(
                [("name", "=", arguments.app), ("state", "=", "installed")]
            ):
                parser.error(f"The app {arguments.app} is not installed in {arguments.database}.")
            rows, sentences = env["ajw.privacy.data.map"]._check_command(
                sample=arguments.sample, app=arguments.app
            )
            if arguments.csv:
                print(skeleton.write(row._proposal() for row in rows), end="")
            else:
                self._tell(rows, sentences)
        sys.exit(1 if rows or sentences else 0)

    def _tell(self, rows, sentences):
        for row in rows:
            place = f"{row.model_name}.{row.field_name}"
            print(f"{place} ({row.app or 'no app'}): {row.why}")
            print(f"    {skeleton.write([row._proposal()], header=False)}", end="")
        for sentence in sentences:
            print(sentence)
        if rows:
            print(f"{len(rows)} to classify.", ADVICE)
        if not rows and not sentences:
            print("Everything is classified.")
