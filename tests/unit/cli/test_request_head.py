"""Which heads of requests are taken, beyond what the parser looks at."""

from collections.abc import Sequence

import pytest

from lightspeed_core.cli.request_head import check_head, check_size
from lightspeed_core.config.service_limits import ServiceLimits
from lightspeed_core.errors import HeadTooLarge, MalformedRequest

HOST = (b"host", b"lcs.example:8080")
CHUNKED = (b"transfer-encoding", b"chunked")
LENGTH = (b"content-length", b"5")
LIMITS = ServiceLimits(max_headers=3, max_header_bytes=40)

pytestmark = pytest.mark.attack(31)


@pytest.mark.parametrize(
    ("target", "headers", "version"),
    [
        (b"/a?b=c", [HOST], "1.1"),
        (b"/", [(b"host", b"")], "1.1"),
        (b"/", [(b"host", b"[::1]:8080")], "1.1"),
        (b"/", [], "1.0"),
        (b"/", [HOST, LENGTH], "1.0"),
        (b"/", [HOST, (b"transfer-encoding", b"Chunked")], "1.1"),
        (b"http://LCS.example:8080/a", [HOST], "1.1"),
        (b"//other/a", [HOST], "1.1"),
    ],
)
def test_heads_that_all_servers_read_alike_are_taken(
    target: bytes, headers: Sequence[tuple[bytes, bytes]], version: str
) -> None:
    check_head(target, headers, version, upgrades=False)


@pytest.mark.parametrize(
    ("target", "headers", "version"),
    [
        (b"/", [], "1.1"),
        (b"/", [HOST, HOST], "1.1"),
        (b"/", [HOST, HOST], "1.0"),
        (b"/", [(b"host", b"a b")], "1.1"),
        (b"/", [(b"host", b"a/b")], "1.1"),
        (b"/", [(b"host", b"a@b")], "1.1"),
        (b"/", [(b"host", b"a, b")], "1.1"),
        (b"/", [(b"host", b"a:port")], "1.1"),
        (b"/", [(b"host", "é".encode())], "1.1"),
        (b"/", [HOST], "2.0"),
        (b"/", [HOST], "0.9"),
        (b"/#", [HOST], "1.1"),
        (b"*", [HOST], "1.1"),
        (b"lcs.example:8080", [HOST], "1.1"),
        (b"http://other/a", [HOST], "1.1"),
        (b"http://other?@lcs.example:8080/a", [HOST], "1.1"),
        (b"http://user@lcs.example:8080/a", [HOST], "1.1"),
        (b"file://lcs.example:8080/a", [HOST], "1.1"),
        (b"/", [HOST, CHUNKED, LENGTH], "1.1"),
        (b"/", [HOST, CHUNKED, CHUNKED], "1.1"),
        (b"/", [HOST, CHUNKED], "1.0"),
        (b"/", [HOST, (b"transfer-encoding", b"gzip, chunked")], "1.1"),
        (b"/", [HOST, (b"transfer-encoding", b"identity")], "1.1"),
    ],
)
def test_heads_that_another_server_could_read_otherwise_are_refused(
    target: bytes, headers: Sequence[tuple[bytes, bytes]], version: str
) -> None:
    with pytest.raises(MalformedRequest):
        check_head(target, headers, version, upgrades=False)


@pytest.mark.parametrize("body", [CHUNKED, LENGTH])
def test_a_body_that_would_belong_to_another_protocol_is_refused(body: tuple[bytes, bytes]) -> None:
    check_head(b"/", [HOST], "1.1", upgrades=True)
    with pytest.raises(MalformedRequest):
        check_head(b"/", [HOST, body], "1.1", upgrades=True)


def test_a_head_may_have_so_many_headers_and_bytes_and_no_more() -> None:
    check_size(b"/", [(b"a", b"b")] * 3, LIMITS)
    check_size(b"/" * 20, [(b"a" * 10, b"b" * 10)], LIMITS)
    with pytest.raises(HeadTooLarge, match="at most 3 headers"):
        check_size(b"/", [(b"a", b"b")] * 4, LIMITS)
    with pytest.raises(HeadTooLarge, match="at most 40 bytes"):
        check_size(b"/" * 20, [(b"a" * 10, b"b" * 11)], LIMITS)
