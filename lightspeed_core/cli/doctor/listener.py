"""Checks the address that the service will listen on. Knows no certificate."""

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import Final

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.cli.listeners import CannotListen, open_listeners
from lightspeed_core.config.service import ServiceConfiguration

ALIVE_SECONDS: Final = 2.0


def check_listener(service: ServiceConfiguration) -> Iterator[Finding]:
    """Listen for a moment; whoever holds the port is asked who it is."""
    where = f"{service.host}:{service.port}"
    try:
        for listener in open_listeners(service.host, service.port):
            listener.close()
    except CannotListen as refusal:
        if _is_ours(service):
            yield warning(
                f"{where} is held by a Lightspeed service that runs already",
                where="service.port",
                remedy="stop it before another one is started there",
            )
        else:
            yield fatal(
                str(refusal),
                where="service.port",
                remedy="stop what holds it, or name another address in service.host and port",
            )
    else:
        yield fine(f"{where} can be listened on", where="service.port")


def _is_ours(service: ServiceConfiguration) -> bool:
    connection = _connection(service)
    try:
        connection.request("GET", "/liveness")
        return json.loads(connection.getresponse().read()) == {"alive": True}
    except (HTTPException, OSError, ValueError):
        return False
    finally:
        connection.close()


def _connection(service: ServiceConfiguration) -> HTTPConnection:
    host = "localhost" if _is_every_address(service.host) else service.host
    if service.tls_config.tls_certificate_path is None:
        return HTTPConnection(host, service.port, timeout=ALIVE_SECONDS)
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, service.port, timeout=ALIVE_SECONDS, context=anybody)


def _is_every_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False
