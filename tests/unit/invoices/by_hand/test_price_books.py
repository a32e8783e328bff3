"""What a price book refuses, in whole sentences; and how much a rule says, counted by hand."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from invoices.kinds import Kind
from invoices.matching import specificity
from invoices.pricing.book import FixedRate, Markup, Match
from tests.support.builders import book


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            lambda: Markup(Decimal("0.00001")),
            "a markup percent has at most 4 decimal places, not 0.00001",
        ),
        (
            lambda: Markup(Decimal("NaN")),
            "a markup percent has at most 4 decimal places, not NaN",
        ),
        (
            lambda: Markup(Decimal("-100.0001")),
            "a markup of -100.0001 % would pay the client: at least -100",
        ),
        (
            lambda: FixedRate(Decimal("0.0000000000001")),
            "a fixed rate has at most 12 decimal places, not 1E-13",
        ),
        (
            lambda: FixedRate(Decimal("-0.5")),
            "a fixed rate of -0.5 would pay the client: at least 0",
        ),
        (
            lambda: book(credits_passed_percent=Decimal("0.00001")),
            "a passed percent has at most 4 decimal places, not 0.00001",
        ),
        (
            lambda: book(aws_tax_passed_percent=Decimal("100.0001")),
            "100.0001 % cannot be passed on: write 0 to 100",
        ),
        (
            lambda: book(discounts_passed_percent={Kind.DISCOUNT_EDP: Decimal("-0.0001")}),
            "-0.0001 % cannot be passed on: write 0 to 100",
        ),
    ],
)
def test_what_cannot_be_exact_or_would_pay_the_client_is_refused(
    made: Callable[[], object], words: str
) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        made()
    assert str(refused.value) == words


def test_the_finest_and_the_outermost_that_is_exact_is_taken() -> None:
    assert Markup(Decimal("0.0001")).percent and Markup(Decimal(-100)).percent == -100
    assert FixedRate(Decimal(0)).rate == 0 and FixedRate(Decimal("1E-12")).rate
    outermost = book(credits_passed_percent=Decimal(100), aws_tax_passed_percent=Decimal(0))
    assert outermost.passed_percent(Kind.CREDIT) == 100
    assert outermost.passed_percent(Kind.TAX) == 0
    swapped = book(credits_passed_percent=Decimal(0), aws_tax_passed_percent=Decimal(100))
    assert swapped.passed_percent(Kind.CREDIT) == 0
    assert swapped.passed_percent(Kind.TAX) == 100


@pytest.mark.parametrize(
    ("match", "said"),
    [
        (Match(), (0, 0, 0)),
        (Match(service="**"), (0, 0, 0)),
        (Match(region=""), (1, 0, 0)),
        (Match(service="AmazonEC2", region="eu-*"), (1, 1, 3)),
        (Match(service="Amazon*", region="eu-*"), (0, 2, 9)),
        (Match(usage_type="EU-?"), (0, 1, 4)),
        (Match(usage_type="?U-*Box*"), (0, 1, 6)),
    ],
)
def test_a_match_says_columns_written_out_columns_with_a_glob_and_their_letters(
    match: Match, said: tuple[int, int, int]
) -> None:
    assert specificity(match) == said
