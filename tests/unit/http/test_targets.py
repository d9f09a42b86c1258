"""Reading the address of a request: what is clear is read, all else is refused."""

import ipaddress
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_core.http.addresses import is_public
from lightspeed_core.http.failures import OutboundRefused
from lightspeed_core.http.targets import parse_target

REFUSED = (
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "http:///path",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://:@example.com/",
    "http://example.com@169.254.169.254/",
    "http://example.com:0/",
    "http://example.com:99999/",
    "http://exa mple.com/",
    "http://example.com\t/",
    "http://example.com\r\n/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com\x00/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://1.2.3.4.5/",
    "http://host.0x1/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "http://b\u00fccher.example/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://a..b/",
    "http://.example.com/",
    "http://-a.example/",
    "http://example.com/" + "a" * 9000,
)
# Private addresses as other programs read or write them.
SPELLINGS = (
    "{0}",
    "{0}.",
    "{1}",
    "{2:#x}",
    "0{2:o}",
    "{3[0]}.{3[1]}.{4}",
    "{3[0]:#x}.{3[1]:#x}.{3[2]:#x}.{3[3]:#x}",
    "0{3[0]:o}.0{3[1]:o}.0{3[2]:o}.0{3[3]:o}",
    "{3[0]:03d}.{3[1]:03d}.{3[2]:03d}.{3[3]:03d}",
    "[{0}]",
    "[::ffff:{0}]",
    "[::{0}]",
    "[64:ff9b::{0}]",
    "[2002:{5:x}:{6:x}::1]",
    "[0:0:0:0:0:ffff:{5:x}:{6:x}]",
    "someone@{0}",
    "example.com@{0}",
    "example.com:80@{0}",
    "{0}%00.example.com",
    "{0}#@example.com",
    "{0}\\@example.com",
)
PRIVATE = st.one_of(
    *(
        st.ip_addresses(v=4, network=network)
        for network in ("127.0.0.0/8", "10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")
    )
)


@pytest.mark.attack(41)
@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(OutboundRefused):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "host", "address"),
    [
        ("https://example.com/a?b=c", "example.com", None),
        ("HTTPS://Example.COM/", "example.com", None),
        ("http://example.com.:8080/", "example.com.", None),
        ("http://tools_a.team.svc/", "tools_a.team.svc", None),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", None),
        ("http://127.0.0.1:80/", "127.0.0.1", "127.0.0.1"),
        ("http://[::1]/", "::1", "::1"),
        ("http://[::FFFF:A9FE:A9FE]/", "::ffff:a9fe:a9fe", "::ffff:169.254.169.254"),
    ],
)
def test_a_plain_address_is_read(text: str, host: str, address: str | None) -> None:
    target = parse_target(text)

    assert target.host == host
    assert target.address == (address and ipaddress.ip_address(address))


@pytest.mark.attack(41)
@given(address=PRIVATE, spelling=st.sampled_from(SPELLINGS), path=st.sampled_from(["", "/", "/a"]))
def test_no_spelling_of_a_private_address_passes_for_a_name_or_a_public_one(
    address: IPv4Address, spelling: str, path: str
) -> None:
    number = int(address)
    host = spelling.format(
        address,
        number,
        number,
        address.packed,
        number & 0xFFFF,
        number >> 16,
        number & 0xFFFF,
    )
    try:
        target = parse_target(f"http://{host}{path}")
    except OutboundRefused:
        return
    assert target.address is not None
    assert not is_public(target.address)


def test_a_redirect_is_read_relative_to_where_it_came_from() -> None:
    base = parse_target("https://example.com/a/b?secret=1")

    assert str(parse_target("../c", base=base).url) == "https://example.com/c"
    assert parse_target("//127.0.0.1/", base=base).host == "127.0.0.1"
    with pytest.raises(OutboundRefused):
        parse_target("https://someone@example.com/", base=base)


def test_what_is_said_of_an_address_holds_no_path_and_no_query() -> None:
    assert str(parse_target("https://example.com/hidden?key=hidden")) == "https://example.com"
