"""Model folders made from the real model that comes with the provider."""

import json
from pathlib import Path
from typing import Any

from lightspeed_stack_providers.onnx_embeddings.folder import default_model

SPEC: dict[str, Any] = {"dimension": 384, "max_length": 256, "pooling": "mean"}


def write_folder(folder: Path, **spec: Any) -> Path:
    """Lay out the real model's files in a folder, with a JSON that differs by `spec`."""
    real = default_model()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").symlink_to(real.model)
    (folder / "tokenizer.json").symlink_to(real.tokenizer)
    (folder / "embedding.json").write_text(json.dumps({**SPEC, **spec}))
    return folder
