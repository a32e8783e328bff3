"""Owns the root e-mail address of a member account: a plus-address of the team's mailbox."""

from __future__ import annotations

import re
from collections.abc import Collection

from accounts.model.naming import to_slug, token_of
from kernel.errors import BadInput

EMAIL_CHARS_MIN = 6
EMAIL_CHARS_MAX = 64
# Organizations' own rule for an address (API reference of CreateAccount).
_FORBIDDEN_IN_LOCAL = re.compile(r"[\s\"'()<>\[\]:;,\\|%&]")
_DOMAIN = re.compile(
    r"[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?)+"
)


def plus_address(*, mailbox: str, client_key: str, onboarding_id: str) -> str:
    """`aws@msp.example`, `acme`, `onb-7f3a` -> `aws+acme-7f3a@msp.example`, in lower case.

    Deterministic: a second run asks for the same address. Too long: the client key is cut, never
    the token. Raises BadInput where mailbox and token alone are too long.
    """
    local, domain = check_email(mailbox).lower().rsplit("@", 1)
    if "+" in local:
        raise BadInput(f"the mailbox {mailbox!r} has a + already; give the plain address")
    token = token_of(onboarding_id)
    room = EMAIL_CHARS_MAX - len(f"{local}+-{token}@{domain}")
    slug = to_slug(client_key)[: max(room, 0)].strip("-")
    tail = f"{slug}-{token}" if slug else token
    # Not random: a second run with another address would ask for a second account:
    # `tests/properties/test_accounts_names.py`,
    # `test_two_onboardings_never_share_an_address_or_a_name`.
    return check_email(f"{local}+{tail}@{domain}")


def check_email(email: str) -> str:
    """The address itself, or BadInput with the one rule of AWS it breaks."""
    problem = _problem(email)
    if problem:
        raise BadInput(f"AWS does not take the e-mail address {email!r}: {problem}")
    return email


def check_free(email: str, *, taken: Collection[str]) -> str:
    """The address itself, or BadInput when it is reserved or in use; AWS ignores case."""
    if email.lower() in {other.lower() for other in taken}:
        raise BadInput(
            f"the e-mail address {email!r} is taken by another account; give another one"
        )
    return email


def _problem(email: str) -> str:
    if not email.isascii():
        return "it may hold 7-bit ASCII characters only"
    if not EMAIL_CHARS_MIN <= len(email) <= EMAIL_CHARS_MAX:
        return f"it has {len(email)} characters, not {EMAIL_CHARS_MIN} to {EMAIL_CHARS_MAX}"
    if email.count("@") != 1:
        return "it must hold exactly one @"
    local, domain = email.split("@")
    if not local or local.startswith("."):
        return "the part before the @ may not be empty or begin with a dot"
    if forbidden := _FORBIDDEN_IN_LOCAL.search(local):
        return f"the part before the @ may not hold {forbidden[0]!r}"
    if not local.isprintable():
        return "the part before the @ may not hold control characters"
    if _DOMAIN.fullmatch(domain) is None:
        return f"{domain!r} is no domain"
    return ""
