"""Card numbers are found however people write them; telephone numbers, IBANs, dates and ids are left alone."""

import json
import uuid
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from estuary.common.observability.card_numbers import find_card_numbers
from estuary.common.observability.redaction import REDACTED, may_need_redaction, redact, redact_json


def with_check_digit(digits: str) -> str:
    """Return digits with the one more that makes Luhn's check pass."""
    doubled = [int(one) * 2 - 9 * (int(one) > 4) for one in digits[-1::-2]]
    plain = [int(one) for one in digits[-2::-2]]
    return digits + str(-(sum(doubled) + sum(plain)) % 10)


def passes_luhn(digits: str) -> bool:
    return with_check_digit(digits[:-1]) == digits


def numbers(prefixes: tuple[str, ...], lengths: tuple[int, ...]) -> st.SearchStrategy[str]:
    @st.composite
    def make(draw: st.DrawFn) -> str:
        prefix, length = draw(st.sampled_from(prefixes)), draw(st.sampled_from(lengths))
        rest = draw(
            st.text("0123456789", min_size=length - 1 - len(prefix), max_size=length - 1 - len(prefix))
        )
        return with_check_digit(prefix + rest)

    return make()


BRANDS = {
    "visa": numbers(("4",), (16, 19)),
    "old visa": numbers(("4",), (13,)),
    "mastercard": numbers(("51", "55", "2221", "2300", "2720"), (16,)),
    "american express": numbers(("34", "37"), (15,)),
    "diners": numbers(("300", "305", "309", "36", "38", "39"), (14,)),
    "discover": numbers(("6011", "644", "649", "65"), (16, 19)),
    "jcb": numbers(("3528", "3589"), (16,)),
    "unionpay": numbers(("62", "81"), (16, 17, 18, 19)),
    "maestro": numbers(("5018", "5020", "6304", "6759"), (13, 14, 15, 16, 18, 19)),
    "maestro of other banks": numbers(("56", "57", "58", "67", "69"), (16, 19)),
    "mir": numbers(("2200", "2204"), (16, 19)),
    "rupay": numbers(("60", "6521", "508"), (16,)),
    "elo, hipercard": numbers(("5067", "6362", "606282", "650031"), (16,)),
    "verve": numbers(("506099", "650002"), (16, 19)),
    "troy, humo, uzcard": numbers(("9792", "9860", "8600"), (16,)),
}
CARDS = st.one_of(*BRANDS.values())
# As Stripe's test cards are written: https://docs.stripe.com/testing
STRIPES = (
    "4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222", "5200828282828210",
    "5105105105105100", "378282246310005", "371449635398431", "6011111111111117", "6011000990139424",
    "3056930009020004", "36227206271667", "3566002020360505", "6200000000000005", "6205500000000000004",
    "4222222222222", "30569309025904", "38520000023237",
)  # fmt: skip
GAPS = (
    " ",
    "-",
    ".",
    "/",
    "_",
    "  ",
    " - ",
    "\t",
    "\n",
    "\u00a0",
    "\u202f",
    "\u2013",
    "|",
    "*",
    "\u00b7",
    ":",
    "~",
)
ARABIC, DEVANAGARI, WIDE = ("".join(chr(first + n) for n in range(10)) for first in (0x660, 0x966, 0xFF10))


def grouped(digits: str) -> list[str]:
    """Return a number in the groups that are embossed on the card."""
    sizes = {13: (4, 3, 3, 3), 14: (4, 6, 4), 15: (4, 6, 5)}.get(len(digits), (4, 4, 4, 4, 3))
    groups, left = [], digits
    for size in sizes:
        groups.append(left[:size])
        left = left[size:]
    return [group for group in [*groups, left] if group]


def written(digits: str) -> list[str]:
    """Return a number in every writing."""
    plain = [digits, *(gap.join(grouped(digits)) for gap in GAPS), " ".join(digits), "-".join(digits)]
    spaced = " ".join(grouped(digits))
    foreign = [text.translate(str.maketrans("0123456789", script)) for text in (digits, spaced)
               for script in (ARABIC, DEVANAGARI, WIDE)]  # fmt: skip
    return [*plain, *foreign]


@given(
    CARDS,
    st.sampled_from(
        ["{}", "paid with {}.", "card:{}", "Карта{}", "({})", "«{}»", "€{}", "{}, please", "#{}"]
    ),
)
def test_a_card_number_is_found_in_every_writing(digits: str, around: str) -> None:
    for text in written(digits):
        sentence = around.format(text)
        assert redact(sentence) == around.format(REDACTED), sentence
        assert redact(json.dumps([sentence])) == json.dumps([around.format(REDACTED)])
        assert may_need_redaction(json.dumps([sentence], ensure_ascii=False).encode())
        assert may_need_redaction(json.dumps([sentence]).encode())
        for escaped in (quote(text, safe=""), quote_plus(text)):
            assert find_card_numbers(f"/pay/?card={escaped}&x=1"), escaped


@given(
    CARDS,
    st.sampled_from(
        [" 12/27", " 12/27 123", " 1227", " 123", "\n12 27", " exp 12/27 cvc 123", " 2027-12-01"]
    ),
)
def test_what_stands_behind_a_card_number_hides_nothing(digits: str, behind: str) -> None:
    for text in (digits, " ".join(grouped(digits)), "-".join(grouped(digits))):
        for sentence in (
            text + behind,
            f"2026-11-23 {text}",
            f"17 {text}",
            f"+49 30 901820 {text}",
            f"1. {text}",
        ):
            assert REDACTED in redact(sentence), sentence
            assert digits not in redact(sentence).replace(" ", "").replace("-", "")


@given(CARDS.filter(lambda digits: len(digits) >= 16), st.data())
def test_an_odd_separator_at_odd_places_hides_no_card_number(digits: str, data: st.DataObject) -> None:
    gap, rest, parts = data.draw(st.sampled_from(GAPS)), digits, []
    while rest:
        size = data.draw(st.integers(1, 4))
        parts.append(rest[:size])
        rest = rest[size:]
    assert redact(gap.join(parts)) == REDACTED


@pytest.mark.parametrize("digits", STRIPES)
def test_stripes_test_cards_are_found(digits: str) -> None:
    assert {redact(text) for text in written(digits)} == {REDACTED}
    assert redact_json({"n": int(digits), "amount": 5000}) == {"n": REDACTED, "amount": 5000}


@given(CARDS)
def test_a_number_that_fails_the_check_is_none(digits: str) -> None:
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    assert redact(f"paid with {wrong}.") == f"paid with {wrong}."


# --- What is none -------------------------------------------------------------------------------------------

# Country codes, and how long a number behind them may be: https://www.itu.int/pub/T-SP-E.164D
PHONES = {
    "1": (10, 10), "7": (10, 10), "20": (8, 10), "27": (9, 9), "30": (10, 10), "31": (9, 9), "32": (8, 9), "33": (9, 9),
    "34": (9, 9), "36": (8, 9), "39": (6, 11), "40": (9, 9), "41": (9, 9), "43": (4, 13), "44": (7, 10), "45": (8, 8),
    "46": (7, 13), "47": (8, 8), "48": (9, 9), "49": (5, 13), "51": (8, 11), "52": (10, 11), "54": (10, 11),
    "55": (10, 11), "56": (8, 9), "57": (8, 10), "58": (10, 10), "60": (7, 10), "61": (5, 13), "62": (5, 12),
    "63": (8, 10), "64": (3, 10), "65": (8, 12), "66": (8, 9), "81": (5, 13), "82": (8, 11), "84": (7, 10),
    "86": (5, 12), "90": (10, 10), "91": (7, 10), "92": (8, 11), "98": (6, 10), "212": (9, 9), "234": (7, 10),
    "351": (9, 11), "352": (4, 11), "353": (7, 11), "358": (5, 12), "359": (7, 9), "370": (8, 8), "380": (9, 9),
    "381": (4, 12), "385": (8, 12), "420": (4, 12), "421": (4, 9), "423": (7, 9), "852": (4, 9), "971": (8, 9),
    "972": (8, 9),
}  # fmt: skip
GROUPINGS = (
    (3, 3, 4),
    (3, 3, 3, 4),
    (2, 2, 2, 2, 2),
    (3, 7),
    (4, 7),
    (1, 2, 2, 2, 2),
    (2, 4, 4),
    (3, 4, 4),
    (5, 6),
    (2, 8),
)


@st.composite
def phones(draw: st.DrawFn) -> str:
    """A telephone number with its country code, in one of the writings of the world, whose digits pass Luhn's check."""
    code = draw(st.sampled_from(sorted(PHONES)))
    length = min(draw(st.integers(*PHONES[code])), 15 - len(code))
    body = draw(
        st.text("0123456789", min_size=length - 1, max_size=length - 1).filter(lambda t: t[:1] != "0")
    )
    whole = with_check_digit(code + body)
    local = whole[len(code) :]
    parts: list[str] = []
    rest = local
    for size in draw(st.sampled_from(GROUPINGS)):
        parts, rest = [*parts, rest[:size]], rest[size:]
    parts = [part for part in [*parts, rest] if part]
    gap = draw(st.sampled_from(["", " ", "-", ".", "\u00a0", "/"]))
    plain = gap.join(parts)
    area = f"({parts[0]}) {gap.join(parts[1:])}".rstrip()
    style = draw(st.sampled_from(["+{c} {n}", "+{c}{n}", "00{c} {n}", "00{c}{n}", "+{c}-{n}", "+{c} {a}", "+{c} (0){n}",
                                  "+{c} (0) {n}", "(+{c}) {n}", "00 {c} {n}", "011 {c} {n}", "tel:+{c}{n}", "0{n}",
                                  "+ {c} {n}", "(0{n})"]))  # fmt: skip
    return style.format(c=code, n=plain, a=area)


AROUND = ("{}", "Call {} please", "tel. {}, evenings", '{{"phone": "{}"}}', "{} / {}", "phone: {}\nfax: {}")


@given(phones(), st.sampled_from(AROUND))
@example("+445104789", "{} / {}")  # together they pass Luhn's check as well
def test_a_telephone_number_is_no_card_number(phone: str, around: str) -> None:
    assume(not ("(0)" in phone and sum(map(str.isdecimal, phone)) > 15))
    sentence = around.format(phone, phone)
    assert redact(sentence) == sentence
    assert redact(json.dumps(sentence)) == json.dumps(sentence)
    assert quote(redact(sentence)) == redact(quote(sentence))


REAL_PHONES = (
    "+49 1512 3456789", "+49 (0) 151 23456789", "0049 151 23456789", "+43 664 123456789", "+44 20 7946 0958",
    "+44 (0)20 7946 0958", "+1 (415) 555-2671", "1-800-555-0199", "(415) 555-2671", "+55 11 91234-5678",
    "+52 1 55 1234 5678", "+54 9 11 1234-5678", "+62 812-3456-7890", "+86 138 0013 8000", "+91 98765 43210",
    "+33 6 12 34 56 78", "06 12 34 56 78", "+39 347 123 4567", "+39 06 698 12345", "+351 912 345 678",
    "+46 70-123 45 67", "+358 40 1234567", "+7 (912) 345-67-89", "8 800 555-35-35", "+81-90-1234-5678",
    "+972-50-123-4567", "+1 415 555 2671 ext. 1234", "+49 30 901820-4242", "030/901820", "+4915123456789",
    "+436641234567890", "00436641234567890", "+380 44 123 45 67", "+30 210 123 4567", "+36 1 234 5678",
)  # fmt: skip


@pytest.mark.parametrize("phone", REAL_PHONES)
def test_telephone_numbers_of_many_countries_are_left_alone(phone: str) -> None:
    """Every last digit is tried: one in ten passes Luhn's check."""
    for digit in "0123456789":
        sentence = f"Call me: {phone[:-1]}{digit} after 18:00 on 2026-11-30"
        assert redact(sentence) == sentence


# The examples of the registry: https://www.swift.com/standards/data-standards/iban
IBANS = (
    "AD1200012030200359100100", "AE070331234567890123456", "AL47212110090000000235698741",
    "AT611904300234573201", "AZ21NABZ00000000137010001944", "BA391290079401028494", "BE68539007547034",
    "BG80BNBG96611020345678", "BH67BMAG00001299123456", "BR1800360305000010009795493C1",
    "BY13NBRB3600900000002Z00AB00", "CH9300762011623852957", "CR05015202001026284066",
    "CY17002001280000001200527600", "CZ6508000000192000145399", "DE89370400440532013000", "DK5000400440116243",
    "DO28BAGR00000001212453611324", "EE382200221020145685", "EG380019000500000000263180002",
    "ES9121000418450200051332", "FI2112345600000785", "FO6264600001631634", "FR1420041010050500013M02606",
    "GB29NWBK60161331926819", "GE29NB0000000101904917", "GI75NWBK000000007099453", "GL8964710001000206",
    "GR1601101250000000012300695", "GT82TRAJ01020000001210029690", "HR1210010051863000160",
    "HU42117730161111101800000000", "IE29AIBK93115212345678", "IL620108000000099999999",
    "IQ98NBIQ850123456789012", "IS140159260076545510730339", "IT60X0542811101000000123456",
    "JO94CBJO0010000000000131000302", "KW81CBKU0000000000001234560101", "KZ86125KZT5004100100",
    "LB62099900000001001901229114", "LC55HEMM000100010012001200023015", "LI21088100002324013AA",
    "LT121000011101001000", "LU280019400644750000", "LV80BANK0000435195001", "LY83002048000020100120361",
    "MC5811222000010123456789030", "MD24AG000225100013104168", "ME25505000012345678951", "MK07250120000058984",
    "MR1300020001010000123456753", "MT84MALT011000012345MTLCAST001S", "MU17BOMM0101101030300200000MUR",
    "NL91ABNA0417164300", "NO9386011117947", "PK36SCBL0000001123456702", "PL61109010140000071219812874",
    "PS92PALS000000000400123456702", "PT50000201231234567890154", "QA58DOHB00001234567890ABCDEFG",
    "RO49AAAA1B31007593840000", "RS35260005601001611379", "SA0380000000608010167519",
    "SC18SSCB11010000000000001497USD", "SD2129010501234001", "SE4550000000058398257466", "SI56263300012039086",
    "SK3112000000198742637541", "SM86U0322509800000000270100", "ST23000100010051845310146",
    "SV62CENR00000000000000700025", "TL380080012345678910157", "TN5910006035183598478831",
    "TR330006100519786457841326", "UA213223130000026007233566001", "VA59001123000012345678",
    "VG96VPVG0000012345678901", "XK051212012345678906",
)  # fmt: skip


def iban_of(country: str, body: str) -> str:
    number = int("".join(str(int(one, 36)) for one in f"{body}{country}00"))
    return f"{country}{98 - number % 97:02d}{body}"


@settings(max_examples=200)
@given(st.sampled_from(IBANS), st.data())
def test_an_iban_is_no_card_number(example: str, data: st.DataObject) -> None:
    """Of every country, with any account: as it is printed, and as it is sent."""
    body = "".join(
        data.draw(st.sampled_from("0123456789")) if one.isdecimal() else one for one in example[4:]
    )
    for iban in (example, iban_of(example[:2], body)):
        fours = [iban[at : at + 4] for at in range(0, len(iban), 4)]
        for sentence in (
            iban,
            " ".join(fours),
            "-".join(fours),
            iban.lower(),
            f"IBAN: {' '.join(fours)}, thanks",
        ):
            assert redact(sentence) == sentence
            assert redact(json.dumps({"iban": sentence})) == json.dumps({"iban": sentence})


@given(st.datetimes(datetime(1950, 1, 1), datetime(2199, 12, 31)), st.uuids(version=None))  # noqa: DTZ001
def test_moments_and_ids_of_other_systems_are_no_card_numbers(at: datetime, name: uuid.UUID) -> None:
    moment = at.replace(tzinfo=UTC)
    for sentence in (
        at.isoformat(),
        moment.isoformat(),
        str(at),
        f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond:06d}",
        f"{at:%Y%m%dT%H%M%SZ}",
        f"{at:%Y/%m/%d %H:%M:%S}",
        f"{at:%d.%m.%Y %H:%M:%S}",
        f"{at:%d/%m/%Y %H:%M}-{at:%H:%M}",
        f"{at:%Y-%m-%d}/{at:%Y-%m-%d}",
        str(name),
        name.hex,
        str(name).upper(),
        f"urn:uuid:{name}",
    ):
        assert redact(sentence) == sentence
        assert redact(f'{{"value": "{sentence}"}}') == f'{{"value": "{sentence}"}}'


@given(st.text("0123456789", min_size=12, max_size=12), st.integers(4, 19))
def test_an_all_digit_uuid_is_no_card_number(digits: str, first: int) -> None:
    sentence = f"{'4242424' + digits[0]}-{digits[1:5]}-4{digits[5:8]}-8{digits[8:11]}-{digits}"
    assert redact(sentence) == sentence


@given(st.integers(1_000_000_000, 1_999_999_999), st.integers(0, 999_999_999))
def test_epochs_are_no_card_numbers(seconds: int, nanos: int) -> None:
    for sentence in (f"{seconds}", f"{seconds}{nanos // 10**6:03d}", f"{seconds}{nanos // 1000:06d}",
                 f"{seconds}{nanos:09d}", f"{seconds}.{nanos // 1000:06d}"):  # fmt: skip
        assert redact(f"at {sentence}") == f"at {sentence}"


OTHERS = (
    "DE123456789", "ATU12345678", "BE 0123.456.789", "FR 40 303 265 045", "NL123456789B01", "GB 980 7806 84",
    "12.345.678/0001-95", "ESX1234567X", "IT 12345678901", "CHE-123.456.789 MWST", "EU372012345",
    "1Z 999 AA1 01 2345 6784", "1Z999AA10123456784", "RR 473 124 829 PT", "JD0002226012345678",
    "7946 0958 1234", "9400 1000 0000 0000 0000 00", "9205 5901 7547 7000 2843 42",
    "420 94107 9400 1118 9922 3855 5876 44",
    "ord_4242424242424242", "INV4242424242424242", "pi_3MtwBwLkdIwHu7ix28a3tqPa", "req_4242424242424242x",
    "978-3-16-148410-0", "0.4242424242424242", "52.520008, 13.404954", "12.4242424242424242",
    "192.168.100.101:5432", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "00:1B:44:11:3A:B7", "1,234,567.89",
    "Room 4242, floor 42, 42 guests, 42 EUR", "3 x 45 min, 60 min, 90 min", "756.1234.5678.97", "85 12 31-123 45",
    "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", "0x4242424242424242", "18446744073709551615",
)  # fmt: skip


@pytest.mark.parametrize("text", OTHERS)
def test_numbers_of_other_kinds_are_left_alone(text: str) -> None:
    if (
        text == "4006381333931"
    ):  # an EAN of thirteen digits may be an old Visa's number: it can't be told apart
        pytest.skip("see the test below")
    assert redact(text) == text


def test_what_cannot_be_told_apart_is_taken_for_a_card_number() -> None:
    assert redact("order 4000000000000002") == "order [redacted]"
    assert redact("order_4000000000000002") == "order_4000000000000002"
    assert passes_luhn("4000000000000002")
    assert redact("4006381333931") == ("[redacted]" if passes_luhn("4006381333931") else "4006381333931")
