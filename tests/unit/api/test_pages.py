"""The pages, their files, and that nothing of them comes from elsewhere."""

import hashlib
import re
from pathlib import Path

import pytest
from starlette.types import ASGIApp

import lightspeed_core
from tests.support.asgi import client_of

WEB = Path(lightspeed_core.__file__).parent / "web"
VENDOR = WEB / "vendor"
OURS = sorted(path for path in WEB.iterdir() if path.is_file())
ADDRESS = re.compile(r"""(?:src|href|spec-url)=["']([^"']*)["']""")


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Test &amp; Service"),
        ("/docs", "Test &amp; Service - Swagger UI"),
        ("/redoc", "Test &amp; Service - ReDoc"),
    ],
)
async def test_a_page_names_the_service(app: ASGIApp, path: str, title: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<title>{title}</title>" in answer.text
    assert "{{" not in answer.text


@pytest.mark.requirement("page.viewers")
@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
async def test_whatever_a_page_names_is_served_here(app: ASGIApp, path: str) -> None:
    async with client_of(app) as client:
        page = (await client.get(path)).text
        addresses = ADDRESS.findall(page)
        assert addresses
        for address in addresses:
            assert not re.match(r"[a-z]+:|/", address), f"{address} is not relative"
            assert (await client.get(f"/{address}")).status_code == 200, address


@pytest.mark.requirement("browser.policy")
@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
async def test_a_page_forbids_whatever_comes_from_elsewhere(app: ASGIApp, path: str) -> None:
    async with client_of(app) as client:
        policy = (await client.get(path)).headers["content-security-policy"]
    directives = dict(entry.strip().split(" ", 1) for entry in policy.split(";"))
    assert directives["default-src"] == "'none'"
    sources = {source for value in directives.values() for source in value.split()}
    hashes = {source for source in sources if source.startswith("'sha256-")}
    assert sources - hashes <= {"'none'", "'self'", "data:", "blob:"}
    assert directives.get("script-src") in {None, "'self'"}
    assert len(hashes) == (2 if path == "/redoc" else 0)


@pytest.mark.requirement("page.viewers")
@pytest.mark.parametrize("file", OURS, ids=lambda path: path.name)
def test_our_own_files_name_no_address_elsewhere(file: Path) -> None:
    addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", file.read_text())
    assert [each for each in addresses if each != "http://www.w3.org/2000/svg"] == []


@pytest.mark.parametrize("file", OURS, ids=lambda path: path.name)
def test_no_script_stands_in_a_page(file: Path) -> None:
    text = file.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|\bon\w+=|<style|\bstyle=", text) == []


def vendored() -> list[Path]:
    return sorted(path for path in VENDOR.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", vendored(), ids=lambda path: path.name)
def test_files_of_others_are_the_ones_that_were_taken_in(folder: Path) -> None:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    present = {path.name for path in folder.iterdir()} - {"SHA256SUMS", "ORIGIN"}
    assert set(listed) == present
    assert "LICENSE" in present
    assert (folder / "ORIGIN").read_text().strip()
    for name, digest in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_viewers_ask_nobody_else() -> None:
    redoc = (VENDOR / "redoc" / "redoc.standalone.js").read_text()
    assert "cdn.redoc.ly" not in redoc
    assert "fonts.googleapis.com" not in redoc
    assert "@import" not in (VENDOR / "swagger-ui" / "swagger-ui.css").read_text()
    assert "validatorUrl: null" in (WEB / "docs.js").read_text()


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/static/style.css"])
async def test_what_a_client_has_is_not_sent_again(app: ASGIApp, path: str) -> None:
    async with client_of(app) as client:
        first = await client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = await client.get(path, headers={"if-none-match": first.headers["etag"]})
        other = await client.get(path, headers={"if-none-match": '"other"'})
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/nope.js",
        "/static/",
        "/static/vendor",
        "/static/../state.py",
        "/static/%2e%2e/constants.py",
        "/static/..%2fconstants.py",
        "/static//etc/passwd",
        "/static/vendor/%00",
    ],
)
async def test_no_other_file_can_be_read(app: ASGIApp, path: str) -> None:
    async with client_of(app) as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["detail"]["response"] == "Not Found"


async def test_files_are_sent_as_what_they_are(app: ASGIApp) -> None:
    async with client_of(app) as client:
        for name, kind in [
            ("docs.js", "text/javascript; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("mark.svg", "image/svg+xml"),
        ]:
            answer = await client.get(f"/static/{name}")
            assert answer.headers["content-type"] == kind
            assert answer.headers["x-content-type-options"] == "nosniff"
