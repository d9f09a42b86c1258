"""Section `outbound`: which places may be listed, and files that do not serve."""

from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import ValidationError

from lightspeed_core.config.outbound import OutboundConfiguration


@pytest.mark.parametrize(
    "place",
    [
        "localhost",
        "tools.internal",
        "*.svc.cluster.local",
        "tools_a.team.svc.",
        "10.1.2.3",
        "10.1.0.0/16",
        "10.1.2.3/16",
        "::1",
        "fd00::/8",
    ],
)
def test_hosts_domains_addresses_and_networks_can_be_listed(place: str) -> None:
    assert OutboundConfiguration(allowed_private=(place,)).allowed_private == (place,)


@pytest.mark.parametrize(
    "place",
    ["", "*", "*.*", "http://tools.internal", "tools.internal:80", "10.1.2", "10.1.2.3/99", "a b"],
)
def test_another_kind_of_place_is_refused_with_what_would_be_right(place: str) -> None:
    with pytest.raises(ValidationError, match=r"right would be tools\.internal"):
        OutboundConfiguration(allowed_private=(place,))


def test_a_bundle_without_certificates_is_refused_by_name(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")

    with pytest.raises(ValidationError, match=r"ca\.pem holds no PEM certificates"):
        OutboundConfiguration(ca_bundle=bundle)


def test_a_key_that_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    for name in ("one", "two"):
        issued = authority.issue_cert("client.example")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.crt")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")

    fitting = OutboundConfiguration(
        client_certificate=tmp_path / "one.crt", client_key=tmp_path / "one.key"
    )
    assert fitting.password == ""
    with pytest.raises(ValidationError, match=r"one\.crt and \S*two\.key cannot be used"):
        OutboundConfiguration(
            client_certificate=tmp_path / "one.crt", client_key=tmp_path / "two.key"
        )


def test_a_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "client.key"
    trustme.CA().issue_cert("client.example").private_key_pem.write_to_path(key)

    with pytest.raises(ValidationError, match="client_certificate is required"):
        OutboundConfiguration(client_key=key)


def test_the_password_of_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    certificate, locked, password = (tmp_path / name for name in ("c.crt", "c.key", "password"))
    write_locked_key(certificate, locked, b"open sesame")
    password.write_text("open sesame\n")

    outbound = OutboundConfiguration(
        client_certificate=certificate, client_key=locked, client_key_password=password
    )

    assert outbound.password == "open sesame"
    with pytest.raises(ValidationError, match="cannot be used"):
        OutboundConfiguration(client_certificate=certificate, client_key=locked)


def write_locked_key(certificate: Path, key: Path, password: bytes) -> None:
    issued = trustme.CA().issue_cert("client.example")
    issued.cert_chain_pems[0].write_to_path(certificate)
    plain = serialization.load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    key.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password),
        )
    )
