"""The schema of configuration files, for editors that check while one types."""

import json
from typing import Any, Final

from lightspeed_core.config.place import is_list, is_mapping
from lightspeed_core.config.root import Configuration
from lightspeed_core.config.schema import DERIVED

_EXPRESSION: Final = {"type": "string", "pattern": r"\$\{env\.[A-Z0-9_]+"}
_CONVERTED: Final = {"integer", "number", "boolean"}
_NAMED: Final = {"properties", "$defs"}


def render_schema() -> str:
    """Return the JSON schema of configuration files, for editors that check while one types."""
    schema = Configuration.model_json_schema()
    for title, key in DERIVED.items():
        holder = schema if title == Configuration.__name__ else schema["$defs"][title]
        del holder["properties"][key]
    return json.dumps(_allow_expressions(schema), indent=2, ensure_ascii=False) + "\n"


def _allow_expressions(node: Any) -> Any:
    """Allow `${env.…}` wherever something else than a text is wanted."""
    if is_list(node):
        return [_allow_expressions(item) for item in node]
    if not is_mapping(node):
        return node
    inner = {key: _allow_inside(key, item) for key, item in node.items()}
    if inner.get("type") in _CONVERTED or "enum" in inner:
        shown = {key: inner.pop(key) for key in ("default", "description") if key in inner}
        return {"anyOf": [inner, _EXPRESSION], **shown}
    return inner


def _allow_inside(key: str, value: Any) -> Any:
    if key in _NAMED:
        return {name: _allow_expressions(item) for name, item in value.items()}
    return value if key == "default" else _allow_expressions(value)
