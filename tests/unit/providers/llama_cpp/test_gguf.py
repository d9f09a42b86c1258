"""A GGUF file is read for what it says of itself, and one that lies is refused by name."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lightspeed_stack_providers.llama_cpp.gguf import BrokenGguf, open_gguf
from tests.support.gguf import SHA256, header, small_model, text, whole_file

ENTRIES: dict[str, str | int] = {
    "general.architecture": "llama",
    "llama.context_length": 8192,
    "tokenizer.chat_template": "{% for message in messages %}{{ message.content }}{% endfor %}",
}


def written(folder: Path, content: bytes) -> Path:
    file = folder / "model.gguf"
    file.write_bytes(content)
    return file


def test_a_real_file_tells_its_template_and_context() -> None:
    file = open_gguf(small_model(), SHA256)

    assert file.trained_context == 8192
    assert "<|im_start|>" in file.chat_template
    assert not file.knows_tools
    assert file.bytes == small_model().stat().st_size


def test_a_template_with_a_place_for_tools_knows_tools(tmp_path: Path) -> None:
    entries = ENTRIES | {"tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}"}

    assert open_gguf(written(tmp_path, whole_file(entries))).knows_tools


def test_lists_of_the_metadata_are_passed_over(tmp_path: Path) -> None:
    lists = text("tokens") + struct.pack("<IIQ", 9, 8, 2) + text("one") + text("two")
    lists += text("scores") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0)
    whole = whole_file(ENTRIES)
    counted = whole[:16] + struct.pack("<Q", len(ENTRIES) + 2) + lists + whole[24:]

    file = open_gguf(written(tmp_path, counted + b"\0" * 64))

    assert file.trained_context == 8192


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is no GGUF file"),
        (b"PK\x03\x04", "is no GGUF file"),
        (b"GGUF", "ends in the middle of its header"),
        (header(ENTRIES, version=1), "has version 1"),
        (b"GGUF" + b"\xff" * 200, "has version 4294967295"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 200, "announces 18446744073709551615 entries"),
        (header(ENTRIES), "should have"),
        (whole_file(ENTRIES)[:-1], "was cut off"),
        (header(ENTRIES)[:-9], "ends in the middle of its header"),
        (header(ENTRIES, tensors=0), "it holds no tensors"),
        (header({"x": "y" * 2**21}), "a text has 2097152 bytes"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<I", 99), "type 99"),
        (
            b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("k") + struct.pack("<IIQ", 9, 8, 10),
            "ends in the middle",
        ),
        (whole_file({"general.architecture": "llama"}), "has no chat template"),
    ],
)
def test_a_file_that_cannot_be_a_model_is_refused_by_name(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    with pytest.raises(BrokenGguf) as raised:
        open_gguf(written(tmp_path, content))

    assert "model.gguf" in str(raised.value)
    assert fault in str(raised.value)


def test_a_real_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    with small_model().open("rb") as file:
        beginning = file.read(3_000_000)

    with pytest.raises(BrokenGguf, match="was cut off"):
        open_gguf(written(tmp_path, beginning))


def test_another_hash_is_refused_with_both(tmp_path: Path) -> None:
    with pytest.raises(BrokenGguf, match=r"says 0{64}"):
        open_gguf(written(tmp_path, whole_file(ENTRIES)), "0" * 64)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokenGguf, match=r"nowhere\.gguf cannot be read"):
        open_gguf(tmp_path / "nowhere.gguf")


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=300))
def test_whatever_follows_the_magic_bytes_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    file = written(tmp_path_factory.mktemp("gguf"), b"GGUF\x03\0\0\0" + noise)

    with pytest.raises(BrokenGguf):
        open_gguf(file)
