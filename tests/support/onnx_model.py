"""A small ONNX text encoder of any dimension, written byte by byte: no package makes one offline.

Each token id t becomes the vector sin(t * w), so texts that share words lie near one another.
"""

import json
import math
import struct
from pathlib import Path

from lightspeed_stack_providers.onnx_embeddings.folder import default_model

_INT64, _FLOAT = 7, 1


def write_model(folder: Path, dimension: int) -> Path:
    """Write the folder of a model, with the tokenizer of the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(_model(dimension))
    (folder / "tokenizer.json").symlink_to(default_model().tokenizer)
    spec = {"dimension": dimension, "max_length": 128, "pooling": "mean"}
    (folder / "embedding.json").write_text(json.dumps(spec))
    return folder


def _model(dimension: int) -> bytes:
    """Return a ModelProto: Cast, Unsqueeze, Mul by w, Sin."""
    weights = [math.sin(number * 1.7) * 9 for number in range(1, dimension + 1)]
    graph = (
        _node("Cast", ["input_ids"], "ids", _attribute("to", _FLOAT))
        + _node("Unsqueeze", ["ids", "axes"], "column")
        + _node("Mul", ["column", "w"], "product")
        + _node("Sin", ["product"], "hidden")
        + _text(2, "g")
        + _tensor("axes", _INT64, [1], struct.pack("<q", -1))
        + _tensor("w", _FLOAT, [dimension], struct.pack(f"<{dimension}f", *weights))
        + _value(11, "input_ids", _INT64, 2)
        + _value(11, "attention_mask", _INT64, 2)
        + _value(12, "hidden", _FLOAT, 3)
    )
    opset = _number(2, 13)
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, opset)


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    body = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind)
    return _bytes(1, body + attribute)


def _attribute(name: str, value: int) -> bytes:
    return _bytes(5, _text(1, name) + _number(3, value) + _number(20, 2))


def _tensor(name: str, kind: int, shape: list[int], raw: bytes) -> bytes:
    dimensions = b"".join(_number(1, size) for size in shape)
    return _bytes(5, dimensions + _number(2, kind) + _text(8, name) + _bytes(9, raw))


def _value(field: int, name: str, kind: int, rank: int) -> bytes:
    shape = b"".join(_bytes(1, _text(2, f"{name}_{axis}")) for axis in range(rank))
    tensor = _bytes(1, _number(1, kind) + _bytes(2, shape))
    return _bytes(field, _text(1, name) + _bytes(2, tensor))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
