"""A program that works in the same database while something is measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


class Beside:
    """Run a script of this folder beside a measurement; it is told to end, and tells its figures.

    The script reaches the database by the environment of PostgreSQL's programs, prints ``READY``
    when it works, ends when its input is closed, and prints one line of JSON then.

    :param harness.bench.Bench bench: whose server the database is on
    :param str database: name of the database
    :param str script: name of the file
    """

    def __init__(self, bench, database, script):
        self._environment = {**bench.environment.server.environment(), "PGDATABASE": database}
        self._script = FOLDER / script
        self.figures = {}

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, self._script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._environment},
        )
        if self._process.stdout.readline().strip() != "READY":
            raise RuntimeError(f"{self._script.name} did not begin")
        return self

    def __exit__(self, *_error):
        output, _none = self._process.communicate(timeout=60)
        if self._process.returncode:
            raise RuntimeError(f"{self._script.name} failed")
        self.figures = json.loads(output.splitlines()[-1])
