"""Which addresses are public, and which an operator's list opens."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.http.addresses import Allowed, effective, is_public

PUBLIC = (
    "8.8.8.8",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "64:ff9b::8.8.8.8",
    "::ffff:8.8.8.8",
)
NOT_PUBLIC = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_of_a_special_range_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_in_its_ipv6_forms(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    translated = IPv6Address(f"64:ff9b::{address}")

    assert effective(mapped) == effective(translated) == address
    assert is_public(mapped) == is_public(translated) == is_public(address)


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("10.1.0.0/16", "10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "tools.example", "10.1.2.3"),
        ("10.1.2.3", "tools.example", "::ffff:10.1.2.3"),
        ("fd00::/8", "fd00::5", "fd00::5"),
        ("tools.internal", "tools.internal", "10.9.9.9"),
        ("tools.internal", "Tools.Internal.", "10.9.9.9"),
        ("*.svc.cluster.local", "tools.team.svc.cluster.local", "10.9.9.9"),
        ("localhost", "localhost", "127.0.0.1"),
        ("localhost", "localhost", "::1"),
        ("169.254.169.254", "169.254.169.254", "169.254.169.254"),
    ],
)
def test_a_listed_place_is_open(entry: str, host: str, address: str) -> None:
    assert Allowed([entry]).permits(host, ip_address(address))


@pytest.mark.parametrize(
    ("entry", "host", "address"),
    [
        ("10.1.0.0/16", "10.2.0.1", "10.2.0.1"),
        ("tools.internal", "other.internal", "10.9.9.9"),
        ("tools.internal", "evil-tools.internal", "10.9.9.9"),
        ("tools.internal", "x.tools.internal", "10.9.9.9"),
        ("*.internal", "internal", "10.9.9.9"),
        ("*.internal", "evilinternal", "10.9.9.9"),
        ("tools.internal", "tools.internal", "169.254.169.254"),
        ("tools.internal", "tools.internal", "::ffff:a9fe:a9fe"),
        ("tools.internal", "tools.internal", "168.63.129.16"),
        ("tools.internal", "tools.internal", "fe80::1"),
        ("tools.internal", "tools.internal", "0.0.0.0"),
        ("0.0.0.0/0", "::1", "::1"),
    ],
)
def test_what_is_not_listed_stays_closed(entry: str, host: str, address: str) -> None:
    assert not Allowed([entry]).permits(host, ip_address(address))


def test_a_list_closes_nothing() -> None:
    assert Allowed([]).permits("example.com", ip_address("93.184.216.34"))
