"""Versions, ciphers and certificates of clients, by handshakes in memory."""

import pickle
import ssl
import warnings
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from lightspeed_core.cli.tls import context_factory, load_certificate
from lightspeed_core.config.tls import TLSConfiguration
from lightspeed_core.errors import ConfigurationError

MESSAGES = 20
PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> dict[str, Any]:
    """A certificate with an encrypted key, and the password in a file."""
    issued = authority.issue_cert("localhost")
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(tmp_path / "tls.crt", append=number > 0)
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    (tmp_path / "tls.key").write_bytes(encrypted)
    (tmp_path / "password.txt").write_text(f"{PASSWORD}\n")
    return {
        "tls_certificate_path": tmp_path / "tls.crt",
        "tls_key_path": tmp_path / "tls.key",
        "tls_key_password": str(tmp_path / "password.txt"),
    }


def a_client(
    authority: trustme.CA, newest: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0"
) -> ssl.SSLContext:
    """Return a client that speaks up to a version."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=authority.cert_pem.bytes().decode())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.maximum_version = newest
    client.set_ciphers(ciphers)
    return client


def show(authority: trustme.CA, client: ssl.SSLContext) -> None:
    """Give a client a certificate."""
    issued = authority.issue_cert("client@example.com")
    with issued.private_key_and_cert_chain_pem.tempfile() as file:
        client.load_cert_chain(file)


def version_of(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """Shake hands, and return the version; raises `ssl.SSLError`."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for number in range(MESSAGES):
        try:
            ends[number % 2].do_handshake()
        except ssl.SSLWantReadError:
            continue
    return ends[1].version()


@pytest.mark.parametrize(
    ("settings", "newest", "version"),
    [
        ({}, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ({}, ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ({"profile": "modern"}, ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ({"profile": "old"}, ssl.TLSVersion.TLSv1_1, "TLSv1.1"),
        ({"profile": "old"}, ssl.TLSVersion.TLSv1, "TLSv1"),
        (
            {"profile": "custom", "ciphers": ["ECDHE-ECDSA-AES256-GCM-SHA384"]},
            ssl.TLSVersion.TLSv1_2,
            "TLSv1.2",
        ),
    ],
)
def test_clients_of_the_profile_are_served(
    files: dict[str, Any],
    authority: trustme.CA,
    settings: dict[str, Any],
    newest: ssl.TLSVersion,
    version: str,
) -> None:
    server = load_certificate(TLSConfiguration.model_validate(files | settings))
    assert version_of(server, a_client(authority, newest)) == version


@pytest.mark.parametrize(
    ("settings", "newest", "ciphers"),
    [
        ({}, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        ({}, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
        ({"min_version": "TLSv1.3"}, ssl.TLSVersion.TLSv1_2, "ALL:@SECLEVEL=0"),
        ({"profile": "modern"}, ssl.TLSVersion.TLSv1_2, "ALL:@SECLEVEL=0"),
        ({"profile": "old", "min_version": "TLSv1.2"}, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (
            {"profile": "custom", "ciphers": ["ECDHE-ECDSA-AES256-GCM-SHA384"]},
            ssl.TLSVersion.TLSv1_2,
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
    ],
)
def test_others_are_refused(
    files: dict[str, Any],
    authority: trustme.CA,
    settings: dict[str, Any],
    newest: ssl.TLSVersion,
    ciphers: str,
) -> None:
    server = load_certificate(TLSConfiguration.model_validate(files | settings))
    with pytest.raises(ssl.SSLError):
        version_of(server, a_client(authority, newest, ciphers))


def test_a_server_process_builds_the_same_context(
    files: dict[str, Any], authority: trustme.CA
) -> None:
    made = context_factory(TLSConfiguration.model_validate(files | {"profile": "modern"}))
    server = pickle.loads(pickle.dumps(made))(None, None)
    assert version_of(server, a_client(authority, ssl.TLSVersion.TLSv1_3)) == "TLSv1.3"


def test_a_password_that_is_no_file_is_the_password_itself(files: dict[str, Any]) -> None:
    load_certificate(TLSConfiguration.model_validate(files | {"tls_key_password": PASSWORD}))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"tls_key_password": "/nowhere/password.txt"}, "names no file, and was taken for"),
        ({"tls_key_path": "{here}/tls.crt"}, "key {here}/tls.crt cannot be used"),
        ({"client_ca_path": "{here}/password.txt"}, "client_ca_path: {here}/password.txt"),
        ({"profile": "custom", "ciphers": ["ROT13"]}, "OpenSSL knows none of ROT13"),
    ],
)
def test_what_cannot_be_used_is_named(
    files: dict[str, Any], tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    placed = {
        key: value.format(here=tmp_path) if isinstance(value, str) else value
        for key, value in settings.items()
    }
    with pytest.raises(ConfigurationError) as refusal:
        load_certificate(TLSConfiguration.model_validate(files | placed))
    assert told.format(here=tmp_path) in refusal.value.cause
    assert PASSWORD not in refusal.value.cause


def test_where_clients_need_a_certificate_others_are_refused(
    files: dict[str, Any], authority: trustme.CA, tmp_path: Path
) -> None:
    clients = trustme.CA()
    clients.cert_pem.write_to_path(tmp_path / "clients.crt")
    settings = files | {"client_ca_path": tmp_path / "clients.crt"}
    server = load_certificate(TLSConfiguration.model_validate(settings))

    known = a_client(authority, ssl.TLSVersion.TLSv1_2)
    show(clients, known)
    foreign = a_client(authority, ssl.TLSVersion.TLSv1_2)
    show(trustme.CA(), foreign)

    assert version_of(server, known) == "TLSv1.2"
    for refused in (foreign, a_client(authority, ssl.TLSVersion.TLSv1_2)):
        with pytest.raises(ssl.SSLError):
            version_of(server, refused)
