"""Owns precision: exact decimals inside, whole minor units on documents, one place between them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import (
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)
from enum import StrEnum
from functools import reduce

from kernel.errors import BadInput

COST_DIGITS = 10
"""Decimal places of a canonical cost: AWS delivers ten."""

EXACT = Context(prec=60)
"""Sixty digits hold every product of a cost, a rate and an exchange rate without rounding."""

_ZERO = Decimal(0)

# ISO 4217, with those that were withdrawn in the last years; without metals, funds and bonds.
_MINOR_DIGITS = {
    **dict.fromkeys(
        (
            "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP "
            "BYN BZD CAD CDF CHF CNY COP CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP "
            "GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW "
            "KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN "
            "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK "
            "SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD "
            "UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
        ).split(),
        2,
    ),
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


class Rounding(StrEnum):
    """What becomes of a part of a minor unit; a seller chooses one."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    """Cut off: 123.9 is 123, and -123.9 is -123."""
    UP = "up"
    """Any part is a whole one: 123.1 is 124, and -123.1 is -124."""


_DECIMAL_ROUNDING = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}


@dataclass(frozen=True, slots=True)
class CostAndPrice:
    """What somebody bears, and what is asked for it, in one currency."""

    cost: Decimal
    price: Decimal


class UnknownCurrency(BadInput):
    code = "unknown_currency"

    def __init__(self, currency: str) -> None:
        super().__init__(f"{currency!r} is no currency of ISO 4217: nobody knows its smallest unit")


def is_currency(code: str) -> bool:
    return code in _MINOR_DIGITS


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's smallest unit: USD 2, JPY 0, KWD 3. Raises UnknownCurrency."""
    if not is_currency(currency):
        # Two for whatever is unknown were a hundredfold of an amount in yen.
        raise UnknownCurrency(currency)
    return _MINOR_DIGITS[currency]


def exact_sum(amounts: Iterable[Decimal]) -> Decimal:
    """The sum without rounding: Python's own `sum` keeps 28 digits and drops the rest silently."""
    return reduce(EXACT.add, amounts, _ZERO)


def to_minor(exact: Decimal, currency: str, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Whole minor units of an exact amount: the only place where precision is given up."""
    scaled = exact.scaleb(minor_digits(currency), EXACT)
    return int(scaled.to_integral_value(_DECIMAL_ROUNDING[rounding], EXACT))


def from_minor(minor: int, currency: str) -> Decimal:
    """The exact amount of whole minor units, with the currency's decimal places: 1_00 -> 1.00."""
    return Decimal(minor).scaleb(-minor_digits(currency), EXACT)


def to_cost(exact: Decimal) -> Decimal:
    """A computed cost with the places that AWS's own have."""
    return exact.quantize(Decimal(1).scaleb(-COST_DIGITS), ROUND_HALF_EVEN, EXACT)


def split_rounded(total_minor: int, exact: Mapping[str, Decimal], currency: str) -> dict[str, int]:
    """Round every amount of `exact` to minor units so that they add up to `total_minor`.

    Largest remainder; ties go to the smaller key. `total_minor` must be a rounding of their sum,
    so no amount moves by a whole minor unit.
    """
    scaled = {key: amount.scaleb(minor_digits(currency), EXACT) for key, amount in exact.items()}
    floors = {key: int(x.to_integral_value(ROUND_FLOOR, EXACT)) for key, x in scaled.items()}
    # An e-invoice has two decimals on each line and a total that is exactly their sum (EN 16931,
    # BR-DEC-23 and BR-CO-10), so lines share out a rounded total:
    # `tests/unit/invoices/test_money.py::test_rounded_lines_add_up_and_none_moves_by_a_cent`.
    owed = total_minor - sum(floors.values())
    assert 0 <= owed <= len(exact), f"{total_minor} is no rounding of the sum of these amounts"
    by_remainder = sorted(scaled, key=lambda key: (floors[key] - scaled[key], key))
    return {key: floors[key] + 1 for key in by_remainder[:owed]} | {
        key: floors[key] for key in by_remainder[owed:]
    }


def split_exact(
    total: Decimal, basis: Mapping[str, Decimal], digits: int = COST_DIGITS
) -> dict[str, Decimal]:
    """Share out `total` in proportion to `basis` (non-negative, not all zero), losing nothing.

    Shares have `digits` decimal places; the units left over go to the largest remainders, ties to
    the smaller key.
    """
    basis_sum = exact_sum(basis.values())
    assert basis_sum > 0 and min(basis.values()) >= 0, "a shared amount needs somebody to bear it"
    units = int(total.scaleb(digits, EXACT))
    assert Decimal(units) == total.scaleb(digits, EXACT), f"{total} has more than {digits} places"
    denominator, numerators = _integers(basis)
    shares = {key: divmod(units * n, denominator) for key, n in numerators.items()}
    owed = units - sum(whole for whole, _ in shares.values())
    lucky = set(sorted(shares, key=lambda key: (-shares[key][1], key))[:owed])
    return {
        key: Decimal(whole + (key in lucky)).scaleb(-digits, EXACT)
        for key, (whole, _) in shares.items()
    }


def _integers(basis: Mapping[str, Decimal]) -> tuple[int, dict[str, int]]:
    places = max(-int(x.as_tuple().exponent) for x in basis.values())
    whole = {key: int(x.scaleb(max(places, 0), EXACT)) for key, x in basis.items()}
    return sum(whole.values()), whole


def plain(amount: Decimal) -> str:
    """The amount as plain decimal text: never an exponent, never a superfluous zero, never -0."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


__all__ = [
    "COST_DIGITS",
    "EXACT",
    "CostAndPrice",
    "Rounding",
    "UnknownCurrency",
    "exact_sum",
    "from_minor",
    "is_currency",
    "minor_digits",
    "plain",
    "split_exact",
    "split_rounded",
    "to_cost",
    "to_minor",
]
