"""The documentation is complete, current, and leads nowhere wrong."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAliasType, get_args

import pytest
import yaml
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from lightspeed_core.api.errors import ERROR_TABLE
from lightspeed_core.api.event_reference import EVENT_SAMPLES
from lightspeed_core.api.guards import Guard, mark_of
from lightspeed_core.api.render.streaming_query import JsonFrames
from lightspeed_core.api.routes import include_routes
from lightspeed_core.cli.arguments import DOCUMENTS, build_parser
from lightspeed_core.cli.main import run
from lightspeed_core.config.load import load_configuration
from lightspeed_core.config.place import dotted
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.schema import sections_in, written_fields
from lightspeed_core.config.section import Section
from lightspeed_core.config.start_warnings import NOT_SERVED
from lightspeed_core.domain.events import TurnEvent
from lightspeed_core.engine.llama_stack.run_config import TOP_LEVEL_KEYS, read_run_config
from lightspeed_core.errors import LightspeedError
from tests.support.markdown import code_blocks, links, missing_target

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
EXAMPLES = sorted((DOCS / "examples").glob("*.yaml"))
SHIPPED = (ROOT / "run.yaml", ROOT / "lightspeed-stack.yaml")
MINIMAL: dict[str, Any] = {
    "name": "minimal",
    "service": {},
    "llama_stack": {"url": "http://localhost:8321"},
    "user_data_collection": {},
}

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def api_routes() -> list[APIRoute]:
    app = FastAPI(openapi_url=None)
    include_routes(app)
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    return [route for route in routes if isinstance(route, APIRoute)]


def error_kinds(base: type[LightspeedError] = LightspeedError) -> Iterator[type[LightspeedError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from error_kinds(kind)


def make_targets() -> dict[str, str]:
    """Return what `make help` lists: targets and their meanings."""
    return dict(re.findall(r"^([a-z][^:\n]*):.*## (.+)$", text_of("Makefile"), re.MULTILINE))


@pytest.mark.requirement("docs.links")
@by_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = {link: missing_target(page, link) for link in links(page.read_text("utf-8"))}
    assert {link: problem for link, problem in targets.items() if problem} == {}


@pytest.mark.requirement("docs.complete")
def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        inside = (link.partition("#")[0] for link in links(page.read_text(encoding="utf-8")))
        pages = ((page.parent / path).resolve() for path in inside if path.endswith(".md"))
        waiting += [page for page in pages if page.is_file() and page not in reached]
    decisions = {page for page in PAGES if page.parent.name == "decisions"}
    assert set(PAGES) - reached - decisions == set()


GENERATED = {
    "configuration.md": "configuration",
    "config.puml": "diagram",
    "events.md": "events",
    "openapi.json": "openapi",
    "openapi.md": "openapi",
    "schema.json": "schema",
}


@pytest.mark.requirement("docs.generated")
@pytest.mark.parametrize(("name", "document"), GENERATED.items())
def test_a_generated_file_is_current(tmp_path: Path, name: str, document: str) -> None:
    written = tmp_path / name

    assert run(["docs", document, "--output", str(written)]) == 0
    assert (DOCS / name).read_text(encoding="utf-8") == written.read_text(encoding="utf-8"), (
        f"write docs/{name} anew with `make doc`"
    )


@pytest.mark.requirement("docs.generated")
def test_make_doc_writes_every_generated_file() -> None:
    recipes = text_of("Makefile").replace("$@", "docs/config.puml")
    for name, document in GENERATED.items():
        assert f"docs {document} --output docs/{name}\n" in recipes
    assert set(GENERATED.values()) == set(DOCUMENTS)


@pytest.mark.requirement("docs.complete")
def test_every_configuration_key_is_described() -> None:
    reference = text_of("docs/configuration.md")
    missing = [
        f"{section.__name__}.{name}"
        for section in every_section(Configuration, set())
        for name, field in written_fields(section).items()
        if f"| `{name}` |" not in reference or (field.description or "?") not in reference
    ]
    assert missing == []


def every_section(section: type[Section], seen: set[type[Section]]) -> set[type[Section]]:
    seen.add(section)
    for field in written_fields(section).values():
        for inner in set(sections_in(field.annotation)) - seen:
            every_section(inner, seen)
    return seen


@pytest.mark.requirement("docs.complete")
def test_every_route_is_described() -> None:
    page = text_of("docs/api.md")
    named = set(re.findall(r"`([A-Z]+ /[^`]*)`", page))
    served = {f"{method} {route.path}" for route in api_routes() for method in route.methods or ()}
    hidden = {route for route in served if "/static/" in route}
    assert served - hidden == named


@pytest.mark.requirement("docs.complete")
def test_every_action_that_a_route_needs_is_described() -> None:
    page = text_of("docs/auth.md")
    marks = [mark_of(route) for route in api_routes()]
    actions = {mark.action for mark in marks if isinstance(mark, Guard) and mark.action}
    assert {action for action in actions if f"| `{action}` |" not in page} == set()


@pytest.mark.requirement("docs.complete")
def test_every_error_code_is_described_with_its_status() -> None:
    page = text_of("docs/api.md")
    described = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE))
    statuses = {kind.code: str(row.status) for kind, row in ERROR_TABLE.items()}
    # These two are raised by no error class of ours, or reach no client.
    expected = statuses | {"validation_error": "422", "configuration_error": "none"}
    assert described == expected
    assert {kind.code for kind in error_kinds()} <= set(described)


@pytest.mark.requirement("docs.complete")
def test_every_event_is_described() -> None:
    page = text_of("docs/events.md")
    kinds = {kind.__name__ for kind in members(TurnEvent)}
    assert kinds == set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    frames = JsonFrames().render(EVENT_SAMPLES).decode()
    for name in set(re.findall(r'"event": ?"(\w+)"', frames)):
        assert f'"event": "{name}"' in page


def members(union: Any) -> Iterator[type]:
    if isinstance(union, type):
        yield union
    elif isinstance(union, TypeAliasType):
        yield from members(union.__value__)
    else:
        for each in get_args(union):
            yield from members(each)


@pytest.mark.requirement("docs.complete")
def test_every_make_target_is_described() -> None:
    page = text_of("docs/contributing.md")
    rows = re.findall(r"^\| ((?:`make [^`]+`(?:, )?)+) \|", page, re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`make ([^`]+)`", row)}
    listed = {name for targets in make_targets() for name in targets.split()}
    assert described == listed


@pytest.mark.requirement("make.targets")
@by_page
def test_every_make_command_of_a_page_names_a_target(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = [block.text for block in code_blocks(text)] + re.findall(r"`([^`\n]+)`", text)
    commands = re.findall(r"^(?:[A-Z_]+=\S+ )*make (\S+)", "\n".join(code), re.MULTILINE)
    targets = {name for each in make_targets() for name in each.split()}
    assert set(commands) <= targets


@pytest.mark.requirement("docs.complete")
def test_every_flag_is_described() -> None:
    readme = text_of("README.md")
    (usage,) = (block.text for block in code_blocks(readme) if block.text.startswith("usage:"))
    described, shown = (
        re.sub(r"\s+", " ", text).strip() for text in (usage, build_parser().format_usage())
    )
    # A subcommand may follow; the page shows the flags.
    assert shown.startswith(described)


def variables_of_files() -> set[str]:
    # Through YAML, which leaves out the comments.
    texts = [str(yaml.safe_load(path.read_text())) for path in SHIPPED]
    return {name for text in texts for name in re.findall(r"\$\{env\.([A-Z0-9_]+)", text)}


def variables_of_code() -> set[str]:
    files = [*(ROOT / "lightspeed_core").rglob("*.py"), *(ROOT / "providers").rglob("*.py")]
    return {name for file in files for name in environment_reads(ast.parse(file.read_text()))}


def variables_set_for_llama_stack() -> set[str]:
    module = text_of("lightspeed_core/engine/llama_stack/environment.py")
    return set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', module))


def environment_reads(module: ast.Module) -> Iterator[str]:
    """Yield the names by which a module reads or writes a mapping called `environ`."""
    constants = dict(string_constants(module))
    for node in ast.walk(module):
        match node:
            case (
                ast.Call(func=ast.Attribute(value=mapping, attr="get"), args=[key, *_])
                | ast.Subscript(value=mapping, slice=key)
            ) if ast.unparse(mapping).endswith("environ"):
                if isinstance(key, ast.Constant):
                    yield str(key.value)
                elif isinstance(key, ast.Name) and key.id in constants:
                    yield constants[key.id]
            case _:
                pass


def string_constants(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str() as text)):
                yield name, text
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str() as text)):
                yield name, text
            case _:
                pass


@pytest.mark.requirement("docs.complete")
def test_every_environment_variable_is_described() -> None:
    page = text_of("docs/environment.md")
    read = variables_of_files() | variables_of_code() | variables_set_for_llama_stack()
    assert {"LIGHTSPEED_DATA_DIR", "OPENAI_API_KEY", "TIKTOKEN_CACHE_DIR"} <= read
    assert {name for name in read if f"`{name}`" not in page} == set()


@pytest.mark.requirement("docs.complete")
def test_every_variable_of_the_readme_is_read_and_every_switch_is_in_it() -> None:
    readme = text_of("README.md")
    named = set(re.findall(r"`((?:[A-Z]+_)+[A-Z]+)`", readme))
    constants = {name for name in named if name.endswith("_SUPPORTED_LLAMA_STACK_VERSION")}
    assert named - constants <= variables_of_files() | variables_of_code()
    switches = re.findall(r"provider_id: \$\{env\.(\w+):\+", text_of("run.yaml"))
    rows = re.findall(r"^\| `([A-Z_]+)` \|", readme, re.MULTILINE)
    assert [row for row in rows if row in switches] == switches


YAML_BLOCKS = [
    pytest.param(block.text, id=f"{page.relative_to(ROOT)}:{block.line}")
    for page in PAGES
    for block in code_blocks(page.read_text(encoding="utf-8"))
    if block.language == "yaml"
]


@pytest.mark.requirement("docs.examples")
@pytest.mark.parametrize("text", YAML_BLOCKS)
def test_a_yaml_example_of_a_page_is_accepted(tmp_path: Path, text: str) -> None:
    # A store that a file names has to be there.
    for name in re.findall(r"db_path: /data/([\w.-]+)", text):
        (tmp_path / name).touch()
    content: Mapping[str, Any] = yaml.safe_load(text.replace(" /data/", f" {tmp_path}/"))
    if content.keys() <= TOP_LEVEL_KEYS:
        check_run_configuration(tmp_path, content)
    elif content.keys() <= Configuration.model_fields.keys():
        file = tmp_path / "lightspeed-stack.yaml"
        file.write_text(yaml.safe_dump({**MINIMAL, **content}))
        load_configuration(file, {"HOME": str(tmp_path)})
    else:
        # Other programs' files: what concerns us in them is the way to us.
        paths = set(re.findall(r"path: (/\w+), port", text))
        assert paths
        assert paths <= {route.path for route in api_routes()}


@pytest.mark.requirement("docs.examples")
@pytest.mark.parametrize("file", [*EXAMPLES, *SHIPPED], ids=lambda file: file.name)
def test_an_example_file_is_accepted(tmp_path: Path, file: Path) -> None:
    content: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    if content.keys() <= TOP_LEVEL_KEYS:
        read_run_config(file)
        return
    for name in ("tls.crt", "tls.key", "password.txt"):
        (tmp_path / name).write_text("x")
    load_configuration(file, {"HOME": str(tmp_path), "TLS_DIR": str(tmp_path)})


def check_run_configuration(folder: Path, content: Mapping[str, Any]) -> None:
    """Check a piece of a run.yaml in its place in the shipped one."""
    shipped = yaml.safe_load(text_of("run.yaml"))
    file = folder / "run.yaml"
    file.write_text(yaml.safe_dump({**shipped, **content}))
    read_run_config(file)


@pytest.mark.requirement("docs.honest")
def test_what_is_said_not_to_be_done_is_not_done() -> None:
    (section,) = text_of("docs/concepts.md").split("## What this version does not do\n")[1:]
    served = {f"{method} {route.path}" for route in api_routes() for method in route.methods or ()}
    missing_routes = set(re.findall(r"`([A-Z]+ /[^`]*)`", section))
    assert missing_routes
    assert missing_routes & served == set()
    keys = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", section)) - {"noop"}
    assert keys
    assert keys <= {dotted(place) for place in NOT_SERVED}


@pytest.mark.requirement("docs.words")
@by_page
def test_a_page_uses_the_words_of_the_product(page: Path) -> None:
    if page.parent.name == "decisions":
        return
    text = page.read_text(encoding="utf-8")
    unwanted = r"\b(guardrails?|chat history|session ids?|vector dbs?|vector databases?)\b"
    assert re.findall(unwanted, text, re.IGNORECASE) == []


@pytest.mark.requirement("stack.version-range")
def test_the_readme_names_the_range_that_is_checked_and_the_pin_is_in_it() -> None:
    constants: dict[str, str] = {}
    exec(text_of("lightspeed_core/constants.py"), constants)
    lowest = constants["MINIMAL_SUPPORTED_LLAMA_STACK_VERSION"]
    highest = constants["MAXIMAL_SUPPORTED_LLAMA_STACK_VERSION"]
    assert f"Llama Stack {lowest} to {highest} is supported" in text_of("README.md")
    pinned = tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"]
    assert f"llama-stack=={highest}" in pinned
