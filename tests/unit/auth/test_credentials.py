"""What a request shows of its caller."""

from lightspeed_core.auth.credentials import Credentials


def test_credentials_are_not_shown() -> None:
    credentials = Credentials(
        path="/v1/query", headers={"authorization": "Bearer secret"}, query={"key": "secret"}
    )
    assert "secret" not in repr(credentials)
