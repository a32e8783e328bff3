"""Owns what an AWS account is called: as its client asked, and for its creation with a token."""

from __future__ import annotations

import re
import unicodedata

from kernel.errors import BadInput

ACCOUNT_NAME_CHARS_MAX = 50
_ONBOARDING_ID = re.compile(r"onb-([0-9a-z]{4,16})")
# CreateAccount takes < and > besides; PutAccountName, which gives the name for good, does not.
_ACCOUNT_NAME = re.compile(r"[ -;=?-~]{1,50}")
# Latin letters that Unicode does not decompose, as their countries write them in passports.
_LETTERS = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O",
     "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L", "ı": "i",
     "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\N{NO-BREAK SPACE}": " "}
)  # fmt: skip


def token_of(onboarding_id: str) -> str:
    """`onb-7f3a` -> `7f3a`: the part that makes names and addresses unique. Raises BadInput."""
    match = _ONBOARDING_ID.fullmatch(onboarding_id)
    if match is None:
        raise BadInput(
            f"{onboarding_id!r} is no onboarding id; it is onb- and 4 to 16 lower-case letters "
            "or digits, like onb-7f3a"
        )
    return match[1]


def to_ascii(text: str, *, fallback: str) -> str:
    """`text` without its accents; `fallback` (the client key) where a letter has no Latin form.

    `Müller & Söhne` -> `Muller & Sohne`; `株式会社` -> the fallback: half a name misleads.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    kept = [char for char in plain if not unicodedata.combining(char)]
    if any(ord(char) > 0x7E and char.isalnum() for char in kept):
        return fallback
    ascii_only = "".join(char if _ACCOUNT_NAME.fullmatch(char) else " " for char in kept)
    return " ".join(ascii_only.split()) or fallback


def to_slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens: `ACME, Ltd.` -> `acme-ltd`; may be ''."""
    return re.sub(r"[^0-9a-z]+", "-", to_ascii(text, fallback="").lower()).strip("-")


def account_name(*, client_name: str, client_key: str, purpose: str) -> str:
    """What the account is called for good: the caller's word, `prod`; without one its client.

    Not unique: AWS asks for that as little as we do, and the client stands beside it everywhere.
    Raises BadInput for a purpose that AWS does not take.
    """
    if purpose.strip():
        return check_account_name(_checked(purpose))
    name = to_ascii(client_name, fallback=client_key)[:ACCOUNT_NAME_CHARS_MAX]
    return check_account_name(name.rstrip())


def name_with_token(*, client_name: str, client_key: str, purpose: str, onboarding_id: str) -> str:
    """`Acme`, `prod`, `onb-7f3a` -> `Acme prod (7f3a)`: the same for the same arguments.

    What AWS is asked for. A creation in flight shows neither e-mail nor tags, so the token in the
    name is the only way to find it again; once it is adopted, the account loses it. Too long: the
    client's name is cut, never the purpose or the token.
    The client's name is transliterated; the purpose is the caller's own word, and never changed.
    Raises BadInput for a purpose that AWS does not take, or that leaves nothing of the name.
    """
    tail = f" ({token_of(onboarding_id)})"
    if purpose.strip():
        tail = f" {_checked(purpose)}{tail}"
    room = ACCOUNT_NAME_CHARS_MAX - len(tail)
    head = to_ascii(client_name, fallback=client_key)[: max(room, 0)].rstrip()
    if not head:
        raise BadInput(
            f"the purpose {purpose!r} leaves no room for the client's name in an account name of "
            f"{ACCOUNT_NAME_CHARS_MAX} characters; shorten it"
        )
    return check_account_name(head + tail)


def _checked(purpose: str) -> str:
    if any(not 0x20 <= ord(char) <= 0x7E for char in purpose):
        latin = to_ascii(purpose, fallback="")
        instead = f"ask for {latin!r} instead" if latin else "give it in Latin letters"
        raise BadInput(
            f"AWS takes printable ASCII characters only in an account's name, not {purpose!r}: "
            + instead
        )
    if "<" in purpose or ">" in purpose:
        raise BadInput(
            f"AWS takes no < and no > in an account's name; leave them out of {purpose!r}"
        )
    return " ".join(purpose.split())


def check_account_name(name: str) -> str:
    """The name itself, or BadInput: 1 to 50 printable ASCII characters, neither < nor >."""
    if _ACCOUNT_NAME.fullmatch(name) is None:
        raise BadInput(
            f"AWS does not take {name!r} as an account name; "
            f"use 1 to {ACCOUNT_NAME_CHARS_MAX} printable ASCII characters, neither < nor >"
        )
    return name
