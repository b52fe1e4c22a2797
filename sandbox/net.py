"""Loopback checks."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host):
    """Tell whether a host name or address means this machine.

    :param str host: without port; an IPv6 address without brackets.
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(header):
    """Return the host of a `Host` header, without port and brackets; "" when malformed."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""
