"""What the doctor says of the key server of `jwk-token`."""

from pathlib import Path

from lightspeed_core.cli.doctor.examination import examine
from lightspeed_core.cli.doctor.finding import Finding, Severity
from lightspeed_core.cli.doctor.key_server import check_key_server
from lightspeed_core.config.authentication import JwkConfiguration
from lightspeed_core.http.settings import OutboundSettings
from tests.support.doctor import NO_USER_DATA, examined_configuration
from tests.support.key_server import answer_bytes, key_server
from tests.support.tokens import token_key

PLACE = "authentication.jwk_config.url"


async def checked(url: str, **jwt: object) -> Finding:
    settings = JwkConfiguration.model_validate({"url": url, "jwt_configuration": jwt})
    (finding,) = await check_key_server(settings, OutboundSettings())
    assert finding.where == PLACE
    return finding


async def test_usable_keys_are_counted_with_their_algorithms() -> None:
    keys = token_key("a", "RS256"), token_key("b", "ES256"), token_key("c", "HS256")
    with key_server(*keys) as server:
        finding = await checked(server.url)
        narrowed = await checked(server.url, algorithms=["ES256"])

    assert finding.severity is Severity.OK
    assert finding.what.endswith(": 2, for ES256, RS256")
    assert narrowed.what.endswith(": 1, for ES256")


async def test_a_server_without_usable_keys_is_fatal() -> None:
    with key_server(token_key("c", "HS256")) as server:
        finding = await checked(server.url)

    assert finding.severity is Severity.FATAL
    assert "no key that can be used" in finding.what
    assert "algorithms" in finding.remedy


async def test_a_server_that_gives_no_keys_is_fatal_and_its_answer_is_told() -> None:
    with key_server() as server:
        server.behave = answer_bytes(b"", 404)
        missing = await checked(server.url)
        server.behave = answer_bytes(b"<html>")
        page = await checked(server.url)
        url = server.url
    gone = await checked(url)

    assert {finding.severity for finding in (missing, page, gone)} == {Severity.FATAL}
    assert "status 404" in missing.what
    assert "Authentication key server returned invalid data" in page.what
    assert "127.0.0.1" in gone.what


async def test_the_key_server_is_examined_where_tokens_are_configured(tmp_path: Path) -> None:
    with key_server(token_key("b", "ES256")) as server:
        module = f"authentication: {{module: jwk-token, jwk_config: {{url: '{server.url}'}}}}\n"
        configured = await examine(examined_configuration(tmp_path, NO_USER_DATA + module), {})
    default = await examine(examined_configuration(tmp_path), {})

    assert [found.severity for found in configured if found.check == "key-server"] == ["ok"]
    assert not [found for found in default if found.check == "key-server"]
