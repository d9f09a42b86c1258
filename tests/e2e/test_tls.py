"""HTTPS as a started service speaks it."""

import ssl
import time
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.raw_http import raw_connection
from tests.support.service import START_SECONDS, Service, running_service

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
name: tls
service:
  host: 127.0.0.1
  port: "${{env.LIGHTSPEED_PORT}}"
  workers: {workers}
  tls_config:
    tls_certificate_path: {folder}/tls.crt
    tls_key_path: {folder}/tls.key
    client_ca_path: {folder}/clients.crt
llama_stack: {{use_as_library_client: true, library_client_config_path: "shipped:run.yaml"}}
user_data_collection: {{}}
"""
PROBE = b"GET /liveness HTTP/1.1\r\nHost: localhost\r\n\r\n"

pytestmark = pytest.mark.requirement("limits.tls")


@dataclass(frozen=True)
class Https:
    """A service behind TLS, and who vouches for whom."""

    service: Service
    authority: trustme.CA
    clients: trustme.CA

    def client(self, *, is_known: bool = True) -> ssl.SSLContext:
        """Return a client of any version, with or without a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.authority.cert_pem.bytes().decode())
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        if is_known:
            shown = self.clients.issue_cert("client@example.com")
            with shown.private_key_and_cert_chain_pem.tempfile() as file:
                context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two workers"])
def https(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    model_environment: dict[str, str],
) -> Generator[Https]:
    folder: Path = tmp_path_factory.mktemp("tls")
    authority, clients = trustme.CA(), trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    issued.private_key_pem.write_to_path(folder / "tls.key")
    clients.cert_pem.write_to_path(folder / "clients.crt")
    config = folder / "lcs.yaml"
    config.write_text(CONFIG.format(folder=folder, workers=request.param))
    with running_service(folder / "data", environment=model_environment, config=config) as started:
        https = Https(started, authority, clients)
        until = time.monotonic() + START_SECONDS
        while not is_served(https, https.client()):
            assert time.monotonic() < until, started.output()
            time.sleep(0.1)
        yield https


def is_served(https: Https, client: ssl.SSLContext) -> bool:
    """Say whether a client is answered."""
    try:
        with raw_connection(https.service.port, tls=client) as connection:
            connection.send(PROBE)
            return connection.answer().status == 200
    except OSError:
        return False


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_present_versions_are_spoken(https: Https, newest: ssl.TLSVersion) -> None:
    client = https.client()
    client.maximum_version = newest
    assert is_served(https, client)


def test_older_versions_are_refused(https: Https) -> None:
    client = https.client()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    assert not is_served(https, client)


def test_a_client_without_a_certificate_is_refused(https: Https) -> None:
    assert not is_served(https, https.client(is_known=False))


def test_a_body_too_large_is_answered_over_tls_too(https: Https) -> None:
    with raw_connection(https.service.port, tls=https.client()) as connection:
        connection.send(
            b"POST /v1/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
            b"Content-Length: 300000000\r\n\r\n",
        )
        for _ in range(16):
            connection.send(b" " * 65_536)
        assert connection.answer().status == 413
