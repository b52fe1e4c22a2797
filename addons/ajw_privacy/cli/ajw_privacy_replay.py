"""``odoo-bin ajw_privacy_replay``: in a restored backup, erase again who was erased since.

Companies that left since are removed again.
"""

import sys
import time

from odoo.cli import Command
from odoo.exceptions import UserError
from odoo.tools import config

from odoo.addons.ajw_consent.tools.command import environment


class AjwPrivacyReplay(Command):
    """Erase again, in a restored database, whom the register of the live system names.

    A company that left is removed again, if it is the very row, with everything that is its own.
    Nobody approves a second time: each was approved when it was done, and the erasure names the
    original with its certificate. A contact is erased if it is the very one, or if two things of
    different kinds agree; where only one does it is listed and left alone. Done twice, or after it
    was interrupted, it does what is left.

    Exit status: 0 all is done, 1 something is left for an officer, 2 a wrong call: nothing was
    done.
    """

    name = "ajw_privacy_replay"

    def run(self, cmdargs):
        parser = self.parser
        parser.add_argument("-d", "--database", required=True, help="the restored database")
        parser.add_argument("-c", "--config", help="Odoo's configuration file")
        parser.add_argument(
            "-r", "--register", required=True, help="the file written by ajw_privacy_register"
        )
        parser.add_argument("--check", action="store_true", help="only say what would be done")
        parser.add_argument(
            "--copied",
            action="store_true",
            help="the database was restored as a copy, so that its identifier is another one",
        )
        arguments = parser.parse_args(cmdargs)
        options = ["-d", arguments.database, "--no-http"]
        if arguments.config:
            options += ["-c", arguments.config]
        config.parse_config(options, setup_logging=True)
        try:
            with open(arguments.register, "rb") as file:
                data = file.read()
        except OSError as error:
            parser.error(f"{arguments.register}: {error.strerror}")
        begin = time.monotonic()
        with environment(parser, arguments.database, "ajw.privacy.register") as env:
            try:
                outcomes = env["ajw.privacy.replay"]._replay(
                    data, arguments.check, arguments.copied, env.cr.commit, self._say
                )
            except UserError as error:
                parser.error(str(error))
            summary = env["ajw.privacy.replay"]._summary(outcomes)
        self._say(f"{summary} ({time.monotonic() - begin:.1f} s)")
        left = {"doubtful", "refused", "failed", "elsewhere"} & {each.code for each in outcomes}
        sys.exit(1 if left else 0)

    def _say(self, text):
        print(text, flush=True)  # noqa: T201 - a command's answer
