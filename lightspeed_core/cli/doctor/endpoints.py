"""Asks the model endpoints of run.yaml, or the Llama Stack server, for their models.

What is known of an endpoint is its address, its key and the models that are expected of it.
"""

import asyncio
import json
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from lightspeed_core.cli.doctor.finding import Finding, fatal, fine, warning
from lightspeed_core.engine.llama_stack.run_config import RunConfig, expand
from lightspeed_stack_providers.failures import UpstreamFailure
from lightspeed_stack_providers.openai_compatible.config import OpenAICompatibleConfig
from lightspeed_stack_providers.openai_compatible.endpoint import Endpoint

ASK_SECONDS: Final = 10.0
_SHOWN_MODELS: Final = 10
# Types of Llama Stack that speak OpenAI's protocol, and where they are by default.
_ADDRESSES: Final[Mapping[str, str]] = {
    "remote::openai_compatible": "",
    "remote::openai": "https://api.openai.com/v1",
    "remote::ollama": "http://localhost:11434/v1",
    "remote::vllm": "",
}
_KEYS: Final = ("api_key", "api_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An endpoint to ask: `models` are expected of it, `default` is the one that must be there."""

    name: str
    where: str
    config: OpenAICompatibleConfig
    tls: ssl.SSLContext | None = None
    models: tuple[str, ...] = ()
    default: str | None = None


async def check_endpoints(asked: Iterable[Asked]) -> list[Finding]:
    """Ask all endpoints at the same time."""
    found = await asyncio.gather(*(_ask(each) for each in asked))
    return [finding for findings in found for finding in findings]


async def _ask(asked: Asked) -> list[Finding]:
    endpoint = Endpoint(asked.config, asked.tls)
    address = f"{asked.name} at {asked.config.base_url}"
    try:
        status, body = await endpoint.ask("/models", seconds=ASK_SECONDS)
    except UpstreamFailure as failure:
        remedy = "start the endpoint, correct its address, or let this machine connect to it"
        return [fatal(f"{asked.name}: {failure}", where=asked.where, remedy=remedy)]
    finally:
        await endpoint.close()
    if status in {401, 403}:
        text = f"{address} answers, and refuses the key (status {status})"
        return [fatal(text, where=asked.where, remedy="set the key that the endpoint expects")]
    if status in {404, 405}:
        text = f"{address} answers, and lists no models (status {status})"
        remedy = "see that the address is right: most endpoints want one that ends with /v1"
        return [warning(text, where=asked.where, remedy=remedy)]
    if status != 200:
        text = f"{address} answers with status {status}"
        remedy = "see the log of the endpoint, or try again later"
        return [warning(text, where=asked.where, remedy=remedy)]
    return list(_compare(asked, address, list(listed_models(body))))


def _compare(asked: Asked, address: str, listed: list[str]) -> Iterator[Finding]:
    yield fine(f"{address} answers and lists {len(listed)} models", where=asked.where)
    shown = ", ".join(listed[:_SHOWN_MODELS]) or "none"
    for model in dict.fromkeys((*asked.models, *filter(None, [asked.default]))):
        if model not in listed:
            judge = fatal if model == asked.default else warning
            yield judge(
                f"{address} does not list the model {model}; it lists {shown}",
                where=asked.where,
                remedy="name one that it lists, or load the model there",
            )


def listed_models(body: bytes) -> Iterator[str]:
    """Read the names in an answer to `GET /models`; none where it is unreadable."""
    try:
        answer: object = json.loads(body)
    except ValueError:
        return
    rows = cast("dict[str, object]", answer).get("data") if isinstance(answer, dict) else answer
    for row in cast("list[object]", rows) if isinstance(rows, list) else ():
        named = cast("dict[str, object]", row) if isinstance(row, dict) else {}
        name = named.get("id") or named.get("identifier")
        if isinstance(name, str):
            # Gemini's endpoint lists names that its other operations know without the prefix.
            yield name.removeprefix("models/")


def endpoints_of(
    run_config: RunConfig, environ: Mapping[str, str], default: str | None
) -> Iterator[Asked]:
    """Give the endpoints that are on; `default` is the default model as `provider/model`."""
    entries = [entry for api, entry in run_config.enabled(environ) if api == "inference"]
    for entry in entries:
        if entry["provider_type"] not in _ADDRESSES:
            continue
        provider_id = expand(str(entry["provider_id"]), environ)
        config = _endpoint_config(entry, environ)
        if config is None:
            continue  # the check of providers tells what is wrong with it
        provider, _, model = (default or "").partition("/")
        if default is None and entry is entries[0]:
            # Its first model is the one that answers.
            provider, model = provider_id, next(iter(config.models), "")
        yield Asked(
            name=provider_id,
            where=f"{run_config.path}: providers.inference.{provider_id}",
            config=config,
            models=(*config.models, *_registered_models(run_config, provider_id)),
            default=model if model and provider == provider_id else None,
        )


def _registered_models(run_config: RunConfig, provider_id: str) -> tuple[str, ...]:
    resources: Mapping[str, Any] = run_config.content.get("registered_resources") or {}
    return tuple(
        str(model.get("provider_model_id") or model.get("model_id"))
        for model in resources.get("models") or ()
        if model.get("provider_id") == provider_id
    )


def _endpoint_config(
    entry: Mapping[str, Any], environ: Mapping[str, str]
) -> OpenAICompatibleConfig | None:
    written: Mapping[str, Any] = entry.get("config") or {}
    known = {
        key: expand(value, environ) if isinstance(value, str) else value
        for key, value in written.items()
    }
    settings = {key: value for key, value in known.items() if value not in ("", None)}
    if entry["provider_type"] != "remote::openai_compatible":
        key = next((settings[name] for name in _KEYS if name in settings), None)
        address = settings.get("base_url") or _ADDRESSES[entry["provider_type"]]
        settings = {"base_url": address, "api_key": key}
    try:
        return OpenAICompatibleConfig.model_validate(settings)
    except ValueError:
        return None
