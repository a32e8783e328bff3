"""Owns what an invoice's lines are called: their keys, stable from month to month, and words."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256

from invoices.kinds import Kind
from invoices.pricing.book import Match

WORDS: Mapping[Kind, str] = {
    Kind.USAGE: "Usage",
    Kind.RI_USAGE: "Usage covered by reservations",
    Kind.SP_USAGE: "Usage covered by savings plans",
    Kind.FEE: "Fee",
    Kind.SUBSCRIPTION: "Subscription",
    Kind.RI_FEE: "Reservation fees",
    Kind.RI_UPFRONT: "Reservation upfront fees",
    Kind.SP_FEE: "Savings plan fees",
    Kind.SP_UPFRONT: "Savings plan upfront fees",
    Kind.COMMITMENT_SHARE: "Commitment benefit",
    Kind.DISCOUNT_EDP: "Enterprise discount",
    Kind.DISCOUNT_PRIVATE_RATE: "Private rate discount",
    Kind.DISCOUNT_BUNDLED: "Bundled discount",
    Kind.DISCOUNT_RI_VOLUME: "Reservation volume discount",
    Kind.DISCOUNT_SPP: "Solution provider discount",
    Kind.DISCOUNT_OTHER: "Discount",
    Kind.CREDIT: "Credit",
    Kind.REFUND: "Refund",
    Kind.TAX: "AWS tax",
}
"""What a line says, by kind, in the order of the lines.

A savings plan's negation is on the line of what it cancels.
"""

DESCRIBED = frozenset({Kind.FEE, Kind.SUBSCRIPTION, Kind.CREDIT, Kind.REFUND, Kind.DISCOUNT_OTHER})
"""Kinds whose description names the thing charged, as it does on Marketplace and registrar rows."""


@lru_cache(maxsize=100_000)
def line_name(kind: str, seller: str, tax_type: str, described_as: str) -> tuple[str, str]:
    words = described_as or WORDS[Kind(kind)]
    words = f"{words} ({tax_type})" if tax_type else words
    words = f"{words} (sold by {seller})" if seller else words
    plain_kind = words == WORDS[Kind(kind)]
    return kind if plain_kind else f"{kind}-{_short_hash(words)}", words


@lru_cache(maxsize=100_000)
def fixed_rate_name(match: Match, unit: str) -> tuple[str, str]:
    """Two rates on one line would have no unit price, so each rule's units have their own line."""
    words = "Usage" if set(match.usage_type) == {"*"} else f"Usage: {match.usage_type}"
    return f"fixed-{_short_hash(f'{match}{unit}')}", f"{words} at a fixed rate"


def shared_name(name: tuple[str, str], key: str, described_as: str) -> tuple[str, str]:
    """Of a part of a shared cost: by its group's key, so that its words may change."""
    slug, words = name
    return f"{slug}-shared-{key}", f"{words} (shared: {described_as})"


def _short_hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:10]
