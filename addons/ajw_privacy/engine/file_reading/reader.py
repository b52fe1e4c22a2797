"""Reads files in a process of its own, which is ended when a file takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from .child import END, HEADER, PAIRS, READY
from .limits import BLOCK, BROKEN, NO_READER, TOO_LARGE, TOO_SLOW, Limits

#: The process adds its folder behind those of Python: no module here hides one of those.
_START = "import sys; sys.path.append(sys.argv[1]); from file_reading.child import main; main()"
#: Seconds more than the process gives itself, and until it is there at all.
_PATIENCE = 5.0
_START_SECONDS = 60.0
_CHUNK = 1 << 20


class Read(NamedTuple):
    """What became of a file.

    :param kind: what it is, one of :data:`~.kinds.KINDS`
    :param problem: why it was not read, or not whole, one of :data:`~.limits.REASONS`, or ``""``
    :param found: whether one of its texts was what was looked for
    """

    kind: str
    problem: str
    found: bool


class _TookTooLong(Exception):
    pass


class Reader:
    """A process that reads files, started with the first one. To be used in a ``with``.

    :param is_it: called with a text; whether it is what is looked for
    :param is_whole: the same for two cells side by side, which have to be it and nothing else
    """

    def __init__(
        self,
        is_it: Callable[[str], bool],
        is_whole: Callable[[str], bool] = lambda text: False,
        limits: Limits | None = None,
    ):
        self._is_it, self._is_whole = is_it, is_whole
        self.limits = limits or Limits()
        self._process: subprocess.Popen | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        self._buffer.clear()
        if process is not None:
            process.kill()
            with contextlib.suppress(OSError):
                process.stdin.close()  # with what it did not take any more
            process.stdout.close()
            process.wait()

    def read_file(self, path: str) -> Read:
        """Look into a file on the disk."""
        return self._ask({"path": str(path)})

    def read_bytes(self, data: bytes) -> Read:
        """Look into a file that is at hand."""
        if len(data) > self.limits.size:
            return Read("other", TOO_LARGE, False)
        return self._ask({"size": len(data)}, data)

    def _ask(self, question: dict[str, Any], data: bytes = b"") -> Read:
        found = False
        try:
            if self._process is None:
                self._start()
            self._process.stdin.write(json.dumps(question).encode() + b"\n" + data)
            self._process.stdin.flush()
            until = time.monotonic() + self.limits.seconds + _PATIENCE
            while True:
                tag, body = self._frame(until)
                if tag == END:
                    end = json.loads(body)
                    return Read(end["kind"], end["problem"], found)
                # the rest has to be taken from the pipe all the same
                found = found or self._matches(tag, body.decode())
        except _TookTooLong:
            self.close()
            return Read("other", TOO_SLOW, found)
        except EOFError:
            # it took more memory than it may, or broke the process
            self.close()
            return Read("other", BROKEN, found)
        except OSError:
            self.close()
            return Read("other", NO_READER, found)

    def _matches(self, tag: bytes, text: str) -> bool:
        if tag == PAIRS:
            return any(self._is_whole(pair) for pair in text.split(BLOCK))
        return self._is_it(text)

    def _start(self) -> None:
        if not sys.executable:
            raise OSError("Python does not say where it is")
        # nothing of ours goes there: neither the environment nor open files
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, str(Path(__file__).resolve().parents[1]),
             json.dumps(list(self.limits))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip
        try:
            ready = self._frame(time.monotonic() + _START_SECONDS)[0] == READY
        except (_TookTooLong, EOFError):
            ready = False
        if not ready:
            raise OSError("The process does not start")

    def _frame(self, until: float) -> tuple[bytes, bytes]:
        head = self._take(HEADER.size, until)
        tag, size = HEADER.unpack(head)
        return tag, self._take(size, until)

    def _take(self, size: int, until: float) -> bytes:
        out = self._process.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while len(self._buffer) < size:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise _TookTooLong
                chunk = os.read(out, _CHUNK)
                if not chunk:
                    raise EOFError
                self._buffer += chunk
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
