"""Measures what authentication and authorization cost: `noop` beside tokens with roles and rules.

Two services run side by side on one fake model, and are asked in turn, round by round.
"""

import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from tests.bench.processes import Meter, wait_for
from tests.bench.requests_plan import BARE, TOKENS, User, measured_load
from tests.bench.samples import Batch
from tests.bench.serving import service_settings, told_when_ended
from tests.support.key_server import key_server
from tests.support.service import running_service
from tests.support.stub_llm import stub_llm
from tests.support.tokens import claims_of, token_key

HEADING: Final = "## Authentication and authorization\n"
AIM: Final = 1.1
CALLERS: Final = 32
USERS: Final = 100
REQUESTS: Final = 640
# What is looked for is smaller than what a busy machine makes of one and the same batch.
PAIRS: Final = 6
WARM_UP: Final = 200
NOOP: Final = "noop"
TOKENED: Final = "jwk-token, roles and rules"
LIFETIME: Final = 86_400
_ALGORITHMS: Final = ("RS256", "ES256")
_INTRODUCTION: Final = f"""\
`POST /v1/query` with the module `noop`, and with `jwk-token`, four role rules (one a pattern) and
three access rules. {CALLERS} callers ask as {USERS} users whose tokens were seen before; the keys
are cached. The aim is {AIM} at most. Both are measured in turn, either one first as often as the
other; ratios are medians of the ratios within each pair of batches.
"""


@dataclass(frozen=True)
class _Side:
    """A service, and those who ask it."""

    name: str
    url: str
    meter: Meter
    users: Sequence[User]


def measure_access(folder: Path, rounds: int) -> Mapping[str, list[Batch]]:
    """Return the batches of both modules, one a round."""
    folder.mkdir(parents=True)
    results: defaultdict[str, list[Batch]] = defaultdict(list)
    keys = [token_key(algorithm, algorithm) for algorithm in _ALGORITHMS]
    with ExitStack() as stack:
        stub = stack.enter_context(stub_llm("--tokens", str(TOKENS)))
        server = stack.enter_context(key_server(*keys))
        sides: list[_Side] = []
        for name, section in ((NOOP, {}), (TOKENED, _section(server.url))):
            config = folder / f"{len(sides)}.yaml"
            config.write_text(yaml.safe_dump(_configuration(folder / f"{len(sides)}.db") | section))
            service = stack.enter_context(
                running_service(
                    folder / str(len(sides)),
                    environment=service_settings(stub.base_url),
                    config=config,
                )
            )
            stack.enter_context(told_when_ended(service))
            wait_for(service.port, "/v1/feedback/status")
            meter = Meter(service.process.pid)
            users = _by_token() if section else _by_name()
            sides.append(_Side(name, f"{service.url}/v1/query", meter, users))
        for side in sides:
            _measure(side, WARM_UP)
            side.meter.settle()
        for number in range(PAIRS * rounds):
            for side in sides if number % 2 else reversed(sides):
                results[side.name].append(_measure(side, REQUESTS))
            print(f"access: pair {number + 1} of {PAIRS * rounds}", file=sys.stderr)
    return results


def _configuration(database: Path) -> dict[str, object]:
    stack = {"use_as_library_client": True, "library_client_config_path": "shipped:run.yaml"}
    return {
        "name": "access",
        "service": {"host": "127.0.0.1", "port": "${env.LIGHTSPEED_PORT}"},
        "llama_stack": stack,
        "user_data_collection": {},
        "knowledge": {"product_docs": False},
        "database": {"sqlite": {"db_path": str(database)}},
    }


def _section(url: str) -> dict[str, object]:
    def rule(path: str, operator: str, value: object, role: str) -> dict[str, object]:
        return {"jsonpath": path, "operator": operator, "value": value, "roles": [role]}

    rules = [
        rule("$.groups[*]", "contains", "users", "user"),
        rule("$.organization", "equals", ["acme"], "member"),
        rule("$.email", "match", r"@acme\.example$", "staff"),
        rule("$.groups[*]", "contains", "admins", "admin"),
    ]
    access = [
        {"role": "*", "actions": ["info"]},
        {"role": "user", "actions": ["query", "streaming_query", "get_models"]},
        {"role": "admin", "actions": ["admin"]},
    ]
    return {
        "authentication": {
            "module": "jwk-token",
            "jwk_config": {"url": url, "jwt_configuration": {"role_rules": rules}},
        },
        "authorization": {"access_rules": access},
    }


def _by_name() -> Sequence[User]:
    return [User(query=f"user_id=user-{number}") for number in range(USERS)]


def _by_token() -> Sequence[User]:
    keys = [token_key(algorithm, algorithm) for algorithm in _ALGORITHMS]
    return [
        User(
            token=keys[number % len(keys)].sign(
                claims_of(
                    f"user-{number}",
                    groups=["users", "others"],
                    organization="acme",
                    email=f"user-{number}@acme.example",
                    exp=claims_of("x")["iat"] + LIFETIME,
                )
            )
        )
        for number in range(USERS)
    ]


def _measure(side: _Side, requests: int) -> Batch:
    return measured_load(
        side.url, [BARE], side.meter, callers=CALLERS, requests=requests, users=side.users
    )


def render_access(results: Mapping[str, list[Batch]], rounds: int) -> str:
    """Render the part of the page."""
    lines = ["| | CPU | ratio | p50 | ratio | failed |", "|---|--:|--:|--:|--:|--:|"]
    for name in (NOOP, TOKENED):
        batches = results[name]
        cpu = f"{statistics.median(batch.cpu_ms for batch in batches):.2f} ms"
        wait = f"{statistics.median(1000 * batch.p50 for batch in batches):.2f} ms"
        pairs = list(zip(batches, results[NOOP], strict=True))
        cpu_ratio = statistics.median(ours.cpu_ms / noop.cpu_ms for ours, noop in pairs)
        wait_ratio = statistics.median(ours.p50 / noop.p50 for ours, noop in pairs)
        failed = sum(batch.failed for batch in batches)
        lines.append(f"| {name} | {cpu} | {cpu_ratio:.2f} | {wait} | {wait_ratio:.2f} | {failed} |")
    table = "\n".join(lines)
    pairs = f"{PAIRS * rounds} pairs of {REQUESTS} requests each."
    return f"{HEADING}\n{_INTRODUCTION}\n{pairs}\n\n{table}\n"
