"""The quick look that spares most events the long one overlooks nothing that the long one would find."""

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from estuary.common.observability.redaction import may_need_redaction, redact

CARD = "4242 4242-42424242"
DIGITS = ["4242", "5555", "4242424242424242", " ", "-", "  ", ".", "\n", "é", "\u0664", "x", '"', "\\"]
NAMED = [
    "sk_live_abcdef123",
    "pi_1_secret_abcdef",
    "Bearer abcdef123456",
    "eyJabcdefgh.abc.def",
    "whsec_abcdefgh",
]


@given(st.lists(st.sampled_from(DIGITS + NAMED), max_size=12).map("".join))
@example(CARD)
@example(f"\n{CARD}")
@example(f"{CARD}é")
def test_what_would_be_redacted_is_suspicious(text: str) -> None:
    for json in (orjson.dumps({"description": text}), orjson.dumps({text: [text, 1]})):
        assert may_need_redaction(json) or redact(json.decode()) == json.decode()


@pytest.mark.parametrize(
    "text", [CARD, f"paid with {CARD}", f"é\n{CARD}.", "sk_test_abcdefgh", "Bearer abcdefgh"]
)
def test_what_is_a_secret_is_suspicious(text: str) -> None:
    assert may_need_redaction(orjson.dumps([text]))


@pytest.mark.parametrize(
    "text", ["", "evt_1234567890123456", "1700000000", "4242 4242, 4242 4242", "2027-03-04T09:30:00"]
)
def test_what_is_none_is_not(text: str) -> None:
    assert not may_need_redaction(orjson.dumps([text]))
