"""The pages in a real Chromium: they show what they should and ask nobody else."""

import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    Route,
    expect,
    sync_playwright,
)

from tests.support.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
BOUND_MS = 60_000
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (violation) =>
  console.error(`policy: ${violation.violatedDirective} ${violation.blockedURI}`));
"""


@dataclass
class Visit:
    """A tab with everything that it asked for and that went wrong in it."""

    page: Page
    asked: list[str] = field(default_factory=list[str])
    complaints: list[str] = field(default_factory=list[str])

    def pass_on(self, route: Route) -> None:
        self.asked.append(route.request.url)
        route.continue_()

    def note_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def note_answer(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def check_origin_and_complaints(self, service: Service) -> None:
        """Hold against the visit what it asked of others and what the browser complained of."""
        assert [url for url in self.asked if not url.startswith(f"{service.url}/")] == []
        assert self.asked
        assert self.complaints == []


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, service: Service) -> Generator[Visit]:
    expect.set_options(timeout=BOUND_MS)
    with browser.new_context(base_url=service.url) as context:
        context.set_default_timeout(BOUND_MS)
        context.add_init_script(TELL_VIOLATIONS)
        visit = Visit(context.new_page())
        context.route("**/*", visit.pass_on)
        context.on("console", visit.note_message)
        context.on("weberror", lambda error: visit.complaints.append(str(error.error)))
        context.on("requestfailed", lambda failed: visit.complaints.append(f"lost {failed.url}"))
        context.on("response", visit.note_answer)
        yield visit


def operation(page: Page, path: str) -> Locator:
    """Return the block of Swagger UI for a path."""
    exactly = page.locator(f'[data-path="{path}"]')
    return page.locator(".opblock").filter(has=exactly)


@pytest.mark.requirement("page.root")
def test_the_root_page_names_the_service_and_leads_to_its_description(
    visit: Visit, service: Service
) -> None:
    page = visit.page
    page.goto("/")

    expect(page).to_have_title("Lightspeed Core Service (LCS)")
    expect(page.get_by_role("heading")).to_contain_text("Lightspeed Core Service (LCS)")
    assert page.locator("img").evaluate("image => image.naturalWidth") > 0
    page.get_by_role("link", name="Swagger UI").click()
    expect(page).to_have_url(f"{service.url}/docs")
    expect(operation(page, "/v1/query")).to_be_visible()
    visit.check_origin_and_complaints(service)


@pytest.mark.requirement("page.root")
def test_every_link_of_the_root_page_leads_somewhere(visit: Visit, service: Service) -> None:
    visit.page.goto("/")
    links = visit.page.get_by_role("link").evaluate_all("all => all.map(each => each.href)")

    assert f"{service.url}/docs" in links
    for link in links:
        assert visit.page.goto(link, wait_until="networkidle") is not None
    visit.check_origin_and_complaints(service)


@pytest.mark.requirement("page.viewers")
def test_swagger_ui_shows_the_api_and_asks_this_server(visit: Visit, service: Service) -> None:
    page = visit.page
    page.goto("/docs")

    expect(page.get_by_role("heading", name="service - OpenAPI")).to_be_visible()
    for path in ("/v1/query", "/v1/streaming_query"):
        expect(operation(page, path)).to_be_visible()
    liveness = operation(page, "/liveness")
    liveness.locator(".opblock-summary").click()
    liveness.get_by_role("button", name="Try it out").click()
    liveness.get_by_role("button", name="Execute").click()
    expect(liveness.locator(".live-responses-table")).to_contain_text('"alive": true')
    assert f"{service.url}/liveness" in visit.asked
    visit.check_origin_and_complaints(service)


@pytest.mark.requirement("page.viewers")
def test_redoc_shows_the_api_and_finds_in_it(visit: Visit, service: Service) -> None:
    page = visit.page
    page.goto("/redoc")

    expect(page.get_by_role("heading", name="service - OpenAPI")).to_be_visible()
    expect(page.get_by_text("/v1/query", exact=True).first).to_be_visible()
    page.get_by_role("textbox", name="Search").fill("interrupt")
    expect(page.locator('[data-role="search:results"]')).to_contain_text("Interrupt")
    visit.check_origin_and_complaints(service)


def test_a_page_that_asked_for_more_would_be_noticed(visit: Visit) -> None:
    visit.page.goto("/")
    with visit.page.expect_console_message(lambda message: "policy:" in message.text):
        visit.page.evaluate(
            "document.body.appendChild(document.createElement('script')).src = 'https://a.test/x'"
        )

    assert [complaint for complaint in visit.complaints if "script-src" in complaint]
