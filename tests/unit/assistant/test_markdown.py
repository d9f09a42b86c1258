import pytest

from lightspeed_core.assistant.markdown import close_open_constructs


@pytest.mark.parametrize(
    ("text", "closing"),
    [
        ("plain", ""),
        ("", ""),
        ("```python\nprint(1)", "\n```"),
        ("```python\nprint(1)\n", "```"),
        ("```\na\n```\nafter", ""),
        ("~~~~\na\n~~~\n", "~~~~"),
        ("some `code", "`"),
        ("some ``code` more", "``"),
        ("some **bold", "**"),
        ("some **bold** text", ""),
        ("some *emphasis", "*"),
        ("**bold *both", "***"),
        ("2 * 3 = 6", ""),
        ("`a*b` and", ""),
        ("an old **mark\n\nnew paragraph", ""),
        ("~~gone", "~~"),
    ],
)
def test_what_a_text_leaves_open_is_closed(text: str, closing: str) -> None:
    assert close_open_constructs(text) == closing
