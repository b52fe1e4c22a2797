"""Start of every set-up command: ``main.py demo|test|bench|odoo [arguments]``.

Runs first in the machine's Python, makes the virtual environment, then starts itself again
in that one. The folder of this file is on ``sys.path``, which makes ``harness`` importable.
"""

import sys

sys.dont_write_bytecode = True

from harness.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
