"""The limits that no linter holds: length of files and functions, and suppressions."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("lightspeed_core", "providers/lightspeed_stack_providers")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_SUPPRESSIONS = 10

# Where foreign code is called, or a task of the service is wrapped: nothing else may catch all.
CATCHES_EVERYTHING = {
    "lightspeed_core/api/guards.py": 1,
    "lightspeed_core/assistant/keeper.py": 1,
    "lightspeed_core/assistant/record.py": 1,
    "lightspeed_core/assistant/shields/checks.py": 1,
    "lightspeed_core/assistant/supervisor.py": 2,
    "lightspeed_core/assistant/topic.py": 1,
    "lightspeed_core/auth/jwt/cache.py": 1,
    "lightspeed_core/cli/doctor/examination.py": 1,
    "lightspeed_core/cli/startup.py": 1,
    "lightspeed_core/config/profile.py": 1,
    "lightspeed_core/db/writer.py": 1,
    "lightspeed_core/engine/llama_stack/boot.py": 1,
    "lightspeed_core/engine/llama_stack/connect.py": 1,
    "lightspeed_core/engine/llama_stack/failures.py": 1,
    "lightspeed_core/engine/llama_stack/in_process.py": 1,
    "lightspeed_core/engine/llama_stack/loading.py": 1,
    "lightspeed_core/ingest/parse/child.py": 1,
    "lightspeed_core/ingest/runner.py": 1,
    "lightspeed_core/mcp/sdk.py": 2,
    "providers/lightspeed_stack_providers/extractive/similarity.py": 1,
    "providers/lightspeed_stack_providers/onnx_embeddings/counter.py": 1,
    "providers/lightspeed_stack_providers/onnx_embeddings/session.py": 1,
    "providers/lightspeed_stack_providers/vector_stores/question.py": 1,
}

SUPPRESSION = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:|pylint:\s*disable)")


def modules() -> Iterator[Path]:
    for source in SOURCES:
        yield from sorted((ROOT / source).rglob("*.py"))


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("module", list(modules()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_are_read_in_one_go(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= MAX_FILE_LINES
    for function in functions(module):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        assert lines <= MAX_FUNCTION_LINES, f"{function.name} has {lines} lines"


def test_exceptions_of_every_kind_are_caught_in_the_listed_places_alone() -> None:
    found = Counter(
        str(module.relative_to(ROOT))
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    )
    assert found == CATCHES_EVERYTHING


def catches_everything(handler: ast.ExceptHandler) -> bool:
    if isinstance(handler.type, ast.Name):
        return handler.type.id == "Exception"
    return handler.type is None


def test_suppressions_only_become_fewer() -> None:
    found = [
        f"{module.relative_to(ROOT)}:{number}"
        for module in modules()
        for number, line in enumerate(module.read_text().splitlines(), start=1)
        if SUPPRESSION.search(line)
    ]
    assert len(found) <= MAX_SUPPRESSIONS, "\n".join(found)


# Who speaks HTTP to others, and how many requests each sends.
REQUESTS_SENT = {
    "lightspeed_core/engine/llama_stack/server_client.py": 1,
    "lightspeed_core/http/client.py": 1,
    "lightspeed_core/http/transport.py": 0,
    "lightspeed_core/mcp/sdk.py": 0,
    "providers/lightspeed_stack_providers/openai_compatible/endpoint.py": 2,
}
# It asks whether the service itself listens; its client follows nothing.
ASKS_ITSELF = "lightspeed_core/cli/doctor/listener.py"
CLIENTS = {
    "ClientSession",
    "AsyncClient",
    "AsyncHTTPTransport",
    "AsyncOpenAI",
    "HTTPConnection",
    "HTTPSConnection",
    "urlopen",
}
REQUEST_METHODS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}


def test_only_the_listed_modules_can_send_requests() -> None:
    found = {
        str(module.relative_to(ROOT))
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and called_name(node) in CLIENTS
    }
    assert found == {*REQUESTS_SENT, ASKS_ITSELF}


def called_name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


@pytest.mark.parametrize("name", REQUESTS_SENT)
def test_a_request_says_that_redirects_are_not_followed(name: str) -> None:
    sent = [node for node in ast.walk(ast.parse((ROOT / name).read_text())) if sends(node)]

    assert len(sent) == REQUESTS_SENT[name]
    for call in sent:
        said = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert said.get("allow_redirects") == "False", ast.unparse(call)


def sends(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in REQUEST_METHODS
        and re.search("session|connected", ast.unparse(node.func.value)) is not None
    )
