"""Owns text as documents may carry it: legible in every format, a formula in none."""

import functools
import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# Invisible characters that reorder, hide or vary what a reader sees. The zero-width joiners stay:
# Persian, the Indic scripts and emoji are written with them.
_INVISIBLE = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\u2060\ufeff\ufff9\ufffa\ufffb") | {
    chr(code)
    for first, last in (
        (0x202A, 0x202E),
        (0x2061, 0x206F),
        (0xFE00, 0xFE0E),
        (0xE0000, 0xE0FFF),
        (0x180B, 0x180F),
    )
    for code in range(first, last + 1)
}
_FORMULA_STARTS = frozenset("=+-@＝＋－＠﹢﹣﹦﹫−")


def legible(text: str) -> str:
    """`text` on one line, without control characters, overrides of direction or broken halves.

    What has no meaning outside one program (surrogates, private use, noncharacters) becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_legible, text))


@functools.lru_cache(maxsize=65536)
def _legible(character: str) -> str:
    if character in _INVISIBLE:
        return ""
    category = unicodedata.category(character)
    if category in {"Zl", "Zp"} or character in "\t\n\v\f\r\x85":
        return " "
    if category == "Cc":
        return ""
    if category in {"Cs", "Co"} or ord(character) & 0xFFFE == 0xFFFE:
        return REPLACEMENT
    return REPLACEMENT if 0xFDD0 <= ord(character) <= 0xFDEF else character


def formula_safe(text: str) -> str:
    """`text` as a spreadsheet may open it: what would start a formula is preceded by `'`."""
    cleaned = legible(text)
    starts_formula = cleaned.lstrip()[:1] in _FORMULA_STARTS and cleaned.strip() != ""
    # OWASP names tab and carriage return beside the four signs ("CSV Injection"):
    # `tests/unit/render/test_csv.py`,
    # `test_text_that_would_be_a_formula_is_escaped_and_other_text_is_not`.
    starts_control = text[:1] in {"\t", "\r", "\n", "\0"}
    return "'" + cleaned if starts_formula or starts_control else cleaned
