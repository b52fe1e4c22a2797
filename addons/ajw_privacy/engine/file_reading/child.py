"""The process that reads files: one question a line, texts back. It knows nothing but the files."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

from .content import texts
from .kinds import kind_of
from .limits import BROKEN, MISSING, TOO_LARGE, Budget, Limits
from .markup import Pair

READY, TEXT, PAIRS, END = b"R", b"T", b"P", b"E"
HEADER = struct.Struct(">cI")


def frame(tag: bytes, data: bytes) -> bytes:
    """What is sent back: what it is, how long, and the bytes."""
    return HEADER.pack(tag, len(data)) + data


def answer(data: bytes, limits: Limits) -> Iterator[bytes]:
    """The frames that answer one question."""
    budget = Budget(limits)
    kind = "other"
    try:
        kind = kind_of(data)
        for text in texts(data, budget):
            if text:
                tag = PAIRS if isinstance(text, Pair) else TEXT
                yield frame(tag, text.encode("utf-8", "replace"))
    except MemoryError:
        budget.problems.add(TOO_LARGE)
    except Exception:  # noqa: BLE001 - a file may break whatever reads it
        budget.problems.add(BROKEN)
    yield _end(kind, budget.problem)


def _end(kind: str, problem: str) -> bytes:
    return frame(END, json.dumps({"kind": kind, "problem": problem}).encode())


def _question(question: dict, stream: BinaryIO, limits: Limits) -> Iterator[bytes]:
    if "size" in question:
        yield from answer(stream.read(question["size"]), limits)
        return
    try:
        if os.path.getsize(question["path"]) > limits.size:
            yield _end("other", TOO_LARGE)
            return
        with open(question["path"], "rb") as file:
            data = file.read()
    except OSError:
        yield _end("other", MISSING)
        return
    except MemoryError:
        yield _end("other", TOO_LARGE)
        return
    yield from answer(data, limits)


def _bound(memory: int) -> None:
    """Take no more memory than that, nor than whoever started this process may."""
    try:
        import resource
    except ImportError:
        return  # not on this system: the clock and the limits of each format are left
    for name, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(name)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(name, (most, most))


def main() -> None:
    """Answer until there are no more questions."""
    limits = Limits(*json.loads(sys.argv[2]))
    _bound(limits.memory)
    sys.setrecursionlimit(2000)
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    stdout.write(frame(READY, b""))
    stdout.flush()
    for line in iter(stdin.readline, b""):
        for part in _question(json.loads(line), stdin, limits):
            stdout.write(part)
        stdout.flush()
