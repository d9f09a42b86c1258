import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightspeed_stack_providers.redaction.detectors import Detector, find, has_luhn_checksum


def found(detector: Detector, text: str) -> list[str]:
    return [text[start:end] for start, end in find(detector, text)]


@pytest.mark.parametrize(
    "number",
    ["4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011000990139424"],
)
def test_a_number_of_a_card_is_found_however_it_is_grouped(number: str) -> None:
    assert found(Detector.CREDIT_CARD, f"My card {number}, please.") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # the checksum is wrong
        "1234567890123452",  # no network begins so
        "0000 0000 0000 0000",
        "40 bytes at 4096 in 4.5",
        "uid 2000000000000000000000",
        "4111111111111111.5",
        "10.4111111111111111",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found(Detector.CREDIT_CARD, text) == []


@pytest.mark.parametrize(
    "iban",
    [
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19",
        "NO93 8601 1117 947",
        "FR14 2004 1010 0505 0001 3M02 606",
    ],
)
def test_an_iban_is_found_up_to_its_end(iban: str) -> None:
    assert found(Detector.IBAN, f"Pay {iban} AND MORE") == [iban]
    assert found(Detector.IBAN, f"({iban})") == [iban]


@pytest.mark.parametrize("text", ["DE89 3704 0044 0532 0130 01", "XX89370400440532013000", "DE89"])
def test_what_is_no_iban_is_left_alone(text: str) -> None:
    assert found(Detector.IBAN, text) == []


def test_addresses_keys_and_tokens_are_found() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_-"
    assert found(Detector.EMAIL, "To ada@example.org, not @ada or a@b.") == ["ada@example.org"]
    assert found(Detector.PRIVATE_KEY, f"a {key} b") == [key]
    assert found(Detector.JWT, f"Bearer {token}, yes") == [token]


@given(st.text(alphabet="0123456789", min_size=12, max_size=18))
def test_one_wrong_digit_breaks_the_checksum(digits: str) -> None:
    right = next(n for n in "0123456789" if has_luhn_checksum(digits + n))
    assert sum(has_luhn_checksum(digits + n) for n in "0123456789") == 1
    wrong = str((int(digits[0]) + 1) % 10) + digits[1:] + right
    assert not has_luhn_checksum(wrong)


@given(st.text(alphabet="4 1-DE8937.@aeyJ", max_size=60), st.sampled_from(list(Detector)))
def test_places_are_in_order_and_apart(text: str, detector: Detector) -> None:
    ends = 0
    for start, end in find(detector, text):
        assert ends <= start < end
        ends = end
