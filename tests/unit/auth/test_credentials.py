"""What a request shows of its caller."""

import pytest

from lightspeed_core.auth.credentials import Credentials
from lightspeed_core.errors import MalformedRequest


def test_credentials_are_not_shown() -> None:
    credentials = Credentials(
        path="/v1/query", headers=[("authorization", "Bearer secret")], query=[("key", "secret")]
    )
    assert "secret" not in repr(credentials)


def test_what_is_sent_once_is_found_and_what_is_not_sent_is_none() -> None:
    credentials = Credentials(path="/", headers=[("a", "1")], query=[("b", "2")])
    assert (credentials.header("a"), credentials.header("b")) == ("1", None)
    assert (credentials.parameter("b"), credentials.parameter("a")) == ("2", None)


@pytest.mark.parametrize("second", ["1", "2"])
def test_what_is_sent_twice_is_ambiguous_even_when_it_agrees(second: str) -> None:
    pairs = [("a", "1"), ("a", second)]
    credentials = Credentials(path="/", headers=pairs, query=pairs)
    for find in (credentials.header, credentials.parameter):
        with pytest.raises(MalformedRequest, match="sent 2 times"):
            find("a")
