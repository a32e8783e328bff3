"""Named discounts by contract: each is passed, retained or shared by itself."""

from dataclasses import replace
from decimal import Decimal

from invoices.kinds import Kind
from invoices.month import bill, prove
from tests.support.builders import book, charge, charges, inputs, owns

ACME = "111111111111"
ROWS = [
    charge(ACME, "100"),
    charge(ACME, "-10", Kind.UNKNOWN, description_key="DistributorDiscount"),
    charge(ACME, "-4", Kind.UNKNOWN, description_key="LoyaltyDiscount"),
    charge(ACME, "-8", Kind.DISCOUNT_SPP),
]


def test_each_mapped_discount_is_shared_by_its_name_before_its_kind() -> None:
    """100 - 10 x 40 % - 4 x 25 %, as others; the program's 8 is kept: 6 + 3 + 8 retained."""
    contract = book(
        discounts_passed_percent={Kind.DISCOUNT_OTHER: Decimal(25)},
        named_discounts_passed_percent={"DistributorDiscount": Decimal(40)},
    )
    given = replace(
        inputs(owns("acme", ACME), books=[contract]),
        line_types={
            "DistributorDiscount": "discount_other",
            "LoyaltyDiscount": "discount_other",
        },
    )

    month = bill(charges(*ROWS), given)

    assert month.statements[0].cost == 95
    assert month.retained == {"discount_other": -9, "discount_spp": -8}
    assert prove(month).closes


def test_a_name_is_of_discounts_only() -> None:
    """A credit that is described so is a credit: kept whole."""
    contract = book(named_discounts_passed_percent={"DistributorDiscount": Decimal(40)})
    rows = [
        charge(ACME, "100"),
        charge(ACME, "-10", Kind.CREDIT, description_key="DistributorDiscount"),
    ]

    month = bill(charges(*rows), inputs(owns("acme", ACME), books=[contract]))

    assert month.statements[0].cost == 100
    assert month.retained == {"credits": -10}


def test_a_misspelt_name_is_told() -> None:
    """Nothing of the 10 is passed, and nobody would know."""
    contract = book(named_discounts_passed_percent={"DistributerDiscount": Decimal(100)})
    given = replace(
        inputs(owns("acme", ACME), books=[contract]),
        line_types={"DistributorDiscount": "discount_other", "LoyaltyCredit": "credit"},
    )

    month = bill(charges(*ROWS[:2]), given)

    (told,) = [each for each in month.findings if each.code == "discount_not_mapped"]
    assert (told.where, told.client) == (contract.key, "")
    assert "DistributerDiscount" in told.message
    assert "Those mapped: DistributorDiscount." in told.message
    assert month.statements[0].cost == 100
