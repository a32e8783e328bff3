"""Rounding and splitting: nothing is lost, and two runs agree."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoices.money import (
    Rounding,
    UnknownCurrency,
    exact_sum,
    from_minor,
    minor_digits,
    plain,
    split_exact,
    split_rounded,
    to_minor,
)


def test_half_a_cent_is_rounded_away_from_zero_by_default() -> None:
    assert to_minor(Decimal("1.005"), "USD") == 1_01
    assert to_minor(Decimal("-1.005"), "USD") == -1_01
    assert to_minor(Decimal("0.5"), "JPY") == 1
    assert to_minor(Decimal("1.0005"), "KWD") == 1_001


def test_a_seller_may_round_half_to_even() -> None:
    assert to_minor(Decimal("1.005"), "USD", Rounding.HALF_EVEN) == 1_00
    assert to_minor(Decimal("1.015"), "USD", Rounding.HALF_EVEN) == 1_02


def test_a_part_of_a_unit_is_cut_off_or_a_whole_one_on_both_sides_of_zero() -> None:
    amounts = [Decimal(text) for text in ("123.9", "123.1", "-123.9", "-123.1", "123")]
    assert [to_minor(each, "JPY", Rounding.DOWN) for each in amounts] == [123, 123, -123, -123, 123]
    assert [to_minor(each, "JPY", Rounding.UP) for each in amounts] == [124, 124, -124, -124, 123]


def test_what_is_no_currency_has_no_smallest_unit() -> None:
    """Two places for whatever is unknown were 12.00 of 1200 yen, and 1200.00 of 1.200 dinars."""
    for code in ("", "EUO", "eur", "BTC", "XXX"):
        with pytest.raises(UnknownCurrency, match="is no currency of ISO 4217"):
            from_minor(1, code)
    with pytest.raises(UnknownCurrency, match="None is no currency"):
        to_minor(Decimal(1), None)  # type: ignore[arg-type]
    digits = {"USD": 2, "CHF": 2, "JPY": 0, "KRW": 0, "KWD": 3, "CLF": 4, "XCG": 2}
    assert {code: minor_digits(code) for code in digits} == digits


def test_minor_units_come_back_with_the_currencys_places() -> None:
    assert str(from_minor(1_20, "USD")) == "1.20"
    assert str(from_minor(120, "JPY")) == "120"


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.500", "1.5"), ("1E-10", "0.0000000001"), ("-0.00", "0"), ("100", "100"), ("0E-10", "0")],
)
def test_plain_text_has_no_exponent_and_no_superfluous_zero(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


def test_three_thirds_of_a_dollar_are_a_dollar() -> None:
    thirds = dict.fromkeys(["anna", "bell", "cora"], Decimal(100) / 3 / 100)

    assert split_rounded(1_00, thirds, "USD") == {"anna": 34, "bell": 33, "cora": 33}


def test_the_cent_left_over_is_the_largest_remainder_s_and_not_the_first_key_s() -> None:
    exact = {"anna": Decimal("0.331"), "bell": Decimal("0.338"), "cora": Decimal("0.331")}

    assert split_rounded(1_00, exact, "USD") == {"anna": 33, "bell": 34, "cora": 33}


LONG = Decimal("1234567890123456789012345678.9012345678")
"""The 38 digits of a column of costs: Python's own context keeps 28 of them."""


def test_the_digits_of_the_longest_cost_are_all_kept() -> None:
    assert to_minor(LONG, "USD") == 123456789012345678901234567890
    assert to_minor(LONG, "KWD") == 1234567890123456789012345678901
    assert split_rounded(2469135780246913578024691357_80, {"anna": LONG, "bell": LONG}, "USD") == {
        "anna": 1234567890123456789012345678_90,
        "bell": 1234567890123456789012345678_90,
    }
    assert split_exact(LONG, {"anna": LONG, "bell": Decimal(0)}) == {"anna": LONG, "bell": 0}
    assert str(from_minor(12345678901234567890123456789_01, "USD")) == (
        "12345678901234567890123456789.01"
    )
    assert exact_sum([LONG, Decimal("1E-10")]) == Decimal("1234567890123456789012345678.9012345679")


@pytest.mark.parametrize("basis", [{"anna": "0"}, {"anna": "2", "bell": "-1"}, {"anna": "-1"}])
def test_what_nobody_bears_is_shared_out_to_nobody(basis: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        split_exact(Decimal(1), {key: Decimal(weight) for key, weight in basis.items()})


def test_weights_may_be_parts_of_one() -> None:
    """Three quarters and one: with whole weights alone, both would be nothing."""
    quarters = {"anna": Decimal("0.75"), "bell": Decimal("0.25")}

    assert split_exact(Decimal("0.10"), quarters, digits=2) == {
        "anna": Decimal("0.08"),  # 0.075 and 0.025 are as far from a cent; anna is first.
        "bell": Decimal("0.02"),
    }


AMOUNTS = st.decimals(min_value=-(10**6), max_value=10**6, places=10)


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), AMOUNTS, min_size=1, max_size=20),
    st.sampled_from(Rounding),
)
def test_rounded_lines_add_up_and_none_moves_by_a_cent(
    exact: dict[str, Decimal], rounding: Rounding
) -> None:
    total = to_minor(sum(exact.values(), Decimal(0)), "USD", rounding)

    lines = split_rounded(total, exact, "USD")

    assert sum(lines.values()) == total
    assert all(abs(lines[key] - amount * 100) < 1 for key, amount in exact.items())


WEIGHTS = st.decimals(min_value=0, max_value=10**6, places=6)


@given(
    AMOUNTS,
    st.dictionaries(st.text(max_size=3), WEIGHTS, min_size=1).filter(lambda d: any(d.values())),
)
def test_shares_add_up_to_the_last_digit(total: Decimal, basis: dict[str, Decimal]) -> None:
    shares = split_exact(total, basis)

    assert sum(shares.values()) == total
    assert all(shares[key] == 0 for key, weight in basis.items() if weight == 0)


def test_a_shared_fee_follows_spend() -> None:
    spend = {"anna": Decimal("300.00"), "bell": Decimal("100.00")}

    assert split_exact(Decimal("10.01"), spend) == {
        "anna": Decimal("7.5075"),
        "bell": Decimal("2.5025"),
    }
