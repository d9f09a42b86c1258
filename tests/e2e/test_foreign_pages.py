"""Pages of elsewhere in a real Chromium, open beside a service of this machine that asks nobody."""

import os
import shutil
import socket
import threading
from collections.abc import Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.command import MINIMAL, run, written
from tests.support.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# What an attacker's name server would say.
REBOUND = "--host-resolver-rules=MAP *.test 127.0.0.1"
# Newer browsers guard this machine by themselves; the service must stand without their help.
UNGUARDED = "--disable-features=LocalNetworkAccessChecks"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
BOUND_MS = 60_000
BAIT = "<!DOCTYPE html><title>Elsewhere</title><body></body>"
ASK = """async ([address, options]) => {
  const answer = await fetch(address, options);
  return [answer.status, await answer.text()];
}"""
FORM = """([address, type]) => {
  const form = document.body.appendChild(document.createElement("form"));
  form.action = address;
  form.method = "post";
  form.enctype = type;
  const field = form.appendChild(document.createElement("input"));
  field.name = '{"query": "x", "ignored": "';
  field.value = '"}';
  form.submit();
}"""


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = BAIT.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


@pytest.fixture(scope="module")
def elsewhere() -> Generator[int]:
    """The port of another site's server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, REBOUND, UNGUARDED]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(BOUND_MS)
        yield context.new_page()


@pytest.mark.requirement("browser.hosts")
@pytest.mark.attack(36)
def test_a_page_whose_name_was_rebound_reads_nothing(page: Page, service: Service) -> None:
    address = f"http://rebound.test:{service.port}"
    # It came from the attacker's own server, on the same port, before its name was changed.
    page.route(f"{address}/bait", lambda route: route.fulfill(body=BAIT, content_type="text/html"))
    page.goto(f"{address}/bait")
    for path in ("/", "/v1/conversations", "/v1/config", "/openapi.json"):
        status, text = page.evaluate(ASK, [path, {}])
        assert status == 421
        assert "service.allowed_hosts" in text


@pytest.mark.requirement("browser.origins")
@pytest.mark.attack(36)
def test_a_page_of_elsewhere_reads_nothing(page: Page, service: Service, elsewhere: int) -> None:
    page.goto(f"http://evil.test:{elsewhere}/")
    question = {
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": '{"query": "x"}',
    }
    for path, options in (("/v1/conversations", {}), ("/v1/query", question)):
        status, text = page.evaluate(ASK, [f"{service.url}{path}", options])
        assert status == 403
        assert "service.allowed_origins" in text


@pytest.mark.requirement("browser.cors")
def test_a_page_of_a_development_server_asks(page: Page, service: Service, elsewhere: int) -> None:
    page.goto(f"http://localhost:{elsewhere}/")
    status, text = page.evaluate(ASK, [f"{service.url}/v1/models", {}])
    assert status == 200
    assert '"models"' in text


@pytest.mark.attack(38)
@pytest.mark.parametrize(
    "form", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_a_form_of_elsewhere_changes_nothing(
    page: Page, service: Service, elsewhere: int, form: str
) -> None:
    page.goto(f"http://evil.test:{elsewhere}/")
    with page.expect_response(f"{service.url}/v1/query") as answer:
        page.evaluate(FORM, [f"{service.url}/v1/query", form])
    assert answer.value.status == 403


@pytest.mark.requirement("browser.hosts")
@pytest.mark.attack(36)
@pytest.mark.parametrize("path", ["/", "/liveness", "/v1/models", "/nowhere"])
def test_another_name_is_refused_on_the_wire(service: Service, path: str) -> None:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: evil.example:{service.port}\r\nConnection: close\r\n\r\n"
    )
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=60)) as connection:
        connection.sendall(request.encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 421 ")


@pytest.mark.requirement("browser.cors")
@pytest.mark.attack(37)
def test_cors_for_every_origin_with_credentials_is_refused_at_start(tmp_path: Path) -> None:
    cors = 'cors: {allow_origins: ["https://a.example.com", "*"], allow_credentials: true}, host:'

    done = run(tmp_path, "-c", str(written(tmp_path, MINIMAL.replace("host:", cors))))

    assert done.returncode == 2
    assert "service.cors" in done.stderr
    assert "allow_credentials can not be set to true" in done.stderr
    assert "Traceback" not in done.stderr
