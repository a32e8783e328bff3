"""Owns how a printed invoice spells money, quantities, days and addresses."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from invoices.clients import Address
from invoices.money import from_minor, minor_digits, plain
from invoices.periods import BillingPeriod
from invoices.render.countries import COUNTRY_NAMES
from invoices.render.fonts import printable

MINUS = "\N{MINUS SIGN}"
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_REGION_BEFORE_POSTCODE = frozenset({"US", "CA", "AU", "IN"})
_POSTCODE_ON_ITS_OWN_LINE = frozenset({"GB", "IE"})
_NAME_LIMIT = 120
_LONGEST_WORD = 32
_LAST_CYRILLIC = "\u052f"
_PRICE_PLACES = 8


def spelled_money(minor: int, currency: str) -> str:
    """`1,234.50`, with the currency's own digits and a true minus sign."""
    return f"{from_minor(minor, currency):,f}".replace("-", MINUS)


def spelled_decimal(amount: Decimal) -> str:
    """`1,234.5678`: exact, grouped, no superfluous zero."""
    return f"{Decimal(plain(amount)):,f}".replace("-", MINUS)


def spelled_price(price: Decimal, currency: str) -> str:
    """Of a unit: `35.50`, `0.0116`; at most eight places, for a converted rate can have thirty."""
    words = plain(round(price, _PRICE_PLACES))
    places = max(len(words.partition(".")[2]), minor_digits(currency))
    return f"{Decimal(words):,.{places}f}".replace("-", MINUS)


def spelled_day(day: date) -> str:
    """`5 November 2026`: no reader mistakes the day for the month."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def spelled_month(period: BillingPeriod) -> str:
    return f"{_MONTHS[period.month - 1]} {period.year}"


def spelled_days(period: BillingPeriod) -> str:
    """`1–31 October 2026`."""
    return f"1–{spelled_day(period.end - timedelta(days=1))}"


def spelled_terms(days: int) -> str:
    return "Due on receipt" if days == 0 else f"{days} day{'' if days == 1 else 's'} net"


def name(text: str, limit: int = _NAME_LIMIT) -> str:
    """A name as printed: cut with an ellipsis where it would not fit on a page."""
    drawn = printable(text).strip()
    if len(drawn) <= limit:
        return breakable(drawn)
    return breakable(drawn[: limit - 1].rstrip()) + "…"


def breakable(text: str) -> str:
    """Words longer than a column, such as resource ids, get places where a line may break.

    Only in letters that stand alone: Typst knows where Thai or Chinese breaks, and a break inside
    an Arabic or Hindi word would change its shape.
    """
    return " ".join(map(_with_breaks, text.split(" ")))


def _with_breaks(word: str) -> str:
    if len(word) <= _LONGEST_WORD or max(word) > _LAST_CYRILLIC:
        return word
    return "\u200b".join(word[at : at + 12] for at in range(0, len(word), 12))


def address_lines(address: Address, *, home_country: str = "") -> list[str]:
    """Lines below the name, as the post wants them; the country only where mail leaves one."""
    lines = [address.street, *_town_lines(address)]
    if address.country != home_country:
        lines.append(COUNTRY_NAMES.get(address.country, address.country).upper())
    return [name(line) for line in lines if line.strip()]


def letterhead_lines(address: Address, *, limit: int = _NAME_LIMIT) -> list[str]:
    """Street, town and country of the seller, the town on one line."""
    town = " ".join(part for part in _town_lines(address) if part)
    country = COUNTRY_NAMES.get(address.country, address.country)
    return [name(line, limit) for line in (address.street, town, country) if line.strip()]


def _town_lines(address: Address) -> list[str]:
    city, region, postcode = address.city, address.region, address.postcode
    if address.country in _REGION_BEFORE_POSTCODE:
        return [f"{city} {region} {postcode}".replace("  ", " ")]
    if address.country in _POSTCODE_ON_ITS_OWN_LINE:
        return [city, region, postcode]
    return [f"{postcode} {city}".strip(), region]
