"""Refuse every connection that leaves the machine; Python imports this at its start."""

import ipaddress
import sys

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1", "", None)


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo" and arguments[0] not in _LOCAL_NAMES:
        raise PermissionError(f"name of another machine looked up: {arguments[0]}")
    if event == "socket.connect" and not _is_local(str(arguments[1])):
        raise PermissionError(f"connection to another machine: {arguments[1]}")


def _is_local(address: str) -> bool:
    """Judge an address as Python prints it: `('127.0.0.1', 80)`, or the path of a local socket."""
    if not address.startswith("('"):
        return True
    host = address.removeprefix("('").partition("'")[0].partition("%")[0]
    return ipaddress.ip_address(host).is_loopback


sys.addaudithook(_refuse)
