"""The model at work, and models that are not what their JSON says."""

import math
from pathlib import Path

import pytest

from lightspeed_stack_providers.onnx_embeddings.folder import (
    BrokenModel,
    default_model,
    open_folder,
)
from lightspeed_stack_providers.onnx_embeddings.session import Session
from tests.unit.providers.onnx_embeddings.models import write_folder


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(default_model(), threads=1)


def embed(session: Session, *texts: str) -> list[list[float]]:
    return session.embed(texts)[0]


def test_vectors_are_of_length_one(session: Session):
    for vector in embed(session, "", "word", "many words " * 400):
        assert len(vector) == 384
        assert math.isclose(math.hypot(*vector), 1, rel_tol=1e-5)


def test_paraphrases_are_nearer_than_strangers(session: Session):
    cat, feline, stocks = embed(
        session, "A cat sits on the mat.", "A feline rests on a rug.", "Share prices fell today."
    )

    assert math.sumprod(cat, feline) > 0.5
    assert math.sumprod(cat, stocks) < 0.2


def test_the_vector_is_that_of_the_original_weights(session: Session):
    """The first values that the published 32-bit weights give for this sentence."""
    (vector,) = embed(session, "This is an example sentence")

    original = [0.0677, 0.0635, 0.0487, 0.0793, 0.0374, 0.0027, 0.0394, -0.0071]
    for ours, theirs in zip(vector, original, strict=False):
        assert abs(ours - theirs) < 0.004


def test_tokens_are_counted_with_their_frame(session: Session):
    assert session.embed(["word"])[1] == 3
    assert session.embed(["word " * 1000])[1] == 256
    assert session.embed(["word", "two words"])[1] == 3 + 4


def test_what_is_beyond_the_maximum_length_makes_no_difference(session: Session):
    assert embed(session, "word " * 300) == embed(session, "word " * 300_000)


def test_pooling_by_the_first_token_differs_from_the_mean(session: Session, tmp_path: Path):
    cls = Session(open_folder(write_folder(tmp_path / "cls", pooling="cls")), threads=1)
    text = "A sentence of several words."

    assert math.sumprod(embed(cls, text)[0], embed(session, text)[0]) < 0.99
    assert math.isclose(math.hypot(*embed(cls, text)[0]), 1, rel_tol=1e-5)


def test_padding_does_not_reach_the_vector(session: Session):
    alone = embed(session, "short")[0]
    padded = embed(session, "short", "a far longer text that the short one is padded up to")[0]

    assert math.sumprod(alone, padded) > 0.99


def test_a_wrong_dimension_is_refused_with_the_right_shape(tmp_path: Path):
    folder = write_folder(tmp_path / "mine", dimension=768)

    with pytest.raises(
        BrokenModel, match=r"model\.onnx gives an output of the shape \(1, 3, 384\)"
    ):
        Session(open_folder(folder), threads=1)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("model.onnx", "Use an ONNX export"), ("tokenizer.json", "Use the tokenizer.json that")],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, remedy: str):
    folder = write_folder(tmp_path / "mine")
    (folder / name).unlink()
    (folder / name).write_bytes(b"\x80\x04damaged")

    with pytest.raises(BrokenModel) as caught:
        Session(open_folder(folder), threads=1)

    assert f"{folder}: {name} cannot be " in str(caught.value)
    assert remedy in str(caught.value)
