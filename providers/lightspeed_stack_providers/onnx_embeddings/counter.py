"""Counts tokens with the tokenizer of a model, which is loaded for this alone.

It imports the tokenizer, which is why it is imported when something is counted and not with the
provider.
"""

from collections.abc import Callable
from typing import Final

from tokenizers import Tokenizer

from lightspeed_stack_providers.counting import TokenCount
from lightspeed_stack_providers.onnx_embeddings.folder import BrokenModel, EmbeddingModel

CHARACTERS_PER_TOKEN: Final = 32
"""No token of a real text is longer on average; what stands behind would be cut anyway, and
tokenizing a megabyte in order to keep 256 tokens takes a second."""


def open_tokenizer(model: EmbeddingModel) -> Tokenizer:
    """Read the tokenizer of a model. Raises `BrokenModel`."""
    try:
        return Tokenizer.from_file(str(model.tokenizer))
    except Exception as error:
        remedy = "Use the tokenizer.json that belongs to the model (format of `tokenizers`)."
        raise BrokenModel(model.tokenizer, f"cannot be read: {error}", remedy) from error


def token_count(model: EmbeddingModel) -> TokenCount:
    """Say how the model reads passages. Raises `BrokenModel`; blocks."""
    tokenizer = open_tokenizer(model)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    count = _counting(tokenizer)
    added = tokenizer.num_special_tokens_to_add(is_pair=False) + count(model.spec.passage_prefix)
    return TokenCount(count=count, limit=max(1, model.spec.max_length - added))


def _counting(tokenizer: Tokenizer) -> Callable[[str], int]:
    def count(text: str) -> int:
        tokens = len(tokenizer.encode(text, add_special_tokens=False).ids)
        # A long word that the tokenizer does not know is one token, and takes room all the same.
        return max(tokens, -(-len(text) // CHARACTERS_PER_TOKEN))

    return count
