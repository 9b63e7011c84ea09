"""Card numbers in a text, as opposed to telephone numbers, IBANs, dates and ids with as many digits.

A card number has 13 to 19 digits, passes Luhn's check, and begins with a prefix of a card network:
https://www.iso.org/standard/70484.html, https://docs.stripe.com/testing. Every expression here is linear in the text.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator
from typing import NamedTuple

# --- Prefixes of the card networks --------------------------------------------------------------------------

# The prefixes of each network, with the lengths of such numbers.
NETWORKS: tuple[tuple[str, Collection[int]], ...] = (
    ("4", (13, 16, 18, 19)),  # Visa
    ("51-55 2221-2720", (16,)),  # Mastercard
    ("34 37", (15,)),  # American Express
    ("300-305 309 38-39", (14, 16)),  # Diners
    ("36", range(14, 20)),  # Diners
    ("3528-3589", range(16, 20)),  # JCB
    ("6011 644-649 65", range(16, 20)),  # Discover; also RuPay, Elo, Troy, Verve
    ("62 81-82", range(16, 20)),  # UnionPay, RuPay
    ("2200-2205", range(16, 20)),  # Mir, Borica
    ("5018 5020 5038 5893 6304 6759 6761-6763", range(13, 20)),  # Maestro
    ("50 56-58 66-69", range(16, 20)),  # Maestro
    ("60-61 63", range(16, 20)),  # RuPay, Hipercard, Elo, InterPayment, InstaPayment, Maestro
    ("8600 9792 9860", (16,)),  # Uzcard, Troy, Humo
)
SHORTEST, LONGEST = 13, 19
# A telephone number has fifteen digits at most: https://www.itu.int/rec/T-REC-E.164
PHONE_MAX = 15


def _lengths_by_prefix() -> dict[str, frozenset[int]]:
    lengths: dict[str, frozenset[int]] = {}
    for prefixes, of_network in NETWORKS:
        for first, _, last in (prefix.partition("-") for prefix in prefixes.split()):
            for prefix in range(int(first.ljust(4, "0")), int((last or first).ljust(4, "9")) + 1):
                lengths[str(prefix)] = lengths.get(str(prefix), frozenset()).union(of_network)
    return lengths


# The lengths of numbers by their first four digits; no network's prefix begins with 0.
LENGTHS_BY_PREFIX = _lengths_by_prefix()


# --- Finding digits -----------------------------------------------------------------------------------------

# Digits of any script, in groups with up to four other characters between them, but not across a JSON string's end.
DIGIT_RUN = re.compile(r'\d(?:[^"\dA-Za-z]{0,4}+\d){12,}')
# A quick test: every DIGIT_RUN has this many digits in a row once separators are removed, and few other texts have.
_RUNS_DIGITS = b"0" * SHORTEST
_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else ord("x") for code in range(256))
_BETWEEN = bytes(code for code in range(128) if not chr(code).isalnum() and chr(code) != '"')
_PARTS = re.compile(r"(\d+)|(\D+)")
# Replaces something harmless; no run of digits continues across it.
BLANK = '"'
_WORD = re.compile(r"[0-9A-Za-z_]")
# One character as JSON, a URL or HTML escapes it.
_ESCAPE = re.compile(
    r"\\u([0-9A-Fa-f]{4})|\\([bfnrt])|(%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3}|%[0-9A-Fa-f]{2})"
    r"|&#([0-9]{1,5});|&nbsp;"
)


class _Group(NamedTuple):
    """A group of digits as ASCII, the gap before it, and its position."""

    digits: str
    gap: str
    start: int
    end: int


def find_card_numbers(text: str) -> list[tuple[int, int]]:
    """Return the spans of the card numbers in a text."""
    unescaped, escapes = _unescape(text)
    if unescaped.isascii() and not may_have_card_number(unescaped.encode()):
        return []
    unescaped = _blank_harmless(unescaped)
    spans = [span for run in DIGIT_RUN.finditer(unescaped) for span in _find_in_run(unescaped, *run.span())]
    return [(_original_position(start, escapes), _original_position(end, escapes)) for start, end in spans]


def may_have_card_number(text: bytes) -> bool:
    """Return, in a microsecond, whether an ASCII text without escapes may have a run of digits."""
    return _RUNS_DIGITS in text.translate(_DIGITS, _BETWEEN)


def _unescape(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the unescaped text, and for each position how many characters were removed before it."""
    if "\\" not in text and "%" not in text and "&" not in text:
        return text, []
    pieces: list[str] = []
    cuts: list[tuple[int, int]] = []
    last = cut = 0
    for escape in _ESCAPE.finditer(text):
        pieces += text[last : escape.start()], _decode_escape(escape)
        last = escape.end()
        cut += last - escape.start() - 1
        cuts.append((last - cut, cut))
    return "".join(pieces) + text[last:], cuts


def _decode_escape(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    if escape[3]:
        return bytes.fromhex(escape[3].replace("%", "")).decode(errors="replace")[:1]
    return chr(int(escape[4] or 32))


def _original_position(place: int, cuts: list[tuple[int, int]]) -> int:
    """Return the position in the original text of a position in the unescaped text."""
    index = bisect_right(cuts, (place, sys.maxsize))
    return place + (cuts[index - 1][1] if index else 0)


def _find_in_run(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    groups = _split_groups(text, start, end)
    if not groups or _is_phone(text, groups):
        return
    even, odd = _luhn_sums("".join(group.digits for group in groups))
    first = position = 0
    while first < len(groups):
        if last := _find_card_end(text, groups, first, position, (even, odd)):
            yield groups[first].start, groups[last - 1].end
            position += sum(len(group.digits) for group in groups[first:last])
            first = last
        else:
            position += len(groups[first].digits)
            first += 1


def _split_groups(text: str, start: int, end: int) -> list[_Group]:
    groups: list[_Group] = []
    gap = ""
    for part in _PARTS.finditer(text, start, end):
        if part[1] is None:
            gap += part[2]
        else:
            digits = part[1] if part[1].isascii() else "".join(str(int(character)) for character in part[1])
            groups.append(_Group(digits, gap if groups else "", *part.span()))
            gap = ""
    return groups


def _luhn_sums(digits: str) -> tuple[list[int], list[int]]:
    """Return the running sums of Luhn's check, for numbers that end at an even position and at an odd one."""
    even, odd = [0], [0]
    for place, character in enumerate(digits):
        digit = int(character)
        doubled = digit * 2 - 9 * (digit > 4)
        even.append(even[-1] + (doubled if place % 2 else digit))
        odd.append(odd[-1] + (digit if place % 2 else doubled))
    return even, odd


def _find_card_end(
    text: str, groups: list[_Group], first: int, position: int, sums: tuple[list[int], list[int]]
) -> int | None:
    """Return the index after the last group of the longest card number that begins with group ``first``."""
    if groups[first].digits[0] in "017" or _continues_before(text, groups, first):
        return None
    lengths = LENGTHS_BY_PREFIX.get("".join(group.digits for group in groups[first : first + 4])[:4])
    if lengths is None:
        return None
    size, best = 0, None
    for last in range(first, len(groups)):
        size += len(groups[last].digits)
        if size > LONGEST:
            break
        running = sums[(position + size - 1) % 2]
        if size not in lengths or (running[position + size] - running[position]) % 10:
            continue
        if _is_plausible_grouping(groups[first : last + 1]) and not _continues_after(text, groups[last]):
            best = last + 1
    return best


def _continues_before(text: str, groups: list[_Group], first: int) -> bool:
    """Return whether a group is the end of a word, or the fraction of a decimal number."""
    start, gap = groups[first].start, groups[first].gap
    before = text[max(start - 2, 0) : start]
    fraction = len(before) > 1 and before[-1] == "." and before[-2].isdecimal()
    if fraction and not (first + 1 < len(groups) and groups[first + 1].gap == "."):
        return True
    return not gap and bool(before) and _WORD.fullmatch(before[-1]) is not None


def _continues_after(text: str, group: _Group) -> bool:
    behind = text[group.end : group.end + 1]
    return bool(behind) and _WORD.fullmatch(behind) is not None


# --- How people group the digits -----------------------------------------------------------------------------

USUAL_GROUPINGS = {
    (4, 4, 4, 4),
    (4, 6, 5),
    (4, 6, 4),
    (4, 4, 4, 4, 3),
    (4, 3, 3, 3),
    (4, 4, 4, 1),
    (4, 4, 5),
    (6, 13),
}
EMBOSSED_GROUPINGS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4)}


def _is_plausible_grouping(groups: list[_Group]) -> bool:
    """Return whether people write card numbers in such groups.

    Telephone numbers have up to 15 digits, so shorter card numbers must match more exactly.
    """
    sizes = tuple(len(group.digits) for group in groups)
    gaps = {group.gap for group in groups[1:]}
    total = sum(sizes)
    # Two telephone numbers. A plus alone is a blank of a URL.
    if len(groups) == 2 and groups[1].gap.endswith("+") and groups[1].gap != "+":
        return False
    # A comma separates two numbers. Alone between the groups of a card, without a blank, it may be inside one.
    if any("," in gap or ";" in gap for gap in gaps):
        return gaps in ({","}, {";"}) and sizes in EMBOSSED_GROUPINGS
    if len(gaps) > 1:
        return sizes in USUAL_GROUPINGS or (total >= 16 and sizes[0] == 4 and max(map(len, gaps)) == 1)
    if len(sizes) == 1 or sizes in USUAL_GROUPINGS or set(sizes) == {1}:
        return True
    even = len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]
    if total < 16:
        return even and total > SHORTEST
    return even or sizes[0] in {4, 6} or max(sizes) <= 4


# --- Harmless numbers with as many digits ------------------------------------------------------------------

_PHONE_PLUS = re.compile(r"(?:\A|[^0-9A-Za-z_])\+[ (.-]{0,2}\Z")
_EXIT_CODES = ("00", "011", "0011", "010")


def _is_phone(text: str, groups: list[_Group]) -> bool:
    """Return whether a run of digits is a telephone number with its country code, as in E.164."""
    total = sum(len(group.digits) for group in groups)
    if any(groups[0].digits.startswith(code) for code in _EXIT_CODES):
        return total <= PHONE_MAX + 3
    before = text[max(groups[0].start - 10, 0) : groups[0].start]
    return total <= PHONE_MAX and _PHONE_PLUS.search(before) is not None


_UUID = r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
_DAY, _MONTH, _YEAR = "(?:0[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|1[0-2])", "(?:19|20|21)[0-9]{2}"
_TIME = r"(?:(?:T[0-9]{2}:?[0-9]{2}| [0-9]{2}:[0-9]{2})(?::?[0-6][0-9](?:[.,][0-9]{1,9})?)?)?(?![0-9])"
_MOMENT = rf"(?<![0-9]){_YEAR}([-/.]){_MONTH}\1{_DAY}{_TIME}|(?<![0-9]){_DAY}([-/.]){_MONTH}\2{_YEAR}{_TIME}"
_OTHERS = re.compile(f"{_UUID}|{_MOMENT}")
_IBAN = re.compile(r"(?<![0-9A-Za-z])(?=([A-Za-z]{2}[0-9]{2}(?:[ .-]?[0-9A-Za-z]){11,30}))")
# https://www.swift.com/standards/data-standards/iban-international-bank-account-number
_IBAN_LENGTHS = """
    AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DJ:27
    DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HN:28 HR:21 HU:28
    IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 LY:25 MC:27 MD:24 ME:22
    MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24
    SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30 AO:25
    BF:28 BJ:28 CF:27 CG:27 CI:28 CM:27 CV:25 DZ:26 GA:27 GQ:27 GW:25 IR:26 KM:27 MA:28 MG:27 ML:28 MZ:25 NE:28
    SN:28 TD:27 TG:28
"""
_LENGTH_OF = {part[:2]: int(part[3:]) for part in _IBAN_LENGTHS.split()}
# Tracking numbers of the US Postal Service: 20 or 22 digits, in fours, with their own check digit.
_PARCEL = re.compile(r"(?<![0-9A-Za-z])9[1-5][0-9]{2}(?: ?[0-9]{4}){4}(?: ?[0-9]{2})?(?![0-9A-Za-z])")


def _blank_harmless(text: str) -> str:
    """Return a text of the same length, with harmless numbers (by shape or check digit) replaced by BLANK."""
    text = _OTHERS.sub(_blank, text)
    text = _PARCEL.sub(lambda match: _blank(match) if _is_parcel(match[0]) else match[0], text)
    pieces: list[str] = []
    last = 0
    for account in _IBAN.finditer(text):
        end = account.start() + (_end_of_iban(account[1]) or 0)
        if end > max(last, account.start()):
            pieces += text[last : account.start()], BLANK * (end - max(last, account.start()))
            last = end
    return "".join(pieces) + text[last:]


def _blank(match: re.Match[str]) -> str:
    return BLANK * len(match[0])


def _is_parcel(text: str) -> bool:
    digits = [int(digit) for digit in reversed(text.replace(" ", ""))]
    return (sum(digits[1::2]) * 3 + sum(digits[::2])) % 10 == 0


def _end_of_iban(text: str) -> int | None:
    """Return the end of an IBAN at the start of a text, if its length and its check digits are right."""
    length = _LENGTH_OF.get(text[:2].upper(), 0)
    characters = ""
    for end, character in enumerate(text, start=1):
        characters += character.upper() if character.isalnum() else ""
        if len(characters) == length:
            number = "".join(str(int(one, 36)) for one in characters[4:] + characters[:4])
            ends_here = not text[end : end + 1].isalnum()
            return end if ends_here and int(number) % 97 == 1 else None
    return None
