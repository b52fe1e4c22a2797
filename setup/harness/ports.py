"""Ports on loopback: picked once, kept, and checked again before each start."""

from __future__ import annotations

import random
import socket

from .stack import Stack

HOST = "127.0.0.1"
NAMES = ("postgres", "odoo", "sandbox", "smtp", "cli")
# Below the range the kernel hands out to connections (32768 up), above the well-known services.
RANGE = range(18000, 32000)


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def pick(taken: set[int]) -> int:
    """Return a port on which nothing listens, at random so that two stacks differ."""
    while True:
        port = random.choice(RANGE)  # noqa: S311
        if port not in taken and is_free(port):
            return port


def port_of(stack: Stack, name: str, running: bool) -> int:
    """Return this stack's port for a service.

    :param running: our own process holds the port, so it is not changed.
    """
    ports = stack.read("ports")
    if name not in ports or not (running or is_free(ports[name])):
        ports[name] = pick(set(ports.values()))
        stack.write("ports", ports)
    return ports[name]
