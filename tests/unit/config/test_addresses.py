"""Names of hosts and origins, as they are configured and as browsers send them."""

import pytest
from pydantic import ValidationError

from lightspeed_core.config.addresses import host_of, is_loopback, origin_of
from lightspeed_core.config.service import ServiceConfiguration


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8080", "localhost"),
        ("lcs.example.com.:443", "lcs.example.com"),
        ("127.0.0.1:8080", "127.0.0.1"),
        ("[::1]:8080", "::1"),
        ("[::1]", "::1"),
        ("", None),
        ("localhost:", None),
        ("localhost:port", None),
        ("user@localhost", None),
        ("localhost/evil.example", None),
        ("evil.example#localhost", None),
        ("localhost evil.example", None),
        ("::1", None),
        ("l\xf6calhost", None),
    ],
)
def test_a_host_is_read_strictly(authority: str, host: str | None) -> None:
    assert host_of(authority) == host


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("ui.localhost", True),
        ("127.0.0.1", True),
        ("127.255.3.4", True),
        ("::1", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("notlocalhost", False),
        ("0.0.0.0", False),
        ("0x7f.1", False),
        ("2130706433", False),
        ("192.168.1.5", False),
    ],
)
def test_only_what_is_always_this_machine_is_loopback(host: str, *, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://LCS.example.com/path", "https://lcs.example.com"),
        ("https://lcs.example.com:443", "https://lcs.example.com"),
        ("http://lcs.example.com:443", "http://lcs.example.com:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_hosts_and_origins_are_kept_in_one_form() -> None:
    service = ServiceConfiguration(
        allowed_hosts=("LCS.Example.com", "*.apps.example.com", "[::1]", "*"),
        allowed_origins=("HTTPS://UI.example.com:443/", "http://localhost:3000", "*"),
    )
    assert service.allowed_hosts == ("lcs.example.com", "*.apps.example.com", "::1", "*")
    assert service.allowed_origins == ("https://ui.example.com", "http://localhost:3000", "*")


@pytest.mark.parametrize(
    "host", ["https://lcs.example.com", "lcs.example.com:8080", "a b", "", "a.*.b", "lcs/x"]
)
def test_what_is_no_host_is_refused_with_an_example(host: str) -> None:
    with pytest.raises(ValidationError, match=r"such as lcs\.example\.com"):
        ServiceConfiguration(allowed_hosts=(host,))


@pytest.mark.parametrize(
    "origin", ["ui.example.com", "null", "ftp://x", "https://", "https://x/path", "https://a@b"]
)
def test_what_is_no_origin_is_refused_with_an_example(origin: str) -> None:
    with pytest.raises(ValidationError, match=r"such as https://ui\.example\.com"):
        ServiceConfiguration(allowed_origins=(origin,))
