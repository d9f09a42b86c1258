"""The sockets that the service listens on, opened before anything slow."""

import errno
import socket
from collections.abc import Sequence

_BACKLOG = 2048
_ABSENT = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class CannotListen(Exception):
    """The address cannot be listened on; the text says why in one line."""


def open_listeners(host: str, port: int) -> Sequence[socket.socket]:
    """Listen on every address of the host.

    Raises:
        CannotListen: The port is taken or not allowed, or the host is not this machine.
    """
    opened: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in _addresses(host, port):
            try:
                opened.append(_listen(family, kind, protocol, address))
            except OSError as error:
                if error.errno not in _ABSENT:
                    raise
    except OSError as error:
        for listener in opened:
            listener.close()
        raise _refusal(host, port, error) from error
    if not opened:
        raise CannotListen(f"{host} is no address of this machine (service.host)")
    return opened


def _addresses(host: str, port: int) -> Sequence[tuple[int, int, int, str, tuple[object, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(found))


def _listen(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        listener.set_inheritable(True)
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(host: str, port: int, error: OSError) -> CannotListen:
    where = f"{host}:{port}"
    if isinstance(error, socket.gaierror):
        cause = f"the host name {host} is not known (service.host): {error.strerror}"
    elif error.errno == errno.EADDRINUSE:
        cause = f"{where} is in use by another process; choose another service.port"
    elif error.errno == errno.EACCES:
        cause = f"this user may not listen on {where}; choose a service.port above 1023"
    else:
        cause = f"{where} cannot be listened on: {error.strerror}"
    return CannotListen(cause)
